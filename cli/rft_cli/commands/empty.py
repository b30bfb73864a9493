"""`rft empty`: what has to happen before a stack is destroyed."""

import sys
from typing import Annotated

import typer

from rft_cli.commands.options import Env, Json, Stack
from rft_cli.console import err, out, print_json


def empty(
    env: Env = None,
    stack: Stack = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Empty the buckets that an environment's stack would delete, and list what the stack does not own.

    Buckets that the stack retains are left alone. Custom models and deployments that runs made are only listed.
    """
    from rft_cli.cli_error import CliError
    from rft_cli.emptying import deletable_buckets, empty_bucket, leftovers
    from rft_cli.environment import open_environment

    environment = open_environment(env, stack)
    buckets = deletable_buckets(environment.aws, environment.stack)
    if buckets and not environment.is_local and not yes:
        if not sys.stdin.isatty():
            raise CliError(f"environment {environment.name}: say --yes to delete all objects in {', '.join(buckets)}")
        typer.confirm(f"Delete all objects in {', '.join(buckets)}?", abort=True, err=True)
    deleted = {}
    for bucket in buckets:
        with err().status(f"emptying {bucket}"):
            deleted[bucket] = empty_bucket(environment.aws.s3, bucket)
    left = leftovers(environment)
    if json:
        print_json({"deleted": deleted, "models": left.models, "deployments": left.deployments})
        return
    for bucket, count in deleted.items():
        out().print(f"{bucket}: {count} object versions deleted", markup=False)
    for arn in (*left.models, *left.deployments):
        out().print(f"not owned by the stack: {arn}", markup=False, soft_wrap=True)

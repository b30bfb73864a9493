"""`rft versions`: the published versions of an environment's functions, and deleting those that nothing needs."""

import sys
from typing import Annotated

import typer

from rft_cli.commands.options import Env, Json, Stack
from rft_cli.console import out, print_json, progress, say


def versions(
    env: Env = None,
    stack: Stack = None,
    keep: Annotated[int, typer.Option(min=1, help="How many of each function's newest versions stay.")] = 3,
    delete: Annotated[bool, typer.Option("--delete", help="Delete what nothing needs.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """List the published versions of an environment's functions, with what needs each of them.

    Every deployment leaves some, and all of them count against the account's storage for code. What the stack, an alias
    or a run that is not closed names is never deleted. Exit code 1 when something could not be deleted.
    """
    from rft_cli.cli_error import CliError
    from rft_cli.environment import open_environment
    from rft_cli.function_versions import delete_version, list_versions, table

    environment = open_environment(env, stack)
    with progress(f"looking at the functions of {environment.name}") as tell:
        found = list_versions(environment, keep=keep, tell=tell)
    going = [version for version in found if version.needed is None]
    if not delete:
        if json:
            print_json({"versions": found})
            return
        out().print(table(found))
        say(f"{len(going)} of {len(found)} versions are not needed; --delete deletes them")
        return

    if going and not yes:
        asked = f"Delete {len(going)} versions of functions of {environment.name} for good?"
        if not sys.stdin.isatty():
            raise CliError(f"{asked} Say --yes")
        typer.confirm(asked, abort=True, err=True)
    deleted, failures = [], []
    with progress(f"deleting versions of {environment.name}") as tell:
        for version in going:
            tell(f"{version.function}:{version.version}")
            try:
                delete_version(environment, version)
                deleted.append(f"{version.function}:{version.version}")
            except CliError as error:
                failures.append(str(error))
    if json:
        print_json({"deleted": deleted, "failures": failures})
    else:
        for name in deleted:
            out().print(f"deleted: {name}", markup=False, soft_wrap=True)
        if not going:
            say("nothing to delete")
    for failure in failures:
        say(f"error: {failure}")
    raise typer.Exit(1 if failures else 0)

"""`rft verify-aws`: the platform's assumptions about AWS, observed where an environment lies."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from rft_cli.commands.options import Env, Json, Stack
from rft_cli.console import out, print_json, progress, say


def verify_aws(
    env: Env = None,
    stack: Stack = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="ID", help="Look at this assumption alone; may be repeated.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Also train a job to its end, deploy its model and call it.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File. \\[default: out/verify-aws-ENV.json]", dir_okay=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Observe what the platform relies on without AWS saying so, with the smallest job that Bedrock takes.

    Makes a function, roles, a rule, a state machine and a job of its own, and removes them again. Exit code 0:
    everything that was observed holds; 1: something does not, or something could not be removed.
    """
    from rft_cli.cli_error import CliError
    from rft_cli.environment import open_environment
    from rft_cli.verification.observation import Verdict
    from rft_cli.verification.result import save, verification_of
    from rft_cli.verification.trial import Trial, chosen
    from rft_cli.verification.verification_screen import plan_lines, result_table

    looks = chosen(only or [], full=full)
    environment = open_environment(env, stack)
    with progress(f"looking at the AWS of {environment.name}") as tell:
        trial = Trial(environment, looks, tell)
    for line in plan_lines(trial):
        say(line)
    if not yes:
        asked = f"Do this in the account of {environment.name}?"
        if not sys.stdin.isatty():
            raise CliError(f"{asked} Say --yes")
        typer.confirm(asked, abort=True, err=True)
    path = output or Path("out") / f"verify-aws-{environment.name}.json"
    with progress(f"looking at the AWS of {environment.name}") as tell:
        trial.tell = tell
        try:
            trial.run()
        finally:
            found = verification_of(environment, trial.model.customization_id, trial.observations, trial.left)
            if trial.observations:
                save(path, found)
            for left in trial.left:
                say(f"error: could not be removed: {left}")
    if json:
        print_json(found)
    else:
        out().print(result_table(found))
        out().print(str(path), markup=False, soft_wrap=True)
    false = [one for one in trial.observations if one.verdict is Verdict.FALSE]
    raise typer.Exit(1 if false or trial.left else 0)

"""`rft teardown`: what has to end before a stack is destroyed."""

import sys
from typing import Annotated

import typer

from rft_cli.commands.options import Env, Json, Stack
from rft_cli.console import out, print_json, progress, say


def teardown(
    env: Env = None,
    stack: Stack = None,
    live: Annotated[bool, typer.Option("--live", help="Take live deployments out of service as well.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """End what an environment's runs made and its stack does not own.

    Runs are stopped and closed; jobs, candidates and aliases that are left go. Live deployments, their alarms and
    parameters go with --live only. Models stay as long as ever: `rft models` lists them. Exit code 1 when something
    could not be ended.
    """
    from rft_cli.cli_error import CliError
    from rft_cli.environment import open_environment
    from rft_cli.live import find_live, remove_live
    from rft_cli.teardown import close_runs, question, sweep_now, unfinished_runs

    environment = open_environment(env, stack)
    runs, found = unfinished_runs(environment), find_live(environment)
    for name in found.names:
        say(f"live: {name}" if live else f"live, and stays without --live: {name}")
    if not environment.is_local and not yes:
        asked = question(environment, runs, found.names if live else [])
        if not sys.stdin.isatty():
            raise CliError(f"{asked} Say --yes")
        typer.confirm(asked, abort=True, err=True)

    with progress(f"tearing down {environment.name}") as tell:
        closed = close_runs(environment, runs, tell)
        failures, removed = list(closed.failures), []
        try:
            tell("what was left behind")
            removed = sweep_now(environment)
            if live:
                tell("what is live")
                remove_live(environment, found)
                removed += found.names
        except CliError as error:
            failures.append(str(error))
    if json:
        stays = [] if live and not failures else found.names
        print_json({"closed": closed.outcomes, "removed": removed, "live": stays, "failures": failures})
    else:
        for run_id, outcome in closed.outcomes.items():
            out().print(f"run {run_id} ended {outcome}", markup=False)
        for name in removed:
            out().print(f"removed: {name}", markup=False, soft_wrap=True)
        if not (closed.outcomes or removed or failures):
            out().print("There was nothing to end.", markup=False)
    for failure in failures:
        say(f"error: {failure}")
    raise typer.Exit(1 if failures else 0)

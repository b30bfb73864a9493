"""The commands about runs: start, follow, report, stop, list."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from rft_cli.commands.options import Env, Json, RunId, Stack
from rft_cli.console import err, out, print_json, say
from rft_contract.outcomes import Outcome

if TYPE_CHECKING:
    from rft_cli.environment import Environment
    from rft_contract.recipe import Recipe

Out = Annotated[Path, typer.Option("--out", help="Folder for the report's files.", file_okay=False)]

_GOOD = frozenset({Outcome.PASSED, Outcome.PROMOTED})
_DECIDED = _GOOD | {Outcome.REJECTED}


def run(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe, YAML.", show_default=False)],
    env: Env = None,
    stack: Stack = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the run to its end, write its report.")] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="For pipelines: do nothing when this very content was run before.")
    ] = False,
    run_id: Annotated[str | None, typer.Option("--run-id", help="Run id. \\[default: line, date and time]")] = None,
    out_folder: Out = Path("out"),
    json: Json = False,
) -> None:
    """Check a recipe and its datasets, tell what the run may use, upload them and start it; --wait follows it.

    With --wait the exit code is 0 only when the run ended PASSED or PROMOTED. With --detach the run is named after the
    hashes of recipe, data and reward, and is started once, however often the command is given.
    """
    from rft_cli.environment import open_environment
    from rft_cli.recipe_file import read_recipe
    from rft_cli.run_plan import foretell
    from rft_cli.run_start import start_run

    if detach and (wait or run_id):
        raise typer.BadParameter("--detach names the run and leaves it alone: it goes with neither --wait nor --run-id")
    parsed = read_recipe(recipe)
    environment = open_environment(env, stack)
    if detach:
        _run_once(environment, parsed, recipe.parent, json)
        return
    with err().status("checking the datasets and uploading what is new"):
        started = start_run(
            environment,
            parsed,
            recipe.parent,
            run_id,
            before_upload=lambda: foretell(environment, parsed, recipe.parent),
        )
    if wait:
        say(f"run {started}")
        wait_and_finish(environment, started, out_folder, json=json, stop_on_interrupt=True)
    if json:
        print_json({"run_id": started, "environment": environment.name})
        return
    out().print(started, markup=False)
    say(f"follow: rft watch {started} {environment.option}")
    say(f"stop:   rft stop {started} {environment.option}")
    say(f"report: rft report {started} {environment.option}")


def _run_once(environment: "Environment", recipe: "Recipe", folder: Path, json: bool) -> None:
    """Start the one run of this content, or say that there was one."""
    from rft_cli.run_plan import foretell
    from rft_cli.run_start import start_once

    with err().status("checking the datasets and uploading what is new"):
        started = start_once(environment, recipe, folder, before_upload=lambda: foretell(environment, recipe, folder))
    if json:
        print_json({"run_id": started.run_id, "environment": environment.name, "started": started.is_new})
        return
    out().print(started.run_id, markup=False)
    if not started.is_new:
        say("this recipe was run before with the same data and reward; again: leave --detach out")
    say(f"follow: rft watch {started.run_id} {environment.option}")


def watch(
    run_id: RunId, env: Env = None, stack: Stack = None, out_folder: Out = Path("out"), json: Json = False
) -> None:
    """Follow a run to its end, then write its report. Ctrl-C leaves the run alone."""
    from rft_cli.environment import open_environment

    wait_and_finish(open_environment(env, stack), run_id, out_folder, json=json)


def report(
    run_id: RunId, env: Env = None, stack: Stack = None, out_folder: Out = Path("out"), json: Json = False
) -> None:
    """Write the report of a run that has ended: report.json, report.md, report.html and dashboard.html."""
    from rft_cli.environment import open_environment

    _finish(open_environment(env, stack), run_id, out_folder, json)


def stop(
    run_id: RunId,
    env: Env = None,
    stack: Stack = None,
    reason: Annotated[str, typer.Option(help="Why, for the report.")] = "stopped by rft stop",
    json: Json = False,
) -> None:
    """Stop a run: its execution and its job, and clean up after it. Does nothing to a run that has ended."""
    from rft_cli import execution
    from rft_cli.environment import open_environment

    environment = open_environment(env, stack)
    with err().status(f"stopping {run_id}"):
        outcome = execution.stop(environment, run_id, reason)
    if json:
        print_json({"run_id": run_id, "outcome": outcome})
    else:
        out().print(f"run {run_id} ended {outcome}", markup=False)


def runs(
    env: Env = None,
    stack: Stack = None,
    limit: Annotated[int, typer.Option(help="How many, newest first.", min=1)] = 20,
    json: Json = False,
) -> None:
    """List an environment's runs, newest first."""
    from rft_cli.environment import open_environment
    from rft_cli.run_list import list_runs, table

    environment = open_environment(env, stack)
    found = list_runs(environment, limit)
    if json:
        print_json(found)
    elif found:
        out().print(table(found, datetime.now(UTC)))
    else:
        say(f"environment {environment.name} has no runs yet; `rft run RECIPE {environment.option}` starts one")


def wait_and_finish(
    environment: "Environment",
    run_id: str,
    folder: Path,
    *,
    json: bool = False,
    stop_on_interrupt: bool = False,
    decided_is_enough: bool = False,
) -> NoReturn:
    """Follow a run, write its report, and leave with the exit code that its outcome means.

    Args:
        environment: Where it runs.
        run_id: The run.
        folder: Where the report goes.
        json: Whether to print JSON.
        stop_on_interrupt: Whether Ctrl-C stops a run in the embedded AWS; elsewhere it only stops following.
        decided_is_enough: Whether REJECTED is success as well.
    """
    from rft_cli.follow import follow
    from rft_cli.snapshot import look

    try:
        last = follow(lambda: look(environment, run_id), interval=2.0 if environment.is_local else 10.0)
    except KeyboardInterrupt:
        _interrupted(environment, run_id, stop_on_interrupt and environment.is_local)
    for error in last.left_undone:
        say(f"left behind by run {run_id}: {error}")
    _finish(environment, run_id, folder, json, _DECIDED if decided_is_enough else _GOOD)


def _interrupted(environment: "Environment", run_id: str, stops: bool) -> NoReturn:
    """Say what becomes of a run that nobody follows any more, after stopping it where asked."""
    from rft_cli import execution

    if stops:
        say(f"stopping run {run_id}")
        outcome = execution.stop(environment, run_id, "Ctrl-C")
        say(f"run {run_id} ended {outcome}")
    else:
        say(f"run {run_id} goes on; follow it: rft watch {run_id} {environment.option}")
        say(f"stop it: rft stop {run_id} {environment.option}")
    raise typer.Exit(130)


def _finish(
    environment: "Environment", run_id: str, folder: Path, json: bool, good: frozenset[Outcome] = _GOOD
) -> NoReturn:
    """Write a run's report, print its numbers, and leave with the exit code that its outcome means."""
    from rft_cli.report.files import write_report
    from rft_cli.report.summary import summary

    with err().status("writing the report"):
        written = write_report(environment, run_id, folder)
    outcome = written.report.outcome
    if json:
        print_json({"run_id": run_id, "outcome": outcome, "files": [str(path) for path in written.files]})
    else:
        out().print(summary(written.report))
        for path in written.files:
            out().print(str(path), markup=False, soft_wrap=True)
    raise typer.Exit(0 if outcome in good else 1)

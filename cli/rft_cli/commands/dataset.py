"""`rft validate` and `rft grade`: data and rewards, tried before a run."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from rft_cli.commands.options import Env, Json, Stack
from rft_cli.console import out, print_json, say


def validate(
    train: Annotated[Path, typer.Argument(metavar="FILE", help="Training prompts, JSON Lines.", show_default=False)],
    validation: Annotated[Path | None, typer.Option(help="Validation prompts.")] = None,
    held_out: Annotated[Path | None, typer.Option("--held-out", help="Held-out prompts.")] = None,
    json: Json = False,
) -> None:
    """Check datasets as a run does: Bedrock's documented limits, line by line. Exit code 1 when there are errors."""
    from rft_cli.dataset_check import check_datasets, findings_table
    from rft_dataset.findings import Severity
    from rft_dataset.validation import Split

    given: dict[Split, Path | None] = {"train": train, "validation": validation, "held_out": held_out}
    found = check_datasets({split: path for split, path in given.items() if path is not None})
    errors = found.count(Severity.ERROR)
    if json:
        print_json(found.to_json())
    else:
        if found.findings:
            out().print(findings_table(found))
        for split, report in found.reports.items():
            out().print(f"{split}: {report.rows:,} rows in {report.file}", markup=False, soft_wrap=True)
        out().print(f"{errors} error{'s' if errors != 1 else ''}" if errors else "valid")
    raise typer.Exit(1 if errors else 0)


def grade(
    reward: Annotated[str, typer.Option(help="Name of a reward function of the environment.", show_default=False)],
    env: Env = None,
    stack: Stack = None,
    json: Json = False,
) -> None:
    """Grade the event on stdin with a deployed reward function's own code: `rft grade --reward NAME < event.json`.

    The event is what Bedrock sends, a JSON array of samples; it may be of any size. The function's code is downloaded
    and called on this machine, so nothing is billed and no metric is written. The answer is always JSON.
    """
    from rft_cli.deployed_reward import grade as grade_event
    from rft_cli.environment import open_environment

    if sys.stdin.isatty():
        say("reading the event from the terminal; end it with Ctrl-D")
    event = sys.stdin.buffer.read()
    sys.stdout.write(grade_event(open_environment(env, stack), reward, event).decode() + "\n")

"""`rft validate`: datasets, checked before anything is uploaded."""

from pathlib import Path
from typing import Annotated

import typer

from rft_cli.commands.options import Json
from rft_cli.console import out, print_json


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

"""`rft dataset stats`: datasets as one page."""

from pathlib import Path
from typing import Annotated

import typer

from rft_cli.commands.options import Json
from rft_cli.console import out, print_json


def stats(
    train: Annotated[
        Path, typer.Argument(metavar="FILE", help="Training prompts, JSON Lines, plain or gzip.", show_default=False)
    ],
    validation: Annotated[Path | None, typer.Option(help="Validation prompts.")] = None,
    held_out: Annotated[Path | None, typer.Option("--held-out", help="Held-out prompts.")] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(help="A run's recipe: which prompts its job drops for their length, and how many steps are left."),
    ] = None,
    output: Annotated[Path, typer.Option(help="The page to write.", dir_okay=False)] = Path("out/dataset.html"),
    json: Json = False,
) -> None:
    """Draw datasets as one HTML page: sizes, findings, lengths, labels, difficulties, copies, and the steps left."""
    from rft_cli.dataset_check import check_datasets
    from rft_cli.dataset_stats import render_stats, write_stats
    from rft_cli.recipe_file import read_recipe
    from rft_dataset.validation import Split

    given: dict[Split, Path | None] = {"train": train, "validation": validation, "held_out": held_out}
    job = read_recipe(recipe).hyperparameters if recipe else None
    found = check_datasets({split: path for split, path in given.items() if path is not None}, hyperparameters=job)
    write_stats(render_stats(found, job), output)
    if json:
        print_json({"page": str(output), **found.to_json()})
    else:
        out().print(str(output), markup=False, soft_wrap=True)

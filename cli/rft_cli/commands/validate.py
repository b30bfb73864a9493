"""`rft validate`: datasets, checked before anything is uploaded."""

from pathlib import Path
from typing import Annotated

import typer

from rft_cli.commands.options import Env, Json, Stack
from rft_cli.console import out, print_json


def validate(
    train: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Training prompts, JSON Lines, plain or gzip.")
    ] = None,
    validation: Annotated[Path | None, typer.Option(help="Validation prompts.")] = None,
    held_out: Annotated[Path | None, typer.Option("--held-out", help="Held-out prompts.")] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            help="A run's recipe: what it makes of the prompts' lengths. It names the datasets that are not given."
        ),
    ] = None,
    reward: Annotated[
        str | None,
        typer.Option(
            help="A reward's folder or file, or the name of one that is deployed: do prompts ask for what it reads? "
            "\\[default with --recipe and --env: the recipe's]",
            show_default=False,
        ),
    ] = None,
    count_tokens: Annotated[
        bool,
        typer.Option(
            "--count-tokens",
            help="Have the recipe's base model count the tokens of 50 training prompts, one request each, instead of "
            "estimating them.",
        ),
    ] = False,
    env: Env = None,
    stack: Stack = None,
    json: Json = False,
) -> None:
    """Check datasets as a run does: every line by itself, against the others, and against the other datasets.

    Exit code 0: nothing worse than advice; 1: errors; 3: warnings.
    """
    from rft_cli.alignment import alignment_readers
    from rft_cli.cli_error import CliError
    from rft_cli.dataset_check import check_datasets, findings_by_rule, summary
    from rft_cli.environment import open_environment
    from rft_cli.recipe_file import read_recipe
    from rft_cli.run_start import local_files
    from rft_cli.token_rate import measured_rate
    from rft_dataset.findings import Severity
    from rft_dataset.validation import Split

    given: dict[Split, Path | None] = {"train": train, "validation": validation, "held_out": held_out}
    read = read_recipe(recipe) if recipe else None
    files = local_files(read.datasets, recipe.parent) if read and recipe else {}
    files |= {split: path for split, path in given.items() if path is not None}
    if not files:
        raise CliError("nothing to check: give a FILE, or a --recipe whose datasets lie on this machine")
    rate = None
    if count_tokens:
        if read is None or "train" not in files:
            raise CliError("--count-tokens: needs --recipe, which names the base model, and training prompts in a file")
        rate = measured_rate(open_environment(env, stack), read, files["train"])
    readers = alignment_readers(reward, env=env, stack=stack, recipe=read)
    found = check_datasets(
        files,
        hyperparameters=read.hyperparameters if read else None,
        characters_per_token=rate,
        readers=readers,
    )
    if json:
        print_json(found.to_json())
    else:
        for part in findings_by_rule(found):
            out().print(part)
        for line in summary(found):
            out().print(line, markup=False, soft_wrap=True)
    raise typer.Exit(1 if found.count(Severity.ERROR) else 3 if found.count(Severity.WARNING) else 0)

"""`rft dataset from-logs` and `rft dataset compare`: training prompts and what production asks."""

from pathlib import Path
from typing import Annotated

import typer

from rft_cli.commands.log_options import AnyOf, Metadata, Model, NotMetadata, Seed, Stratify, log_filter
from rft_cli.commands.options import Json
from rft_cli.console import out, print_json, progress

LogsEnv = Annotated[
    str | None,
    typer.Option(
        "--env",
        help="`local`: the bucket lies in the embedded AWS. Else in the AWS of this shell's credentials.",
        show_default=False,
    ),
]


def from_logs(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="s3://bucket/prefix, a folder or a file.", show_default=False)
    ],
    output: Annotated[Path, typer.Option(help="The file to write.", show_default=False, dir_okay=False)],
    size: Annotated[int, typer.Option(help="Prompts at most.", min=1, max=20_000)] = 1_000,
    metadata: Metadata = None,
    not_metadata: NotMetadata = None,
    any_of: AnyOf = False,
    model: Model = None,
    stratify: Stratify = None,
    seed: Seed = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    env: LogsEnv = None,
    json: Json = False,
) -> None:
    """Make a prompt set of Bedrock's invocation logs: filtered, without copies, drawn at random, without references."""
    from rft_cli.dataset_logs import prompts_from_logs
    from rft_dataset.log_selection import check_stratify

    wanted = log_filter(metadata, not_metadata, any_of=any_of, model=model)
    by = None if stratify is None else check_stratify(stratify)
    with progress("reading logs") as tell:
        made = prompts_from_logs(
            source, output, size=size, seed=seed, wanted=wanted, by=by, env=env, force=force, tell=tell
        )
    if json:
        print_json(made)
        return
    out().print(f"{made.prompts:,} prompts in {made.output}", markup=False, soft_wrap=True)
    out().print(f"read {made.reading.words()}", markup=False, soft_wrap=True)
    if made.copies:
        out().print(f"{made.copies:,} copies among those drawn were dropped", markup=False, soft_wrap=True)
    out().print(f"next: add reference_answer to each row, then `rft validate {output}`", markup=False, soft_wrap=True)


def compare(
    train: Annotated[Path, typer.Argument(metavar="TRAIN", help="Training prompts, JSON Lines.", show_default=False)],
    logs: Annotated[str, typer.Option(metavar="SOURCE", help="s3://bucket/prefix, a folder or a file.")],
    size: Annotated[int, typer.Option(help="Requests that are drawn of the logs.", min=1, max=20_000)] = 2_000,
    plot: Annotated[
        Path | None, typer.Option(help="Draw lengths and differences: a file ending in .svg or .png.", dir_okay=False)
    ] = None,
    seed: Seed = 0,
    env: LogsEnv = None,
    json: Json = False,
) -> None:
    """Say how training prompts differ from those that production asks, and which of the differences are mere chance.

    Exit code 0: no difference beyond chance; 3: they differ, or there are too few prompts to tell.
    """
    from rft_cli.dataset_logs import compare_with_logs
    from rft_cli.match_screen import match_screen

    if plot is not None:
        from rft_cli.match_plot import check_plot

        check_plot(plot)
    with progress("comparing") as tell:
        found, reading = compare_with_logs(train, logs, size=size, seed=seed, env=env, tell=tell)
    if plot is not None:
        from rft_cli.match_plot import draw_match

        draw_match(found, plot)
    if json:
        print_json({"match": found, "reading": reading})
    else:
        out().print(match_screen(found))
        out().print(f"read {reading.words()}", markup=False, soft_wrap=True)
        if plot is not None:
            out().print(str(plot), markup=False, soft_wrap=True)
    raise typer.Exit(0 if found.verdict == "same" else 3)

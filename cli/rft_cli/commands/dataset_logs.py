"""`rft dataset from-logs` and `rft dataset compare`: training prompts and what production asks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rft_cli.commands.options import Json
from rft_cli.console import err, out, print_json, say

if TYPE_CHECKING:
    from rft_dataset.log_selection import Condition

LogsEnv = Annotated[
    str | None,
    typer.Option(
        "--env",
        help="`local`: the bucket lies in the embedded AWS. Else in the AWS of this shell's credentials.",
        show_default=False,
    ),
]
Seed = Annotated[int, typer.Option(help="Of the draw: the same logs and seed give the same prompts.")]


def from_logs(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="s3://bucket/prefix, a folder or a file.", show_default=False)
    ],
    output: Annotated[Path, typer.Option(help="The file to write.", show_default=False, dir_okay=False)],
    size: Annotated[int, typer.Option(help="Prompts at most.", min=1, max=20_000)] = 1_000,
    metadata: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Only calls whose request metadata say so. Repeated: all must hold."),
    ] = None,
    not_metadata: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Only calls whose request metadata do not say so.")
    ] = None,
    any_of: Annotated[bool, typer.Option("--any", help="One of the conditions on metadata is enough.")] = False,
    model: Annotated[str | None, typer.Option(metavar="ID", help="Only calls of this model or its profiles.")] = None,
    stratify: Annotated[
        str | None,
        typer.Option(help="Draw from each in its share: metadata:KEY, model, length or system.", show_default=False),
    ] = None,
    seed: Seed = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    env: LogsEnv = None,
    json: Json = False,
) -> None:
    """Make a prompt set of Bedrock's invocation logs: filtered, without copies, drawn at random, without references."""
    from rft_cli.dataset_logs import prompts_from_logs
    from rft_dataset.log_selection import LogFilter, check_stratify

    conditions = (*_conditions("--metadata", metadata, True), *_conditions("--not-metadata", not_metadata, False))
    wanted = LogFilter(conditions=conditions, any_of=any_of, model=model)
    by = None if stratify is None else check_stratify(stratify)
    with _telling("reading logs") as tell:
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
    with _telling("comparing") as tell:
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


@contextmanager
def _telling(what: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done: a line that changes, or lines where there is no terminal."""
    with err().status(what) as spinner:

        def tell(words: str) -> None:
            if err().is_terminal:
                spinner.update(f"{what}: {words}")
            else:
                say(words)

        yield tell


def _conditions(option: str, given: Sequence[str] | None, equals: bool) -> "Iterator[Condition]":
    """Yield the conditions that an option names."""
    from rft_cli.cli_error import CliError
    from rft_dataset.log_selection import Condition

    for pair in given or ():
        key, equal, value = pair.partition("=")
        if not equal or not key:
            raise CliError(f"{option}: got {pair!r}, wanted KEY=VALUE")
        yield Condition(key, value, equals)

"""Options of the commands that draw prompts from invocation logs."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from rft_cli.cli_error import CliError

if TYPE_CHECKING:
    from rft_dataset.log_selection import Condition, LogFilter

Metadata = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="Only calls whose request metadata say so. Repeated: all must hold."),
]
NotMetadata = Annotated[
    list[str] | None, typer.Option(metavar="KEY=VALUE", help="Only calls whose request metadata do not say so.")
]
AnyOf = Annotated[bool, typer.Option("--any", help="One of the conditions on metadata is enough.")]
Model = Annotated[str | None, typer.Option(metavar="ID", help="Only calls of this model or its profiles.")]
Stratify = Annotated[
    str | None,
    typer.Option(help="Draw from each in its share: metadata:KEY, model, length or system.", show_default=False),
]
Seed = Annotated[int, typer.Option(help="Of the draw: the same logs and seed give the same prompts.")]


def log_filter(
    metadata: Sequence[str] | None, not_metadata: Sequence[str] | None, *, any_of: bool, model: str | None
) -> "LogFilter":
    """Return which prompts the options ask for.

    Args:
        metadata: `--metadata`.
        not_metadata: `--not-metadata`.
        any_of: `--any`.
        model: `--model`.

    Raises:
        CliError: When a condition is no KEY=VALUE.
    """
    from rft_dataset.log_selection import LogFilter

    conditions = (*_conditions("--metadata", metadata, True), *_conditions("--not-metadata", not_metadata, False))
    return LogFilter(conditions=conditions, any_of=any_of, model=model)


def _conditions(option: str, given: Sequence[str] | None, equals: bool) -> "Iterator[Condition]":
    """Yield the conditions that an option names."""
    from rft_dataset.log_selection import Condition

    for pair in given or ():
        key, equal, value = pair.partition("=")
        if not equal or not key:
            raise CliError(f"{option}: got {pair!r}, wanted KEY=VALUE")
        yield Condition(key, value, equals)

"""Prompts that are looked for, and what is found of them: objects that hold them, models that learned from them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from rft_cli.cli_error import CliError
from rft_dataset.reading import DamagedGzip, open_lines
from rft_dataset.records import Row, folded

_ROW = msgspec.json.Decoder(Row)


@dataclass(frozen=True)
class Wanted:
    """The prompts that are looked for.

    Args:
        ids: Values of rows' field `id`.
        asked: What rows ask, `folded`.
    """

    ids: frozenset[str]
    asked: frozenset[str]

    def is_in(self, row: Row) -> bool:
        """Whether a row is one of them."""
        return row.id in self.ids or folded(row.asked()) in self.asked

    @classmethod
    def read(cls, ids: Iterable[str], file: Path | None) -> "Wanted":
        """Return what a person named.

        Args:
            ids: Ids of rows.
            file: Rows, JSON Lines.

        Raises:
            CliError: When nothing is named, or a line is no row.
        """
        asked = set() if file is None else {folded(row.asked()) for row in _rows_of(file)}
        if not asked and not any(ids):
            raise CliError("which prompt? name it with --prompt-id, or give --prompt-file with its row")
        return cls(frozenset(filter(None, ids)), frozenset(asked))


def _rows_of(file: Path) -> Iterator[Row]:
    try:
        with file.open("rb") as stream:
            for number, line in enumerate(open_lines(stream)[0], 1):
                try:
                    yield _ROW.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                    raise CliError(f"{file}: line {number}: {error}; wanted rows with `messages`, one a line") from None
    except OSError as error:
        raise CliError(f"{file}: {error.strerror or error}") from None
    except DamagedGzip as error:
        raise CliError(f"{file}: {error}") from None


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """An object that holds a prompt, or what a model answered to it.

    Args:
        kind: `dataset`, `log sample`, `frozen dataset`, `rollouts`, `report`, `certificate` or `cases`.
        key: Its key in the data bucket.
        lines: Where in it, from 1; empty where it has no lines of the prompt's own.
        run_id: The run that it belongs to.
        kept: Why it cannot be deleted now; None: it can.
    """

    kind: str
    key: str
    lines: tuple[int, ...] = ()
    run_id: str | None = None
    kept: str | None = None


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """A custom model that was trained with a prompt.

    Args:
        arn: The model.
        run_id: The run that trained it.
        line: Its model line.
        release: The release that it became; None: none.
        live: Whether that release is live.
    """

    arn: str
    run_id: str
    line: str
    release: int | None
    live: bool


@dataclass
class Traces:
    """What was found.

    Args:
        copies: Objects.
        models: Models.
        unread: Objects, or lines of them, that could not be read: nobody knows what they hold.
        looked_at: How many objects were read.
    """

    copies: list[Copy] = field(default_factory=list)
    models: list[Learned] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    looked_at: int = 0

"""Rows of a table: CSV as RFC 4180 says, or with another delimiter, in UTF-8, its first line naming the columns."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from string import Formatter
from typing import BinaryIO

import msgspec

from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.conversion.record import Record, Unconvertible
from rft_dataset.reading import LONGEST_LINE, OverlongLine, open_lines

_RESERVED = frozenset(("messages", "reference_answer", "tools", "rft", "id", "group"))


@dataclass(frozen=True)
class Template:
    """A text with columns in it.

    Args:
        parts: Texts, each with the column whose cell stands behind it; None: none does.
    """

    parts: Sequence[tuple[str, str | None]]

    @classmethod
    def of_column(cls, name: str) -> "Template":
        """Return the template that is a column's cell and nothing else."""
        return cls([("", name)])

    @classmethod
    def parse(cls, text: str) -> "Template":
        """Return the template that a text with columns' names in braces is; doubled braces mean braces.

        Raises:
            ValueError: When a brace stands alone, or holds no name.
        """
        wanted = f"template: got {text!r}, wanted a text with columns' names in braces, such as 'Classify: {{text}}'"
        try:
            parts = list(Formatter().parse(text))
        except ValueError:
            raise ValueError(wanted) from None
        names = [name for _, name, _, _ in parts if name is not None]
        if not names or not all(names) or any(form or conversion for _, _, form, conversion in parts):
            raise ValueError(wanted)
        return cls([(before, name) for before, name, _, _ in parts])

    def columns(self) -> list[str]:
        """Return the columns that stand in it."""
        return [name for _, name in self.parts if name is not None]

    def fill(self, cells: Mapping[str, str]) -> str:
        """Return the text with cells in the places of their columns."""
        return "".join(text if name is None else text + cells[name] for text, name in self.parts)


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which columns become what.

    Args:
        prompt: The user's turn.
        reference: One column, whose value is the `reference_answer`, or several, of which an object is made.
        system: Text of a system turn; None: there is none.
        id: Column of ids.
        group: Column of what rows of one source share.
        keep: Columns that become fields of their own.
        typed: Columns that hold JSON, such as a number, `true` or an object. All others hold text, whatever it looks
            like: `007` stays `007`.
    """

    prompt: Template
    reference: Sequence[str]
    system: str | None = None
    id: str | None = None
    group: str | None = None
    keep: Sequence[str] = ()
    typed: Sequence[str] = ()

    def check(self, names: Sequence[str]) -> None:
        """Check that a table has the columns.

        Args:
            names: The table's columns.

        Raises:
            ValueError: When it lacks one, has one twice, or one cannot become what it should.
        """
        for name in (*self.prompt.columns(), *self.reference, *self.keep, *self.typed, self.id, self.group):
            if name is not None and names.count(name) != 1:
                times = "twice or more" if name in names else "not there"
                raise ValueError(f"column {name!r} is {times}; the first line names {len(names)}: {_shown(names)}")
        for name in _RESERVED.intersection(self.keep):
            raise ValueError(f"column {name!r} cannot be kept under its name: rows have a field of their own so named")

    def row(self, cells: Mapping[str, str]) -> JsonObject:
        """Return the row of a line of the table.

        Args:
            cells: Column -> its text.

        Raises:
            Unconvertible: When a cell that is needed is empty, or one that is typed is not JSON.
        """
        turns: list[JsonValue] = [{"role": "system", "content": self.system}] if self.system else []
        references = {name: self._value(name, cells[name]) for name in self.reference}
        for name, value in references.items():
            if value is None or value == "":
                raise Unconvertible(f"column {name!r} is empty")
        row: JsonObject = {} if self.id is None else {"id": cells[self.id]}
        row["messages"] = [*turns, {"role": "user", "content": self.prompt.fill(cells)}]
        row["reference_answer"] = references if len(references) > 1 else next(iter(references.values()))
        if self.group is not None:
            row["group"] = self._value(self.group, cells[self.group])
        return row | {name: self._value(name, cells[name]) for name in self.keep}

    def _value(self, name: str, cell: str) -> JsonValue:
        """Return what a cell holds."""
        if name not in self.typed:
            return cell
        if not cell.strip():
            return None
        try:
            value: JsonValue = msgspec.json.decode(cell)
        except (msgspec.DecodeError, RecursionError):
            raise Unconvertible(f"column {name!r} is no JSON, such as a number") from None
        return value


def read_table(stream: BinaryIO, columns: Columns, *, delimiter: str = ",") -> Iterator[Record]:
    """Yield the rows of a table; blank lines and a byte order mark are passed over.

    Quoted fields may hold delimiters, quotation marks (doubled) and line ends.

    Args:
        stream: The table, plain or gzip.
        columns: Which columns become what.
        delimiter: What separates fields.

    Yields:
        The number of the line in which the row begins, and the row or why there is none.

    Raises:
        ValueError: When the first line does not name the columns that are asked for.
        DamagedGzip: When a compressed table ends early or is broken.
    """
    lines = _Lines(stream)
    with _long_fields():
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        names: list[str] | None = None
        while True:
            begin = lines.number + 1
            try:
                cells = next(reader, None)
                if cells is None:
                    return
                if names is None:
                    columns.check(cells)
                    names = cells
                elif cells:
                    yield begin, columns.row(_named(names, cells))
            except (csv.Error, UnicodeDecodeError, Unconvertible) as error:
                if names is None:
                    raise ValueError(f"line {begin}: {_said(error)}") from None
                yield begin, Unconvertible(_said(error))


class _Lines:
    """The lines of a stream as texts, counted."""

    def __init__(self, stream: BinaryIO) -> None:
        self.number = 0
        self._lines, _ = open_lines(stream)

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        if isinstance(line, OverlongLine):
            raise Unconvertible(f"longer than {LONGEST_LINE:,} bytes")
        return line.decode("utf-8-sig" if self.number == 1 else "utf-8") + "\n"


@contextmanager
def _long_fields() -> Iterator[None]:
    """Let fields be as long as a row may be; the module's own limit is 128 KiB, for the whole process."""
    limit = csv.field_size_limit(LONGEST_LINE)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _named(names: list[str], cells: list[str]) -> dict[str, str]:
    """Return a line's cells by their columns."""
    if len(cells) != len(names):
        raise Unconvertible(f"{len(cells)} fields, wanted {len(names)} as in the first line")
    return dict(zip(names, cells, strict=True))


def _said(error: Exception) -> str:
    """Say what is wrong with a line."""
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8; save the table as UTF-8"
    if isinstance(error, csv.Error):
        return f"not CSV as RFC 4180 says: {str(error).partition(' - ')[0]}"
    return str(error)


def _shown(names: Sequence[str]) -> str:
    """Return the first names of columns."""
    return ", ".join(name[:40] for name in names[:20])

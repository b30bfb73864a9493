"""A dataset file that is made of other records."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeAlias

import msgspec

from rft_cli.cli_error import CliError
from rft_cli.new_file import check_new, new_file
from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.conversion.record import Record, Unconvertible
from rft_dataset.field_path import field_at
from rft_dataset.findings import Severity
from rft_dataset.prompt_lengths import PromptLengths
from rft_dataset.reading import DamagedGzip
from rft_dataset.row_reader import RowReader
from rft_dataset.validation import validate

MOST_SHOWN = 20
"""Bad records that are kept to be shown; the others are counted."""

_TELL_EVERY = 5_000
_BATCH = 1 << 18

_REFUSED = 1024
"""Bytes that a record which is none counts for in a batch; it holds on to what it was read from."""

_Line: TypeAlias = tuple[int, bytes | Unconvertible]
"""Line number of a record, and its row as a line, or why there is none."""


@dataclass(frozen=True)
class BadRecord:
    """A record that became no row.

    Args:
        line: Its line number, from 1.
        why: What is wrong with it.
    """

    line: int
    why: str


@dataclass
class RowFile:
    """A file of rows.

    Args:
        file: Its path.
        rows: Its rows.
        bad: How many records became no rows.
        first_bad: The first of them.
        fewest_tokens: Of the longest prompt at least, estimated.
        most_tokens: Of the longest prompt at most, estimated.
    """

    file: str
    rows: int = 0
    bad: int = 0
    first_bad: list[BadRecord] = field(default_factory=list)
    fewest_tokens: JsonValue = None
    most_tokens: JsonValue = None

    def add_bad(self, line: int, why: str) -> None:
        """Count a bad record, and keep it while there is room."""
        self.bad += 1
        if len(self.first_bad) < MOST_SHOWN:
            self.first_bad.append(BadRecord(line, why))


class BadRecords(CliError):
    """Records that become no rows, so that nothing was written.

    Args:
        source: The file that has them.
        made: What would have been written.
    """

    def __init__(self, source: Path, made: RowFile) -> None:
        rows = f"{made.rows:,} rows and {made.bad:,} bad record{'s' if made.bad > 1 else ''}"
        super().__init__(f"{source}: {rows}; nothing was written; --skip-bad leaves them out")
        self.made = made


def write_rows(
    source: Path,
    output: Path,
    read: Callable[[BinaryIO], Iterator[Record]],
    *,
    skip_bad: bool,
    force: bool,
    tell: Callable[[str], None],
) -> RowFile:
    """Write the rows that a file's records become; in each of them `rft validate` finds no error.

    Args:
        source: The file to read.
        output: The file to write.
        read: Yields the rows of a stream, or why there are none.
        skip_bad: Whether bad records are left out.
        force: Whether a file that exists is replaced.
        tell: Told what is being done.

    Raises:
        BadRecords: When there are bad records that are not to be left out.
        CliError: When there is no row, or a file cannot be read or written.
    """
    check_new(output, source=source, force=force)
    made, lengths = RowFile(str(output)), PromptLengths(str(output))
    with new_file(output) as file:
        for line, row in _checked(_records(source, read), lengths):
            if isinstance(row, Unconvertible):
                made.add_bad(line, str(row))
            else:
                file.write(row + b"\n")
                made.rows += 1
            if (made.rows + made.bad) % _TELL_EVERY == 0:
                tell(f"{made.rows:,} rows")
        if made.bad and not skip_bad:
            raise BadRecords(source, made)
        if not made.rows:
            raise CliError(f"{source}: no rows" + (f", and {made.bad:,} bad records" if made.bad else ""))
    facts = lengths.facts()
    made.fewest_tokens = field_at(facts, "prompt_lengths.fewest_tokens.100")
    made.most_tokens = field_at(facts, "prompt_lengths.most_tokens.100")
    return made


def _records(source: Path, read: Callable[[BinaryIO], Iterator[Record]]) -> Iterator[Record]:
    """Yield a file's records."""
    try:
        with source.open("rb") as stream:
            yield from read(stream)
    except OSError as error:
        raise CliError(f"{source}: {error.strerror or error}") from None
    except DamagedGzip as error:
        raise CliError(f"{source}: damaged gzip: {error}") from None
    except ValueError as error:
        raise CliError(f"{source}: {error}") from None


def _checked(records: Iterable[Record], lengths: PromptLengths) -> Iterator[_Line]:
    """Yield rows as lines, those that validation finds no error in; many are checked at once, since that is faster."""
    batch: list[_Line] = []
    size = 0
    for line, record in records:
        row = record if isinstance(record, Unconvertible) else _encoded(record)
        batch.append((line, row))
        size += len(row) if isinstance(row, bytes) else _REFUSED
        if size > _BATCH:
            yield from _batch_checked(batch, lengths)
            batch, size = [], 0
    yield from _batch_checked(batch, lengths)


def _batch_checked(batch: list[_Line], lengths: PromptLengths) -> Iterator[_Line]:
    """Yield the lines of a batch, checked row by row when one of them has an error."""
    together = b"\n".join(row for _, row in batch if isinstance(row, bytes))
    is_sound = not _error(together, readers=(lengths,))
    for line, row in batch:
        error = "" if is_sound or isinstance(row, Unconvertible) else _error(row)
        yield line, Unconvertible(error) if error else row


def _encoded(row: JsonObject) -> bytes | Unconvertible:
    """Return a row as a line."""
    try:
        return msgspec.json.encode(row)
    except RecursionError:
        return Unconvertible("nested too deeply to write")


def _error(lines: bytes, *, readers: Sequence[RowReader] = ()) -> str:
    """Return what validation calls an error in lines; empty when there is none."""
    for finding in validate(io.BytesIO(lines), "", readers=readers).findings.stored:
        if finding.line and finding.severity is Severity.ERROR:
            return f"{finding.path} {finding.message}; {finding.fix}".lstrip()
    return ""

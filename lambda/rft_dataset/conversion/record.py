"""Records of other formats: one JSON object a line."""

from collections.abc import Iterator
from typing import BinaryIO, Protocol, TypeAlias, cast

import msgspec

from rft_contract.json_value import JsonObject
from rft_dataset.reading import LONGEST_LINE, OverlongLine, open_lines


class Unconvertible(ValueError):
    """A record becomes no row. What it says holds no text of the data beyond names of fields."""


Record: TypeAlias = tuple[int, JsonObject | Unconvertible]
"""Line number from 1, and the object that stands there, or why there is none."""


class Conversion(Protocol):
    """How records become rows."""

    def row(self, line: int, record: JsonObject) -> JsonObject:
        """Return the row of a record.

        Args:
            line: Its line number, from 1.
            record: The record.

        Raises:
            Unconvertible: When it becomes none.
        """


_MARK = b"\xef\xbb\xbf"


def read_records(stream: BinaryIO) -> Iterator[Record]:
    """Yield the records of JSON lines; blank lines and a byte order mark are passed over.

    Args:
        stream: Plain or gzip.

    Raises:
        DamagedGzip: When a compressed stream ends early or is broken.
    """
    decoder = msgspec.json.Decoder(dict[str, object])
    lines, _ = open_lines(stream)
    for number, line in enumerate(lines, 1):
        text = line.removeprefix(_MARK) if number == 1 else line
        if isinstance(line, OverlongLine):
            yield number, Unconvertible(f"longer than {LONGEST_LINE:,} bytes")
        elif text.strip():
            yield number, _record(text, decoder)


def convert_records(stream: BinaryIO, conversion: Conversion) -> Iterator[Record]:
    """Yield the rows of JSON lines.

    Args:
        stream: Plain or gzip.
        conversion: How records become rows.

    Raises:
        DamagedGzip: As `read_records`.
    """
    for line, record in read_records(stream):
        if isinstance(record, Unconvertible):
            yield line, record
        else:
            try:
                row = conversion.row(line, record)
            except Unconvertible as error:
                yield line, error
            else:
                yield line, row


def _record(line: bytes, decoder: msgspec.json.Decoder[dict[str, object]]) -> JsonObject | Unconvertible:
    """Decode one line."""
    try:
        return cast(JsonObject, decoder.decode(line))
    except msgspec.ValidationError:
        return Unconvertible("no JSON object, or a number that is out of range")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Unconvertible("not JSON in UTF-8")
    except RecursionError:
        return Unconvertible("nested too deeply to read")

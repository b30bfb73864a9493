"""Lines of a dataset, one at a time and in bounded memory; gzip is recognized by its first bytes."""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

import msgspec

from rft_contract.json_value import JsonObject

LONGEST_LINE = 6 * 1024 * 1024
"""Bytes of the longest line: a row must reach the reward function in an event of 6 MB (Lambda quotas)."""

_GZIP = b"\x1f\x8b"
_CHUNK = 1 << 20


class DamagedGzip(ValueError):
    """A compressed file ends early or is broken."""


class OverlongLine(bytes):
    """The head of a line that is longer than `LONGEST_LINE`; the rest was skipped."""


def open_lines(stream: BinaryIO) -> tuple[Iterator[bytes], bool]:
    """Return a stream's lines without their ends, and whether the stream is compressed.

    Args:
        stream: A file, an S3 body or anything else with `read`; it need not be seekable.

    Returns:
        An iterator, and True for gzip. The iterator yields `OverlongLine` for a line beyond `LONGEST_LINE`, keeps a
        carriage return at a line's end, and raises `DamagedGzip`.
    """
    head = stream.read(len(_GZIP))
    source = _Joined(head, stream)
    compressed = head == _GZIP
    return _lines(gzip.GzipFile(fileobj=source) if compressed else source), compressed


def rows(stream: BinaryIO) -> Iterator[tuple[int, bytes, JsonObject]]:
    """Yield the rows of a validated dataset.

    Args:
        stream: As for `open_lines`.

    Yields:
        Line number from 1, the line's bytes without its end, and what they decode to.

    Raises:
        ValueError: When a line is no JSON object; a validated dataset has none.
    """
    decoder = msgspec.json.Decoder(dict[str, object])
    lines, _ = open_lines(stream)
    for number, line in enumerate(lines, 1):
        line = line.rstrip(b"\r")
        try:
            row = cast(JsonObject, decoder.decode(line))
        except msgspec.DecodeError as error:
            raise ValueError(f"line {number}: not a row: {error}") from None
        yield number, line, row


class _Joined(io.RawIOBase):
    """A stream with the bytes in front of it that were read to recognize it."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]  # narrower than Buffer
        if self._head:
            data, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        else:
            data = self._rest.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _lines(source: io.RawIOBase | gzip.GzipFile) -> Iterator[bytes]:
    """Yield lines of at most `LONGEST_LINE` bytes."""
    reader = io.BufferedReader(source, _CHUNK)
    try:
        while line := reader.readline(LONGEST_LINE + 1):
            if line.endswith(b"\n"):
                yield line[:-1]
            elif len(line) <= LONGEST_LINE:
                yield line
            else:
                while (rest := reader.readline(_CHUNK)) and not rest.endswith(b"\n"):
                    pass
                yield OverlongLine(line)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DamagedGzip(str(error)) from None

"""Lines of a dataset, one at a time and in bounded memory; gzip is recognized by its first bytes."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import BinaryIO, cast

import msgspec

from rft_contract.json_value import JsonObject

LONGEST_LINE = 6 * 1024 * 1024
"""Bytes of the longest line: a row must reach the reward function in an event of 6 MB (Lambda quotas)."""

_GZIP = b"\x1f\x8b"
_PIECE = 1 << 17
"""Bytes read at once: what stays in a processor's cache while its lines are cut out and decoded."""


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
    blocks, is_compressed = open_blocks(stream)
    return chain.from_iterable(blocks), is_compressed


def open_blocks(stream: BinaryIO) -> tuple[Iterator[list[bytes]], bool]:
    """Return a stream's lines like `open_lines`, in lists of those that were read at once."""
    head = stream.read(len(_GZIP))
    while head and len(head) < len(_GZIP) and (more := stream.read(len(_GZIP) - len(head))):
        head += more
    if head == _GZIP:
        plain = gzip.GzipFile(fileobj=_Joined(head, stream))
        return _lines(_pieces(plain.read1)), True  # read1: what precedes damage is read before it raises
    return _lines(chain([head], _pieces(stream.read))), False


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
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
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


def _pieces(read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Yield a stream piece by piece."""
    while piece := read(_PIECE):
        yield piece


def _lines(pieces: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield lists of lines, of a longer one than `LONGEST_LINE` its head."""
    line = b""
    try:
        for piece in pieces:
            lines = piece.split(b"\n")
            if len(line) <= LONGEST_LINE:
                line += lines[0]
            if len(lines) > 1:
                lines[0] = _whole_or_head(line)
                line = lines.pop()
                yield lines
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DamagedGzip(str(error)) from None
    if line:
        yield [_whole_or_head(line)]


def _whole_or_head(line: bytes) -> bytes:
    return line if len(line) <= LONGEST_LINE else OverlongLine(line[: LONGEST_LINE + 1])

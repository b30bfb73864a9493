"""What one machine sampled of its part of the logs: an object that merges with those of the others.

Gzip of JSON Lines: the header, then a line for each entry of the sample. The same sample gives the same bytes, so an
attempt that is repeated replaces what it wrote before.
"""

import gzip
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import msgspec

from rft_dataset.log_selection import LogFilter
from rft_dataset.sampling import Entry

SCHEMA = "rft-log-sample/1"


class NotAShard(ValueError):
    """A line is none of a shard's."""


class ShardHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What a shard's sample was drawn from, and how.

    Args:
        size: Rows that the sample is for.
        seed: Of the draw.
        by: What its strata were made by; None: one stratum.
        wanted: Which prompts were wanted.
        populations: Stratum -> wanted prompts in it.
        objects: Log objects that were read.
        prompts: Prompts in them.
        left_out: Reason -> records that are no prompts.
        distinct: Whether equal prompts count once; else every call counts.
        schema: Of the shard.
    """

    size: int
    seed: int
    by: str | None
    wanted: LogFilter
    populations: dict[str, int]
    objects: int
    prompts: int
    left_out: dict[str, int]
    distinct: bool = True
    schema: str = SCHEMA


class _Line(msgspec.Struct):
    stratum: str
    key: str
    row: msgspec.Raw


def write_shard(stream: BinaryIO, header: ShardHeader, entries: Iterable[Entry]) -> None:
    """Write a shard.

    Args:
        stream: Where to.
        header: Its header.
        entries: What the sample keeps, each a row in JSON.
    """
    encode = msgspec.json.Encoder().encode
    with gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as packed:
        packed.write(encode(header) + b"\n")
        for stratum, key, row in entries:
            packed.write(encode(_Line(stratum, key, msgspec.Raw(row))) + b"\n")


def shard_header(line: bytes) -> ShardHeader | None:
    """Return the header when a line is one, else None.

    Args:
        line: The first one of an object.
    """
    try:
        header = msgspec.json.decode(line, type=ShardHeader)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return header if header.schema == SCHEMA else None


def shard_entries(lines: Iterable[bytes]) -> Iterator[Entry]:
    """Yield the entries of a shard.

    Args:
        lines: Those after the header.

    Raises:
        NotAShard: When one of them is no entry.
    """
    decoder = msgspec.json.Decoder(_Line)
    for number, line in enumerate(lines, 2):
        try:
            found = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise NotAShard(f"line {number}: no entry of a sample") from None
        yield Entry(found.stratum, found.key, bytes(found.row))

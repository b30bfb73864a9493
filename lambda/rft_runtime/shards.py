"""Pointers to slices of the held-out set: what the Distributed Map passes around instead of prompts."""

from collections.abc import Iterator, Sequence

import msgspec

BASE = "base"
CANDIDATE = "candidate"
GREEDY = "greedy"
SAMPLED = "sampled"


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """A slice of the held-out set for one model and one way of decoding.

    Args:
        subject: `base` or `candidate`.
        mode: `greedy` or `sampled`.
        shard: Number of the slice, from 0; the same slice for every subject and mode.
        start: First byte in the frozen held-out set.
        end: First byte behind the slice.
        rows: Prompts in it.
    """

    subject: str
    mode: str
    shard: int
    start: int
    end: int
    rows: int


def shards_of(lengths: Sequence[int], *, rows_per_shard: int, sampled: bool) -> Iterator[Shard]:
    """Cut the held-out set for both models.

    Args:
        lengths: Bytes of each line, line feed included.
        rows_per_shard: Most prompts in a slice.
        sampled: Whether there are sampled completions beside the greedy ones.
    """
    for subject in (BASE, CANDIDATE):
        for mode in (GREEDY, SAMPLED) if sampled else (GREEDY,):
            start = 0
            for number, first in enumerate(range(0, len(lengths), rows_per_shard)):
                slice_ = lengths[first : first + rows_per_shard]
                end = start + sum(slice_)
                yield Shard(subject=subject, mode=mode, shard=number, start=start, end=end, rows=len(slice_))
                start = end


def encode_shards(shards: Iterator[Shard]) -> bytes:
    """Return the manifest, one JSON line a shard."""
    return msgspec.json.Encoder().encode_lines(list(shards))


def decode_shards(manifest: bytes) -> list[Shard]:
    """Read a manifest."""
    return msgspec.json.Decoder(Shard).decode_lines(manifest)

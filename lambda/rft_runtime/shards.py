"""Pointers to slices of a frozen dataset: what a Distributed Map passes around instead of prompts."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

BASE = "base"
CANDIDATE = "candidate"
LIVE = "live"
GREEDY = "greedy"
SAMPLED = "sampled"
HELD_OUT = "held_out"
PROBE = "probe"


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """A slice of a dataset for one model and one way of decoding.

    Args:
        data: The frozen dataset: `held_out`, `guard-<name>` or `probe`.
        subject: `base`, `candidate` or `live`.
        mode: `greedy` or `sampled`.
        samples: Completions of each prompt.
        temperature: Of sampling; 0 is greedy.
        shard: Number of the slice, from 0; the same slice for every subject and mode.
        start: First byte in the frozen dataset.
        end: First byte behind the slice.
        rows: Prompts in it.
    """

    data: str
    subject: str
    mode: str
    samples: int
    temperature: float
    shard: int
    start: int
    end: int
    rows: int

    @property
    def phase(self) -> str:
        """What the reward function is told about who asks, one of `rollout_mark.PHASES`."""
        if self.data == PROBE:
            return "probe"
        return self.subject if self.data == HELD_OUT else "guard"


def shards_of(
    lengths: Sequence[int],
    *,
    data: str,
    subjects: Iterable[str],
    rows_per_shard: int,
    samples: int,
    temperature: float,
    greedy: bool = True,
) -> Iterator[Shard]:
    """Cut a dataset for several models.

    Args:
        lengths: Bytes of each line, line feed included.
        data: The frozen dataset.
        subjects: The models.
        rows_per_shard: Most prompts in a slice.
        samples: Sampled completions of each prompt; 0: none.
        temperature: Of those.
        greedy: Whether there is a greedy completion of each prompt too.
    """
    modes = [(GREEDY, 1, 0.0)] if greedy else []
    if samples:
        modes.append((SAMPLED, samples, temperature))
    for subject in subjects:
        for mode, number, heat in modes:
            start = 0
            for shard, first in enumerate(range(0, len(lengths), rows_per_shard)):
                slice_ = lengths[first : first + rows_per_shard]
                end = start + sum(slice_)
                yield Shard(
                    data=data,
                    subject=subject,
                    mode=mode,
                    samples=number,
                    temperature=heat,
                    shard=shard,
                    start=start,
                    end=end,
                    rows=len(slice_),
                )
                start = end


def encode_shards(shards: Iterable[Shard]) -> bytes:
    """Return the manifest, one JSON line a shard."""
    return msgspec.json.Encoder().encode_lines(list(shards))


def decode_shards(manifest: bytes) -> list[Shard]:
    """Read a manifest."""
    return msgspec.json.Decoder(Shard).decode_lines(manifest)

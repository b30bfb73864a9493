"""Stratified samples of streams, such that samples of a stream's parts merge to the sample of the whole.

A stratum keeps the `size` rows whose keys have the smallest hashes (bottom-k sampling: Cohen and Kaplan, "Summarizing
Data Using Bottom-k Sketches", PODC 2007, https://doi.org/10.1145/1281100.1281133). What is kept follows from the set of
rows alone, so neither their order nor how they were divided among machines matters.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

from rft_dataset.allocation import allocate

OTHER = "other"
"""The stratum of the rows whose own one has no place."""

_ROW_BYTES = 400
"""What a kept row takes beside its value: its key, hash and places (CPython 3.11, measured: about 350)."""


class Entry(NamedTuple):
    """A row that a sample keeps.

    Args:
        stratum: Where it belongs.
        key: What it is: rows of a stratum with one key are the same.
        value: The row.
    """

    stratum: str
    key: str
    value: bytes


class SampleTooLarge(ValueError):
    """A sample would hold more than it may.

    Args:
        limit: Memory that its rows may take, bytes.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"the sample would hold more than {limit / 2**20:,.0f} MiB: ask for fewer rows or strata")


class StratifiedSample:
    """A seeded sample of a stream of rows, drawn from each stratum in its share.

    Memory holds at most `size` rows of each stratum. Beyond `strata` of them, those whose names have the smallest
    hashes stay, and the rows of all others are one stratum, `other`: a choice that no order of the rows changes either.
    """

    def __init__(self, size: int, *, seed: int, strata: int = 1_000, max_bytes: int = 1 << 30) -> None:
        """Begin an empty sample.

        Args:
            size: Rows that are drawn in the end.
            seed: Of the draw: the same rows and seed give the same sample. An integer of 64 bits.
            strata: Strata at most, beside `other`.
            max_bytes: Memory that the kept rows may take, bytes.

        Raises:
            ValueError: When size or strata are below 1, or the seed has more bits.
        """
        if size < 1 or strata < 1:
            raise ValueError(f"sample: got {size} rows of {strata} strata, wanted at least 1 of each")
        if not -(1 << 63) <= seed < 1 << 63:
            raise ValueError(f"seed: got {seed}, wanted an integer of 64 bits")
        self.size = size
        self.seed = seed
        self._seed_bytes = seed.to_bytes(8, "big", signed=True)
        self._most_strata = strata
        self._max_bytes = max_bytes
        self._bytes = 0
        self._strata: dict[str, _Stratum] = {}
        self._places: list[tuple[int, str]] = []

    @property
    def populations(self) -> dict[str, int]:
        """Stratum -> rows that were offered to it, repeated ones included."""
        return {name: self._strata[name].population for name in sorted(self._strata)}

    def offer(self, stratum: str, key: str, value: bytes) -> None:
        """Take a row. Of rows with one stratum and key, the smallest value counts.

        Args:
            stratum: Where it belongs.
            key: What it is.
            value: The row.

        Raises:
            SampleTooLarge: When the sample would hold more than `max_bytes`.
        """
        chosen = self._stratum(stratum)
        chosen.population += 1
        self._put(chosen, key, value)

    def merge(self, entries: Iterable[Entry], populations: Mapping[str, int]) -> None:
        """Add another sample; then this one is the sample of all rows that were offered to either.

        Args:
            entries: What the other one keeps. Its seed must be this one's, its size and strata no less.
            populations: The other one's.

        Raises:
            SampleTooLarge: When the sample would hold more than `max_bytes`.
        """
        for name, population in populations.items():
            self._stratum(name).population += population
        for entry in entries:
            self._put(self._stratum(entry.stratum), entry.key, entry.value)

    def entries(self) -> Iterator[Entry]:
        """Yield what is kept, stratum by stratum, by the hashes of the keys."""
        for name in sorted(self._strata):
            for _, key, value in self._strata[name].smallest(self.size):
                yield Entry(name, key, value)

    def draw(self) -> list[bytes]:
        """Return `size` rows, or all that are kept if they are fewer, by the hashes of their keys.

        Each stratum is drawn from in its share of the rows offered (`allocate`). One key in two strata can be drawn
        twice.
        """
        held = {name: len(stratum.held) for name, stratum in self._strata.items()}
        shares = allocate(self.size, self.populations, held, tie_break=self._hash)
        drawn = [
            (priority, name, value)
            for name, share in shares.items()
            for priority, _, value in self._strata[name].smallest(share)
        ]
        return [value for _, _, value in sorted(drawn)]

    def _hash(self, text: str) -> int:
        """Return 128 bits that are random for whoever does not know the seed, and name the text."""
        digest = blake2b(text.encode("utf-8", "surrogatepass"), key=self._seed_bytes, digest_size=16).digest()
        return int.from_bytes(digest, "big")

    def _stratum(self, name: str) -> "_Stratum":
        """Return the stratum where rows of that name belong."""
        found = self._strata.get(name)
        if found is not None:
            return found
        if name != OTHER and not self._has_place(name):
            return self._stratum(OTHER)
        return self._strata.setdefault(name, _Stratum())

    def _has_place(self, name: str) -> bool:
        """Whether a new stratum has one of the places; the one whose place it takes becomes part of `other`."""
        place = (-self._hash(name), name)
        if len(self._places) < self._most_strata:
            heapq.heappush(self._places, place)
            return True
        _, displaced = heapq.heappushpop(self._places, place)
        if displaced == name:
            return False
        stratum, other = self._strata.pop(displaced), self._stratum(OTHER)
        other.population += stratum.population
        for _, key, value in stratum.smallest(self.size):
            self._bytes -= _size(value)
            self._put(other, key, value)
        return True

    def _put(self, stratum: "_Stratum", key: str, value: bytes) -> None:
        self._bytes += stratum.put(self._hash(key), key, value, self.size)
        if self._bytes > self._max_bytes:
            raise SampleTooLarge(self._max_bytes)


def _size(value: bytes) -> int:
    """Return the memory that a kept row takes, bytes."""
    return len(value) + _ROW_BYTES


class _Stratum:
    """Rows with the smallest priorities, and how many there were."""

    def __init__(self) -> None:
        self.population = 0
        self.held: dict[int, tuple[str, bytes]] = {}
        self._largest_first: list[int] = []

    def put(self, priority: int, key: str, value: bytes, size: int) -> int:
        """Keep a row if it is among the `size` smallest; return by how many bytes the memory grew."""
        if priority in self.held:
            before = self.held[priority][1]
            self.held[priority] = (key, min(before, value))
            return len(self.held[priority][1]) - len(before)
        if len(self.held) < size:
            heapq.heappush(self._largest_first, -priority)
            self.held[priority] = (key, value)
            return _size(value)
        if priority > -self._largest_first[0]:
            return 0
        _, dropped = self.held.pop(-heapq.heapreplace(self._largest_first, -priority))
        self.held[priority] = (key, value)
        return len(value) - len(dropped)

    def smallest(self, count: int) -> list[tuple[int, str, bytes]]:
        """Return that many of the kept rows, by priority."""
        return [(priority, *self.held[priority]) for priority in heapq.nsmallest(count, self.held)]

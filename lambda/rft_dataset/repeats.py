"""Which lines say what an earlier line said, in twelve bytes a line."""

from array import array
from collections.abc import Hashable, Iterator
from heapq import nsmallest

_PARTS = 64
"""Fingerprints are kept apart by their last bits and compared part by part: that bounds what a comparison needs."""


class Repeats:
    """What lines say, as 64-bit fingerprints: that two of a million collide by chance has odds of 1 to 30 million."""

    def __init__(self) -> None:
        self._parts = [(array("q"), array("I")) for _ in range(_PARTS)]
        """Fingerprints and their lines."""

    def add(self, line: int, said: Hashable) -> None:
        """Take what a line says.

        Args:
            line: Its number, greater than those before.
            said: Anything that is equal for lines that say the same.
        """
        fingerprint = hash(said)
        fingerprints, lines = self._parts[fingerprint % _PARTS]
        fingerprints.append(fingerprint)
        lines.append(line)

    def found(self, most: int) -> tuple[int, list[tuple[int, int]]]:
        """Return how many lines repeat an earlier one, and the first of them, each with the line that it repeats.

        Args:
            most: How many to return.
        """
        count = sum(len(fingerprints) - len(set(fingerprints)) for fingerprints, _ in self._parts)
        return count, nsmallest(most, self._pairs()) if count else []

    def _pairs(self) -> Iterator[tuple[int, int]]:
        """Yield the lines that repeat an earlier one, and that one."""
        for fingerprints, lines in self._parts:
            if len(set(fingerprints)) == len(fingerprints):
                continue
            first: dict[int, int] = {}
            for fingerprint, line in zip(fingerprints, lines, strict=True):
                earliest = first.setdefault(fingerprint, line)
                if earliest != line:
                    yield line, earliest

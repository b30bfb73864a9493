"""Rows chosen so that every kind of row is among them."""

import random
from collections import defaultdict
from collections.abc import Iterable

from rft_runtime.certification.kind import Kind
from rft_runtime.certification.row import Row

_MOST_ANSWERS = 64
_SEED = 20260101


class _Reservoir:
    """A uniform sample of what came by (Vitter, 1985, algorithm R)."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._seen = 0

    def offer(self, row: Row, size: int, draw: random.Random) -> None:
        """Keep the row or not."""
        self._seen += 1
        if len(self.rows) < size:
            self.rows.append(row)
        elif (place := draw.randrange(self._seen)) < size:
            self.rows[place] = row


def stratified(rows: Iterable[Row], kind: Kind, size: int) -> list[Row]:
    """Return rows of every stratum in turn, in the dataset's order.

    Strata are the answers where there are at most 64 of them, else lengths of the prompt by powers of two. Within a
    stratum rows are chosen at random with a fixed seed, so that the same dataset gives the same sample.

    Args:
        rows: The dataset, read once.
        kind: Tells answers apart.
        size: How many.
    """
    draw = random.Random(_SEED)
    by_answer: dict[str | None, _Reservoir] = defaultdict(_Reservoir)
    by_length: dict[int, _Reservoir] = defaultdict(_Reservoir)
    for row in rows:
        by_length[len(row.prompt).bit_length()].offer(row, size, draw)
        if len(by_answer) <= _MOST_ANSWERS:
            by_answer[kind.key(row.reference)].offer(row, size, draw)
    strata = (by_answer if 1 < len(by_answer) <= _MOST_ANSWERS else by_length).values()
    left = [list(stratum.rows) for stratum in strata]
    chosen: list[Row] = []
    while len(chosen) < size and any(left):
        for stratum in left:
            if stratum and len(chosen) < size:
                chosen.append(stratum.pop())
    return sorted(chosen, key=lambda row: row.line)

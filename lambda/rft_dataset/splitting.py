"""Which rows are for training, which for validation, and which are held out until the end."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from rft_dataset.row_groups import RowGroups
from rft_dataset.validation import Split

_WHOLE = 1 << 64


@dataclass(frozen=True, kw_only=True)
class SplitSizes:
    """How large the splits are to be; training gets what is left.

    Args:
        validation: A share (float below 1) or a number of rows (int).
        held_out: Likewise.
    """

    validation: float | int = 0.1
    held_out: float | int = 0.1

    def shares(self, rows: int) -> Mapping[Split, float]:
        """Return split -> share of so many rows, for the two that are taken out.

        Raises:
            ValueError: When nothing is left for training.
        """
        sizes: dict[Split, float | int] = {"validation": self.validation, "held_out": self.held_out}
        shares = {split: size / rows if isinstance(size, int) else size for split, size in sizes.items()}
        if sum(shares.values()) >= 1:
            raise ValueError(
                f"validation {self.validation} and held-out {self.held_out} leave nothing of {rows:,} rows for training"
            )
        return shares


@dataclass(frozen=True)
class Splitting:
    """Where rows go.

    Args:
        split_of: Row, from 0 -> its split.
        groups: Split -> number of groups of rows that stay together.
    """

    split_of: Sequence[Split]
    groups: Counter[Split]

    def rows(self) -> Counter[Split]:
        """Return split -> number of rows."""
        return Counter(self.split_of)


def split(
    groups: RowGroups,
    sizes: SplitSizes,
    *,
    seed: int = 0,
    exact: bool = False,
    tell: Callable[[str], None] = lambda words: None,
) -> Splitting:
    """Split rows by their groups, so that validation finds no leak between the splits.

    A group's place between 0 and 1 is a hash of the seed and of what names the group. Held out is what lies below one
    bound, for validation what lies above another: whoever adds rows behind, or changes one share, moves no other group,
    except where a new row shows that two groups are one. The price is that sizes are near to what was asked for, as in
    a draw by lot: of 1,000 groups, 10 % are 100 give or take 20 (95 % of the time).

    With `exact`, groups are taken in the order of their places until a size is reached, in each stratum for itself;
    one that is too large for what is left is passed over. Sizes are then met wherever groups are small enough, and a
    row more can move groups that were there before.

    Afterwards the splits are compared as validation compares them, and what would be a leak is joined and split again,
    until there is none.

    Args:
        groups: The rows; strata count with `exact` only. Groups are joined where prompts are similar.
        sizes: How large the splits are to be.
        seed: Another one splits in another way.
        exact: Whether sizes are met exactly.
        tell: Told what is being done.

    Raises:
        ValueError: When nothing is left for training.
    """
    shares = sizes.shares(len(groups))
    tell("comparing prompts")
    groups.join_similar()
    place = _exactly if exact else _stably
    while True:
        tell("splitting")
        chosen = place(groups, shares, seed)
        split_of = [chosen[groups.of(row)] for row in range(len(groups))]
        if not groups.join_leaks(split_of):
            return Splitting(split_of, Counter(chosen.values()))


def _stably(groups: RowGroups, shares: Mapping[Split, float], seed: int) -> dict[int, Split]:
    """Return group -> split, each group for itself."""
    chosen: dict[int, Split] = {}
    for group in groups.sizes():
        place = _place(groups, group, seed) / _WHOLE
        if place < shares["held_out"]:
            chosen[group] = "held_out"
        else:
            chosen[group] = "validation" if place >= 1 - shares["validation"] else "train"
    return chosen


def _exactly(groups: RowGroups, shares: Mapping[Split, float], seed: int) -> dict[int, Split]:
    """Return group -> split, so that each stratum gets its share."""
    sizes = groups.sizes()
    chosen: dict[int, Split] = dict.fromkeys(sizes, "train")
    strata: defaultdict[int, list[int]] = defaultdict(list)
    for group in sorted(sizes, key=lambda group: _place(groups, group, seed)):
        strata[groups.stratum(group)].append(group)
    rows = {stratum: sum(sizes[group] for group in members) for stratum, members in strata.items()}
    for taken in ("held_out", "validation"):
        quotas = _quotas(rows, round(shares[taken] * len(groups)))
        for stratum, members in strata.items():
            left = quotas[stratum]
            for group in members if taken == "held_out" else reversed(members):
                if sizes[group] <= left and chosen[group] == "train":
                    chosen[group] = taken
                    left -= sizes[group]
    return chosen


def _quotas(rows: Mapping[int, int], size: int) -> dict[int, int]:
    """Share a size among strata by their rows: the largest remainders are rounded up."""
    every = sum(rows.values())
    quotas = {stratum: size * count // every for stratum, count in rows.items()}
    by_remainder = sorted(rows, key=lambda stratum: -(size * rows[stratum] % every))
    for stratum in by_remainder[: size - sum(quotas.values())]:
        quotas[stratum] += 1
    return quotas


def _place(groups: RowGroups, group: int, seed: int) -> int:
    """Return a group's place, below `_WHOLE`."""
    return int.from_bytes(blake2b(groups.key(group), digest_size=8, key=str(seed).encode()).digest(), "big")

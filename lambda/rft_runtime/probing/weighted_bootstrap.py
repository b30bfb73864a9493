"""Weighted means over prompts, with intervals that do not collapse where all prompts look alike."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from operator import itemgetter

import msgspec

from rft_runtime.statistics import RESAMPLES, SEED, mean, quantile

_TAIL = 0.025


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A mean over prompts, as it would be over the whole training set.

    Args:
        value: The mean, weighted by what each prompt stands for.
        ci95: Its 95 % interval, by bootstrap over prompts.
    """

    value: float
    ci95: tuple[float, float]


@dataclass(frozen=True)
class Column:
    """One measure of every prompt.

    Args:
        values: One a prompt; None where a prompt has none, and is left out.
        low: The least that a prompt could have.
        high: The most.
    """

    values: Sequence[float | None]
    low: float = 0.0
    high: float = 1.0


def estimates(columns: Mapping[str, Column], weights: Sequence[float]) -> dict[str, Estimate]:
    """Estimate the weighted mean of each column.

    Resamples of prompts with replacement (Efron, 1979) say nothing where all prompts have the same value: 30 failures
    of 30 would mean a success rate of 0 to 0. So the lower end is resampled with one more prompt that has the column's
    least value, and the upper end with one that has the most. Where nothing was seen, that gives an upper end of about
    3 / n, the "rule of three" (Hanley and Lippman-Hand, 1983).

    Args:
        columns: Name -> measure; all of the same prompts.
        weights: How much each prompt counts, more than 0.

    Returns:
        Name -> estimate; a column without any value has none.
    """
    count, another = len(weights), mean(weights)
    # Columns that lack the same prompts share their weights, whose sum is then needed once for each resample.
    alike: dict[tuple[float, ...], list[_Resampled]] = {}
    for name, column in columns.items():
        pairs = zip(column.values, weights, strict=True)
        present = (*(0.0 if value is None else weight for value, weight in pairs), 0.0)
        if any(present):
            alike.setdefault(present, []).append(_Resampled.of(name, column, present))
    draw = random.Random(SEED)
    for _ in range(RESAMPLES):
        drawn = draw.choices(range(count + 1), k=count + 1)
        extra, pick = drawn.count(count) * another, itemgetter(*drawn)
        for present, group in alike.items():
            weight = sum(pick(present)) + extra
            if weight > 0:
                for one in group:
                    one.add(sum(pick(one.products)), extra, weight)
    return {one.name: one.estimate(fsum(present)) for present, group in alike.items() for one in group}


@dataclass(frozen=True)
class _Resampled:
    """A column with the means of its resamples.

    Args:
        name: The column's.
        column: The column.
        products: Its weighted values, and an empty place for the additional prompt.
        lows: Means with additional prompts of the least value.
        highs: Means with additional prompts of the highest value.
    """

    name: str
    column: Column
    products: tuple[float, ...]
    lows: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, column: Column, weights: Sequence[float]) -> "_Resampled":
        weighted = ((value or 0.0) * weight for value, weight in zip(column.values, weights, strict=False))
        return cls(name, column, (*weighted, 0.0))

    def add(self, total: float, extra: float, weight: float) -> None:
        self.lows.append((total + extra * self.column.low) / weight)
        self.highs.append((total + extra * self.column.high) / weight)

    def estimate(self, weight: float) -> Estimate:
        low, high = quantile(sorted(self.lows), _TAIL), quantile(sorted(self.highs), 1 - _TAIL)
        return Estimate(value=fsum(self.products) / weight, ci95=(low, high))

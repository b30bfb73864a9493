"""How far two orders agree, without a numerical library."""

import math
import random
from collections.abc import Callable, Sequence
from operator import mul
from statistics import quantiles
from typing import TypeVar

from rft_runtime.statistics import RESAMPLES, SEED, Interval

_T = TypeVar("_T")


def ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value from 1, ties sharing the mean of their ranks."""
    ordered = sorted(range(len(values)), key=values.__getitem__)
    found = [0.0] * len(values)
    start = 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and values[ordered[end]] == values[ordered[start]]:
            end += 1
        for place in ordered[start:end]:
            found[place] = (start + end + 1) / 2
        start = end
    return found


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the rank correlation (Spearman, 1904); 0 when either is constant, which orders nothing."""
    return _correlation(ranks(first), ranks(second))


def partial_spearman(first: Sequence[float], second: Sequence[float], given: Sequence[float]) -> float:
    """Return the rank correlation of two quantities that is left when a third one's is taken out.

    `(r12 - r13·r23) / sqrt((1 - r13²)(1 - r23²))` of the ranks (Yule, 1907); 0 where the third says everything.
    """
    one, two, three = ranks(first), ranks(second), ranks(given)
    both, with_first, with_second = _correlation(one, two), _correlation(one, three), _correlation(two, three)
    scale = math.sqrt(max(0.0, 1 - with_first**2) * max(0.0, 1 - with_second**2))
    return (both - with_first * with_second) / scale if scale > 1e-9 else 0.0


def weighted_kappa(first: Sequence[int], second: Sequence[int]) -> float:
    """Return the agreement of ordered categories beyond chance, distances squared (Cohen, 1968).

    1 is agreement throughout, 0 what chance gives with the same shares of categories, as a constant does.
    """
    pairs = list(zip(first, second, strict=True))
    seen = sum((one - two) ** 2 for one, two in pairs) / len(pairs)
    mean_one, mean_two = sum(first) / len(pairs), sum(second) / len(pairs)
    spread = _variance(first, mean_one) + _variance(second, mean_two) + (mean_one - mean_two) ** 2
    return 1 - seen / spread if spread else 0.0


def bootstrap_interval_of(rows: Sequence[_T], statistic: Callable[[Sequence[_T]], float]) -> Interval:
    """Return the two-sided 95 % percentile interval of a statistic over resampled rows (Efron, 1979).

    Args:
        rows: One for each independent observation, at least one.
        statistic: Of as many rows as there are.
    """
    draw = random.Random(SEED)
    found = [statistic(draw.choices(rows, k=len(rows))) for _ in range(RESAMPLES)]
    cuts = quantiles(found, n=40, method="inclusive")
    return Interval(cuts[0], cuts[-1])


def _correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Pearson's correlation; 0 when either is constant."""
    count = len(first)
    mean_first, mean_second = math.fsum(first) / count, math.fsum(second) / count
    one, two = [value - mean_first for value in first], [value - mean_second for value in second]
    scale = math.sqrt(sum(map(mul, one, one)) * sum(map(mul, two, two)))
    return sum(map(mul, one, two)) / scale if scale else 0.0


def _variance(values: Sequence[float], mean: float) -> float:
    return sum((value - mean) ** 2 for value in values) / len(values)

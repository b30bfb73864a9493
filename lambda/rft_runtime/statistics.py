"""Intervals without a numerical library: the prompt is the unit of evidence.

Everything here is deterministic: the same numbers in the same order give the same interval, on every machine.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean

RESAMPLES = 2000
SEED = 20260101


@dataclass(frozen=True)
class Interval:
    """A closed interval.

    Args:
        low: Lower end.
        high: Upper end.
    """

    low: float
    high: float


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> Interval:
    """Return the score interval of a proportion (Wilson, 1927); it keeps a width where all or none succeed.

    Args:
        successes: Number of successes.
        trials: Number of independent trials, at least 1.
        confidence: Two-sided.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / trials
    scale = 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / scale
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / scale
    return Interval(max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))


def bootstrap_means(values: Sequence[float], *, resamples: int = RESAMPLES, seed: int = SEED) -> list[float]:
    """Return the sorted means of resamples with replacement (Efron, 1979).

    Args:
        values: One value a prompt, at least one.
        resamples: How many.
        seed: Of the pseudo-random numbers.
    """
    draw = random.Random(seed)
    count = len(values)
    return sorted(math.fsum(draw.choices(values, k=count)) / count for _ in range(resamples))


def bootstrap_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the two-sided percentile interval of the mean."""
    means = bootstrap_means(values)
    tail = (1 - confidence) / 2
    return Interval(_quantile(means, tail), _quantile(means, 1 - tail))


def bootstrap_lower_bound(values: Sequence[float], confidence: float = 0.95) -> float:
    """Return the one-sided lower percentile bound of the mean."""
    return _quantile(bootstrap_means(values), 1 - confidence)


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean of at least one value."""
    return fmean(values)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of sorted values, interpolated between neighbours."""
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)

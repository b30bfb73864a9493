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


def bootstrap_means(
    values: Sequence[float],
    groups: Sequence[str] = (),
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> list[float]:
    """Return the sorted means of resamples with replacement (Efron, 1979).

    With groups, whole groups are drawn, because their prompts are not independent (Davison and Hinkley, 1997, 3.8).

    Args:
        values: One value a prompt, at least one.
        groups: The group of each prompt; empty: each prompt is its own.
        resamples: How many.
        seed: Of the pseudo-random numbers.
    """
    draw = random.Random(seed)
    if len(set(groups)) in (0, len(values)):
        count = len(values)
        return sorted(math.fsum(draw.choices(values, k=count)) / count for _ in range(resamples))
    members: dict[str, list[float]] = {}
    for value, group in zip(values, groups, strict=True):
        members.setdefault(group, []).append(value)
    sums = [(math.fsum(member), len(member)) for member in members.values()]
    drawn = (draw.choices(sums, k=len(sums)) for _ in range(resamples))
    return sorted(math.fsum(total for total, _ in some) / sum(count for _, count in some) for some in drawn)


def bootstrap_interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Return the two-sided percentile interval of the mean."""
    means = bootstrap_means(values)
    tail = (1 - confidence) / 2
    return Interval(quantile(means, tail), quantile(means, 1 - tail))


def bootstrap_lower_bound(values: Sequence[float], groups: Sequence[str] = (), confidence: float = 0.95) -> float:
    """Return the one-sided lower percentile bound of the mean.

    Args:
        values: One value a prompt, at least one.
        groups: As for `bootstrap_means`.
        confidence: One-sided.
    """
    return quantile(bootstrap_means(values, groups), 1 - confidence)


def smallest_gain(prompts: int, spread: float, confidence: float = 0.95, power: float = 0.8) -> float:
    """Return the smallest mean gain that a one-sided test shows with the given power, in the normal approximation.

    Source: Lachin (1981), sample size of a paired comparison: `(z_confidence + z_power) * spread / sqrt(n)`.

    Args:
        prompts: Independent prompts, at least 1.
        spread: Standard deviation of the paired gains.
        confidence: One-sided.
        power: Probability to show it.
    """
    z = NormalDist().inv_cdf
    return (z(confidence) + z(power)) * spread / math.sqrt(prompts)


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean of at least one value."""
    return fmean(values)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of sorted values, interpolated between neighbours.

    Args:
        ordered: Ascending, at least one value.
        share: Which quantile, 0 to 1.
    """
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)

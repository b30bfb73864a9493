"""Intervals without a numerical library: the prompt is the unit of evidence.

Everything here is deterministic: the same numbers in the same order give the same interval, on every machine.
"""

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean

RESAMPLES = 2000
SEED = 20260101
_DECIMALS = 12


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
    """Return the two-sided interval of the mean; both ends are bounds as `bootstrap_lower_bound` says."""
    means, tail = bootstrap_means(values), bootstrap_level(len(values), (1 + confidence) / 2)
    return Interval(mid_quantile(means, tail), mid_quantile(means, 1 - tail))


def bootstrap_lower_bound(values: Sequence[float], groups: Sequence[str] = (), confidence: float = 0.95) -> float:
    """Return the one-sided lower bound of the mean: a percentile of the resampled means, as honest with few prompts.

    The plain percentile fails twice where prompts are few. It is too narrow, like an interval of Student's that forgot
    its degrees of freedom: see `bootstrap_level`. And pass/fail rewards give means on a coarse grid, many of which tie
    with the threshold: see `mid_quantile`. How often the gate then errs: `python -m benchmarks gate_errors`.

    The lowest of the resampled means is the lowest bound, so confidences above about `1 - 1 / RESAMPLES` are all the
    same, and a single unit is its own bound: who decides by it asks for more, as the gate does.

    Args:
        values: One value a prompt, at least one.
        groups: As for `bootstrap_means`.
        confidence: One-sided.
    """
    units = len(set(groups)) or len(values)
    return mid_quantile(bootstrap_means(values, groups), bootstrap_level(units, confidence))


def bootstrap_level(units: int, confidence: float) -> float:
    """Return which percentile of resampled means is a one-sided bound: `Phi(-sqrt(n / (n - 1)) t)`.

    Source: the expanded percentile interval of Hesterberg (2015), "What Teachers Should Know About the Bootstrap",
    The American Statistician 69(4). Resamples spread by `sqrt((n - 1) / n)` too little, and t is Student's quantile
    with n - 1 degrees of freedom, by the expansion 26.7.5 of Abramowitz and Stegun (1964).

    Args:
        units: What was drawn: prompts, or groups of them.
        confidence: One-sided, more than 0.5.

    Returns:
        Less than `1 - confidence`, and 0 for one unit, which says nothing of others.
    """
    if units < 2:
        return 0.0
    z, freedom = NormalDist().inv_cdf(confidence), units - 1
    student = (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )
    return NormalDist().cdf(-math.sqrt(units / freedom) * student)


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


def mid_quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of sorted values of which many may be equal, interpolated between the different ones.

    Half of the values that equal x count as below x, as in a mid-p value (Lancaster, 1961): else a test whose threshold
    is one of the values has a smaller level than it says. Source: Ma, Genton and Parzen (2011), "Asymptotic properties
    of sample quantiles of discrete distributions", Annals of the Institute of Statistical Mathematics 63. Where no two
    values are equal it is an ordinary quantile.

    Args:
        ordered: Ascending, at least one value; what differs in the 13th decimal is the same.
        share: Which quantile, 0 to 1.
    """
    below, last, reached = 0.0, ordered[0], 0.0
    for value, count in Counter(round(value, _DECIMALS) for value in ordered).items():
        middle = (below + count / 2) / len(ordered)
        if middle >= share:
            return value if below == 0 else last + (value - last) * (share - reached) / (middle - reached)
        below, last, reached = below + count, value, middle
    return last

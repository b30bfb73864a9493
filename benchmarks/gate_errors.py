"""How often the gate lets through what it should not, and how often it shows a gain that is there.

A prompt's chance of a right completion is drawn from a beta distribution (0.8, 0.8): many prompts are nearly always or
nearly never solved. Two nulls: the same model twice, and two different models whose prompts differ at random while
their means are equal. For power, every prompt's log-odds are raised.

Drawn with numpy, which is some hundred times faster than the gate's own standard-library code; `agrees_with_the_gate`
holds both to the same bounds.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from rft_contract.json_value import JsonObject, JsonValue
from rft_runtime.gate import LEVEL
from rft_runtime.statistics import RESAMPLES, bootstrap_level, bootstrap_lower_bound, smallest_gain

COMMAND = "python -m benchmarks gate_errors"

SEED = 20261125
PROMPTS = (30, 100, 1000)
SAMPLES = (1, 4)
NULLS = ("same model twice", "different models of equal mean")
COMPARISONS = 10_000
_POWER_COMPARISONS = 1_000
_GAINS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
_SPREAD = 0.25


def measure(comparisons: int = COMPARISONS, power_comparisons: int = _POWER_COMPARISONS) -> JsonObject:
    """Simulate both nulls and the power at several gains.

    Args:
        comparisons: Of each null.
        power_comparisons: Of each gain.
    """
    random = np.random.default_rng(SEED)
    errors: list[JsonValue] = []
    for null, prompts, samples in product(NULLS, PROMPTS, SAMPLES):
        passed = sum(_passes(gains, random) for gains in _of_null(null, prompts, samples, comparisons, random))
        errors.append({"null": null, "prompts": prompts, "samples": samples, "share_passed": passed / comparisons})
    curves: list[JsonValue] = []
    for prompts, samples, gain in product(PROMPTS, SAMPLES, _GAINS):
        drawn = list(_with_gain(gain, prompts, samples, power_comparisons, random))
        curves.append(
            {
                "prompts": prompts,
                "samples": samples,
                "gain": gain,
                "power": sum(_passes(gains, random) for gains in drawn) / power_comparisons,
                "spread": float(np.mean([gains.std() for gains in drawn])),
                "smallest_gain": smallest_gain(prompts, float(np.mean([gains.std() for gains in drawn]))),
            }
        )
    return {
        "level": LEVEL,
        "comparisons": comparisons,
        "type_1_errors": errors,
        "power_comparisons": power_comparisons,
        "power": curves,
        "largest_difference_from_the_gate": agrees_with_the_gate(random),
    }


def agrees_with_the_gate(random: np.random.Generator, comparisons: int = 20) -> float:
    """Return the largest difference between a bound drawn here and the gate's own, in standard errors of the mean."""
    differences = []
    for gains in _of_null(NULLS[0], 100, 4, comparisons, random):
        own = bootstrap_lower_bound(gains.tolist(), confidence=1 - LEVEL)
        differences.append(abs(_bound(gains, random) - own) / (gains.std() / len(gains) ** 0.5))
    return float(max(differences))


def _of_null(
    null: str, prompts: int, samples: int, comparisons: int, random: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    for _ in range(comparisons):
        before = random.beta(0.8, 0.8, prompts)
        after = before
        if null == NULLS[1]:
            moved = np.clip(before + random.normal(0, _SPREAD, prompts), 0, 1)
            swap = random.random(prompts) < 0.5  # symmetric, so the means are equal
            before, after = np.where(swap, moved, before), np.where(swap, before, moved)
        yield (random.binomial(samples, after) - random.binomial(samples, before)) / samples


def _with_gain(
    gain: float, prompts: int, samples: int, comparisons: int, random: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Yield comparisons whose mean gain is `gain`: the log-odds of every prompt are raised by the same amount."""
    chances = np.clip(np.random.default_rng(SEED).beta(0.8, 0.8, 100_000), 1e-6, 1 - 1e-6)
    odds = np.log(chances / (1 - chances))
    low, high = 0.0, 20.0
    for _ in range(50):
        shift = (low + high) / 2
        found = float(np.mean(1 / (1 + np.exp(-(odds + shift)))) - np.mean(chances))
        low, high = (shift, high) if found < gain else (low, shift)
    for _ in range(comparisons):
        own = random.choice(odds, prompts)
        before, after = 1 / (1 + np.exp(-own)), 1 / (1 + np.exp(-(own + shift)))
        yield (random.binomial(samples, after) - random.binomial(samples, before)) / samples


def _passes(gains: NDArray[np.float64], random: np.random.Generator) -> bool:
    return _bound(gains, random) > 0


def _bound(gains: NDArray[np.float64], random: np.random.Generator) -> float:
    """Return the gate's bound; equal gains are drawn together, which is the same distribution."""
    values, counts = np.unique(gains, return_counts=True)
    means = random.multinomial(len(gains), counts / len(gains), size=RESAMPLES) @ values / len(gains)
    distinct, ties = np.unique(np.round(means, 12), return_counts=True)
    return float(np.interp(bootstrap_level(len(gains), 1 - LEVEL), (np.cumsum(ties) - ties / 2) / RESAMPLES, distinct))

"""What a probe says of a base model, against simulated models whose truth is known: bias, and coverage of intervals.

A training set has 2,000 prompts whose chances of a right rollout are drawn from a beta distribution; `difficulty` knows
a third of what makes them hard. Each simulation draws prompts as Probe does, and 8 rollouts of each. The truth is that
of all 2,000: the mean chance, the chance that one of 4 rollouts succeeds, and the chance that a group is mixed. Groups
of 8 can be counted among 8 rollouts, groups of 16 are expected by the fitted prior. `plug-in` is the same measure
worked out as if a prompt's share of right rollouts were its chance.

Resampled with numpy, which is some hundred times faster than the probe's own standard-library code;
`agrees_with_the_probe` holds both to the same ends.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from rft_contract.json_value import JsonObject, JsonValue
from rft_runtime.probing.group_gradient import pass_at_k, spread_shares
from rft_runtime.probing.probe_sample import Traits, draw_sample
from rft_runtime.probing.weighted_bootstrap import Column, estimates
from rft_runtime.statistics import RESAMPLES

COMMAND = "python -m benchmarks probe"

SEED = 20261130
MODELS = {"hard, 6 % right": (0.3, 4.7), "mixed, 50 % right": (0.8, 0.8), "easy, 94 % right": (4.7, 0.3)}
PROMPTS = (50, 200)
SIMULATIONS = 2_000
MEASURES = ("success", "pass@4", "mixed groups of 8", "mixed groups of 16")
_ROWS = 2_000
_ROLLOUTS = 8
_TRIES = 4
_COUNTED, _FITTED = 8, 16

Floats = NDArray[np.float64]


def measure(simulations: int = SIMULATIONS) -> JsonObject:
    """Simulate probes of each model at each size.

    Args:
        simulations: Of each.
    """
    random = np.random.default_rng(SEED)
    found: list[JsonValue] = []
    for (name, shape), prompts in product(MODELS.items(), PROMPTS):
        found += _compared(name, TrainingSet.of(shape, random), prompts, simulations, random)
    return {
        "rows": _ROWS,
        "rollouts": _ROLLOUTS,
        "simulations": simulations,
        "measures": found,
        "largest_difference_from_the_probe": agrees_with_the_probe(random),
    }


@dataclass(frozen=True)
class TrainingSet:
    """Prompts whose truth is known.

    Args:
        chances: Of a right rollout, one a prompt.
        traits: What Probe draws its sample by.
    """

    chances: Floats
    traits: Traits

    @classmethod
    def of(cls, shape: tuple[float, float], random: np.random.Generator) -> "TrainingSet":
        """Draw one.

        Args:
            shape: Of the beta distribution.
            random: Draws.
        """
        chances = random.beta(*shape, _ROWS)
        ranks = np.argsort(np.argsort(chances)) / _ROWS
        difficulty = np.floor(3 * np.where(random.random(_ROWS) < 1 / 3, ranks, random.random(_ROWS)))
        traits = Traits()
        for level, length in zip(difficulty.tolist(), random.integers(20, 2000, _ROWS).tolist(), strict=True):
            traits.add({"difficulty": level, "messages": [{"role": "user", "content": "x" * length}]})
        return cls(chances, traits)

    def truth(self) -> Floats:
        """Return each of `MEASURES` over all prompts."""
        return np.array([column.mean() for column in _of_chances(self.chances)])


def agrees_with_the_probe(random: np.random.Generator, simulations: int = 10) -> float:
    """Return the largest difference between an end drawn here and the probe's own, in widths of the interval."""
    training = TrainingSet.of((0.8, 0.8), random)
    differences = []
    for columns, weights, _ in _probes(training, 100, simulations, random):
        own = estimates({str(place): Column(list(column)) for place, column in enumerate(columns)}, weights.tolist())
        for place, (low, high) in enumerate(zip(*_intervals(columns, weights, random), strict=True)):
            ends = own[str(place)].ci95
            differences += [abs(low - ends[0]) / (ends[1] - ends[0]), abs(high - ends[1]) / (ends[1] - ends[0])]
    return float(max(differences))


def _compared(
    name: str, training: TrainingSet, prompts: int, simulations: int, random: np.random.Generator
) -> Iterator[JsonObject]:
    truth = training.truth()
    values, plugged, lows, highs = [], [], [], []
    for columns, weights, rough in _probes(training, prompts, simulations, random):
        low, high = _intervals(columns, weights, random)
        values.append(columns @ weights / weights.sum())
        plugged.append(rough @ weights / weights.sum())
        lows.append(low)
        highs.append(high)
    covered = np.mean((np.array(lows) <= truth) & (truth <= np.array(highs)), axis=0)
    for place, which in enumerate(MEASURES):
        yield {
            "model": name,
            "prompts": prompts,
            "measure": which,
            "truth": float(truth[place]),
            "bias": float(np.mean(values, axis=0)[place] - truth[place]),
            "plug_in_bias": float(np.mean(plugged, axis=0)[place] - truth[place]),
            "covered": float(covered[place]),
            "width": float(np.mean(np.array(highs) - np.array(lows), axis=0)[place]),
        }


def _probes(
    training: TrainingSet, prompts: int, simulations: int, random: np.random.Generator
) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Yield probes: each measure of every prompt, the prompts' weights, and the measures by plug-in."""
    pass_at = np.array([pass_at_k(_ROLLOUTS, right, _TRIES) for right in range(_ROLLOUTS + 1)])
    for _ in range(simulations):
        sample = draw_sample(training.traits, prompts, seed=str(random.integers(2**63)))
        stands_for = sample.weights()
        weights = [stands_for[row] for row in sample.rows]
        right = random.binomial(_ROLLOUTS, training.chances[sample.rows])
        rewards = [+Counter({1.0: count, 0.0: _ROLLOUTS - count}) for count in right.tolist()]
        mixed = [spread_shares(rewards, group, weights) for group in (_COUNTED, _FITTED)]
        columns = np.array([right / _ROLLOUTS, pass_at[right], *mixed])
        yield columns, np.array(weights), _of_chances(right / _ROLLOUTS)


def _of_chances(chances: Floats) -> Floats:
    """Return each of `MEASURES` of every prompt whose chance is known."""
    wrong = 1 - chances
    mixed = [1 - chances**group - wrong**group for group in (_COUNTED, _FITTED)]
    return np.array([chances, 1 - wrong**_TRIES, *mixed])


def _intervals(columns: Floats, weights: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the ends of each measure's interval, as `rft_runtime.probing.weighted_bootstrap` has them."""
    places = len(weights) + 1
    drawn = random.integers(0, places, (RESAMPLES, places)) + places * np.arange(RESAMPLES)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=RESAMPLES * places).reshape(RESAMPLES, places)
    extra = counts[:, -1:] * weights.mean()
    sums = counts[:, :-1] @ (columns * weights).T
    whole = counts[:, :-1] @ weights[:, None] + extra
    return np.quantile(sums / whole, 0.025, axis=0), np.quantile((sums + extra) / whole, 0.975, axis=0)

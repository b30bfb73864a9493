"""What an invalid rollout's reward does to group-relative advantages: every choice, simulated under three baselines.

A prompt has a chance p of a right completion (or of each quarter of one), spread evenly over the logits -4 to 4;
rewards go from -1 (wrong) to 1 (right); a rollout is invalid by chance, whatever it says. Nothing is known of an
invalid rollout, so the ideal advantage is none. A choice is held against what the learner would have computed had
nothing failed.

The gradient is that of a policy with one parameter a prompt, the logit of p: the score function of a completion is its
value - p, so a group's gradient is the mean of advantage x (value - p). `noise_added` needs no policy: where the
completions of a prompt have little in common, the noise of the gradient is that of the advantages.

A second simulation lets the completion cause the failure: a policy that may crash its grader, trained by gradient
ascent on what the crash is given.
"""

from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rft_contract.json_value import JsonObject, JsonValue

COMMAND = "python -m benchmarks invalid_rewards"

SEED = 20261125
SHARES = (0.01, 0.05, 0.20)
GROUP_SIZES = (4, 8, 16)
CREDITS = {"pass or fail": (1, GROUP_SIZES), "partial": (4, (8,))}
"""Kind of reward -> into how many parts a value is split, and for which group sizes it is simulated."""

DELIVERIES = ((1, False), (8, False), (64, False), (64, True))
"""Samples an event, and whether the rollouts of a step are shuffled over its events."""

_GROUPS = 48_000
_PROMPTS_A_STEP = 32
_PROBED = 8
_DRIFT = 1.0
"""By how much training has raised the logits since the probe, in the choice `stale base mean`."""

_NOTHING = 1e-9
_FLOOR = -1.0

_Floats: TypeAlias = NDArray[np.float64]
_Flags: TypeAlias = NDArray[np.bool_]


def measure() -> JsonObject:
    """Simulate every combination of share, group size, choice, delivery and baseline."""
    random = np.random.default_rng(SEED)
    rows: list[JsonValue] = []
    for (credit, (parts, sizes)), share in product(CREDITS.items(), SHARES):
        for size in sizes:
            world = _World.drawn(random, share, size, parts)
            choices = _choices(world, random)
            for baseline in BASELINES:
                ideal = _advantages(world.rewards, np.ones_like(world.valid), baseline)
                for choice, delivery, (rewards, counted) in choices:
                    figures = _figures(world, _advantages(rewards, counted, baseline), ideal)
                    setting: JsonObject = {"credit": credit, "share": share, "group_size": size, "baseline": baseline}
                    rows.append({**setting, "choice": choice, **delivery, **figures})
    return {
        "seed": SEED,
        "groups_a_row": _GROUPS,
        "prompts_a_step": _PROMPTS_A_STEP,
        "probe_rollouts": _PROBED,
        "rows": rows,
        "crashes": [_crashes(chance, scored) for chance in (0.02, 0.2, 0.5) for scored in CRASH_SCORES],
    }


BASELINES = ("mean", "mean/std", "leave-one-out")
CHOICES = ("drop", "mates", "base mean", "stale base mean", "running mean", "zero", "floor")
"""`drop` leaves the rollout out of the update; a reward function cannot do that, so it is the yardstick."""

CRASH_SCORES = ("mates", "zero", "floor")


@dataclass(frozen=True)
class _World:
    """Groups of rollouts; arrays are groups x rollouts.

    Args:
        chance: Of each part of a right completion, groups x 1.
        value: What a completion is worth, 0 to 1.
        valid: Whether the grader could say so.
    """

    chance: _Floats
    value: _Floats
    valid: _Flags

    @classmethod
    def drawn(cls, random: np.random.Generator, share: float, size: int, parts: int) -> "_World":
        """Draw groups of one size with a share of invalid rollouts."""
        chance = _sigmoid(random.uniform(-4, 4, (_GROUPS, 1)))
        value = random.binomial(parts, chance, (_GROUPS, size)) / parts
        return cls(chance, value, random.random((_GROUPS, size)) >= share)

    @property
    def rewards(self) -> _Floats:
        """What a grader without failures says."""
        return 2 * self.value - 1


def _sigmoid(logits: _Floats) -> _Floats:
    result: _Floats = 1 / (1 + np.exp(-logits))
    return result


def _choices(
    world: _World, random: np.random.Generator
) -> list[tuple[str, dict[str, JsonValue], tuple[_Floats, _Flags]]]:
    """Return each choice with its rewards, and which of them the baseline counts."""
    everyone = np.ones_like(world.valid)
    logits = np.log(world.chance / (1 - world.chance))
    probed = 2 * random.binomial(_PROBED, world.chance) / _PROBED - 1
    stale = 2 * random.binomial(_PROBED, _sigmoid(logits - _DRIFT)) / _PROBED - 1
    running = world.rewards[world.valid].mean()
    fills = {"base mean": probed, "stale base mean": stale, "running mean": running, "zero": 0.0, "floor": _FLOOR}
    found: list[tuple[str, dict[str, JsonValue], tuple[_Floats, _Flags]]] = [
        ("drop", {}, (world.rewards, world.valid)),
        *((name, {}, (np.where(world.valid, world.rewards, fill), everyone)) for name, fill in fills.items()),
    ]
    for event_size, is_shuffled in DELIVERIES:
        fill, mated = _mates_mean(world, _events(world, random, event_size, is_shuffled), probed)
        delivery: dict[str, JsonValue] = {
            "event_size": event_size,
            "shuffled": is_shuffled,
            "filled_by_mates": _rounded(mated),
        }
        found.append(("mates", delivery, (np.where(world.valid, world.rewards, fill), everyone)))
    return found


def _events(world: _World, random: np.random.Generator, event_size: int, is_shuffled: bool) -> NDArray[np.int64]:
    """Return the number of the event in which each rollout arrives; groups come whole unless they are shuffled."""
    groups, size = world.valid.shape
    step = _PROMPTS_A_STEP * size
    places = np.arange(groups * size).reshape(-1, step)
    if is_shuffled:
        places = random.permuted(places, axis=1)
    events: NDArray[np.int64] = (places // event_size).reshape(groups, size)
    return events


def _mates_mean(world: _World, events: NDArray[np.int64], otherwise: _Floats) -> tuple[_Floats, float]:
    """Return what each rollout is filled with as `rft_runtime.grading` does, and how often mates are found."""
    are_mates = (events[:, :, None] == events[:, None, :]) & world.valid[:, None, :]
    count = are_mates.sum(axis=2)
    total = (are_mates * world.rewards[:, None, :]).sum(axis=2)
    fill = np.where(count > 0, total / np.maximum(count, 1), otherwise)
    return fill, float((count > 0)[~world.valid].mean())


def _advantages(rewards: _Floats, counted: _Flags, baseline: str) -> _Floats:
    """Return the advantages that a learner computes of the rewards it counts; the others have none."""
    count = np.maximum(counted.sum(axis=1, keepdims=True), 1)
    mean = (rewards * counted).sum(axis=1, keepdims=True) / count
    apart: _Floats = (rewards - mean) * counted
    if baseline == "mean":
        return apart
    if baseline == "leave-one-out":
        return np.where(count > 1, apart * count / np.maximum(count - 1, 1), 0.0)
    spread = np.sqrt((apart**2).sum(axis=1, keepdims=True) / count)
    return np.where(spread > _NOTHING, apart / np.maximum(spread, _NOTHING), 0.0)


def _gradient(world: _World, advantages: _Floats) -> _Floats:
    """Return each group's gradient."""
    gradient: _Floats = (advantages * (world.value - world.chance)).mean(axis=1)
    return gradient


def _figures(world: _World, advantages: _Floats, ideal: _Floats) -> dict[str, JsonValue]:
    """Return how far a choice is from what a grader without failures would have brought about."""
    gradient, wanted = _gradient(world, advantages), _gradient(world, ideal)
    of_invalid = advantages[~world.valid]
    chance = np.broadcast_to(world.chance, world.valid.shape)[~world.valid]
    hit = ~world.valid.all(axis=1)
    lowest = np.where(world.valid, world.rewards, np.inf).min(axis=1)
    highest = np.where(world.valid, world.rewards, -np.inf).max(axis=1)
    dead = hit & (lowest == highest)
    alive = hit & (np.abs(wanted) > _NOTHING)
    return {
        "spurious_advantage_rms": _rounded(np.sqrt((of_invalid**2).mean())),
        "spurious_advantage_hard": _rounded(of_invalid[chance < 0.1].mean()),
        "spurious_advantage_easy": _rounded(of_invalid[chance > 0.9].mean()),
        "dead_groups_revived": _rounded((np.abs(advantages[dead]).max(axis=1) > _NOTHING).mean()),
        "noise_added": _rounded(np.sqrt(((advantages - ideal)[hit] ** 2).mean() / (ideal[hit] ** 2).mean())),
        "gradient_kept": _rounded(gradient.mean() / wanted.mean()),
        "groups_with_flipped_sign": _rounded((gradient * wanted < 0)[alive].mean()),
    }


def _rounded(value: float) -> float:
    return round(float(value), 4) + 0.0


def _crashes(chance: float, scored: str) -> JsonObject:
    """Train a policy that can crash its grader; return how often it does so before and after.

    One logit a policy decides between crashing and answering, and an answer is right by `chance`, which does not
    change: prompts from which nothing else can be learnt. 40 policies, 400 steps of 32 groups of 8, mean baseline.
    """
    random = np.random.default_rng(SEED)
    policies, steps, groups, size, rate, before = 40, 400, 32, 8, 0.5, 0.05
    logits = np.full((policies, 1, 1), np.log(before / (1 - before)))
    for _ in range(steps):
        share = _sigmoid(logits)
        crashed = random.random((policies, groups, size)) < share
        answered = np.where(random.random(crashed.shape) < chance, 1.0, _FLOOR)
        count = (~crashed).sum(axis=2, keepdims=True)
        mean = (answered * ~crashed).sum(axis=2, keepdims=True) / np.maximum(count, 1)
        fills = {"mates": np.where(count > 0, mean, _FLOOR), "zero": np.zeros(1), "floor": np.full(1, _FLOOR)}
        rewards = np.where(crashed, fills[scored], answered)
        advantages = rewards - rewards.mean(axis=2, keepdims=True)
        logits += rate * (advantages * (crashed - share)).mean(axis=(1, 2), keepdims=True)
    return {
        "chance_of_a_right_answer": chance,
        "crash_scores": scored,
        "crash_share_before": before,
        "crash_share_after": _rounded(_sigmoid(logits).mean()),
    }

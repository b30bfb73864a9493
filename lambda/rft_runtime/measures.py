"""What an evaluation shows of a model: its accuracy and rewards, and its gain on another."""

import msgspec

from rft_runtime.evaluation import Arm, Evaluation
from rft_runtime.shards import SAMPLED
from rft_runtime.statistics import Interval, bootstrap_interval, mean, wilson_interval

Pair = tuple[float, float]


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """One model on the held-out set.

    Args:
        accuracy: Share of prompts whose greedy completion scores at least `success_at`; one without a grade does not.
        ci95: 95 % Wilson interval of the accuracy.
        mean_reward: Mean over prompts of the mean valid reward, in the gate's mode; None when nothing was graded.
        sampled_accuracy: Mean over prompts of the share of sampled completions scoring at least `success_at`; None
            without sampled completions.
        invalid_share: Share of all completions without a grade.
    """

    accuracy: float
    ci95: Pair
    mean_reward: float | None
    sampled_accuracy: float | None
    invalid_share: float


class Gain(msgspec.Struct, frozen=True, kw_only=True):
    """Candidate against base in greedy accuracy.

    Args:
        absolute: Difference of the accuracies, -1 to 1.
        ci95: 95 % interval by bootstrap over prompts, paired.
    """

    absolute: float
    ci95: Pair


def measures(evaluation: Evaluation, arm: Arm, success_at: float) -> Measures:
    """Measure one arm."""
    rows = range(evaluation.prompts)
    right = sum(arm.succeeds(row, success_at) for row in rows)
    interval = wilson_interval(right, evaluation.prompts)
    rewards = [reward for row in rows if (reward := arm.reward(row, evaluation.mode)) is not None]
    return Measures(
        accuracy=right / evaluation.prompts,
        ci95=_pair(interval),
        mean_reward=mean(rewards) if rewards else None,
        sampled_accuracy=(
            mean([arm.sampled_successes(row, success_at) for row in rows]) if evaluation.mode == SAMPLED else None
        ),
        invalid_share=arm.invalid_share(),
    )


def gain(evaluation: Evaluation, success_at: float) -> Gain:
    """Compare candidate and base in greedy accuracy, paired by prompt."""
    differences = [
        float(evaluation.candidate.succeeds(row, success_at)) - float(evaluation.base.succeeds(row, success_at))
        for row in range(evaluation.prompts)
    ]
    return Gain(absolute=mean(differences), ci95=_pair(bootstrap_interval(differences)))


def _pair(interval: Interval) -> Pair:
    return (interval.low, interval.high)

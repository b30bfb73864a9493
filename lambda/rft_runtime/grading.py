"""Grading one event: every sample gets a reward, and an error is neither a zero nor an excuse.

A *wrong* completion gets the reward's floor. An *invalid* grade (one that a perfect completion would have met as well)
gets the mean of its valid group mates in the same event, else the row's mean under the base model, else the floor:
advantages are relative to the group, and these fills move them least. Rollouts of validation and of the platform itself
are never filled. Standard library only.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.reward_spec import RewardSpec
from rft_contract.rollout_mark import RolloutMark
from rft_rewards.grade import Grade, Grader, Invalid, Score
from rft_rewards.registry import build
from rft_runtime.reward_events import Sample, read_event, result

INVALID_METRIC = "invalid"
"""Metric of every result: 1 when there was no grade, else 0."""

_REASON_PREFIX = "invalid."
_MOST_COMPONENTS = 16
_LONGEST_REASON = 48


class TransientFailure(Exception):
    """No sample of the event could be graded, and a retry may cure it."""


@dataclass(frozen=True, slots=True)
class Graded:
    """A sample with its reward.

    Args:
        sample: The sample.
        reward: What the caller gets, between the reward's floor and ceiling.
        value: The grade, 0 (wrong) to 1 (perfect); None when invalid.
        reason: Code of why there is no grade; None when valid.
        filled: Where an invalid sample's reward comes from: `mates`, `base` or `floor`; None when valid.
        components: Named parts of the grade.
    """

    sample: Sample
    reward: float
    value: float | None
    reason: str | None = None
    filled: str | None = None
    components: dict[str, float] = field(default_factory=dict)


def grade_batch(spec: RewardSpec, event: JsonValue) -> list[JsonObject]:
    """Grade an event of any size, exactly as the deployed function does.

    Args:
        spec: The reward.
        event: Bedrock's list of samples.

    Returns:
        Bedrock's list of results, in the event's order.

    Raises:
        ValueError: When the reward or the event has the wrong form.
        TransientFailure: When nothing in the event could be graded for a cause that a retry may cure.
    """
    return results(grade_event(read_event(event), build(spec), spec))


def grade_event(samples: Sequence[Sample], grader: Grader, spec: RewardSpec) -> list[Graded]:
    """Grade the samples of one event.

    Args:
        samples: The event's samples.
        grader: The reward's grader. What it raises makes that one sample invalid.
        spec: The reward, for its floor and ceiling.

    Returns:
        One item a sample, in order.

    Raises:
        TransientFailure: When there are samples, none of them is valid, and a retry may cure it.
    """
    grades = [_checked(sample, grader) for sample in samples]
    if any(isinstance(grade, Invalid) and grade.transient for grade in grades) and not any(
        isinstance(grade, Score) for grade in grades
    ):
        raise TransientFailure(f"reward {spec.name}: none of {len(grades)} samples could be graded; retry")
    span = spec.ceiling - spec.floor
    rewards = [spec.floor + grade.value * span if isinstance(grade, Score) else None for grade in grades]
    mates = _group_means(samples, grades, rewards)
    return [
        Graded(sample, reward, grade.value, components=dict(grade.components))
        if isinstance(grade, Score) and reward is not None
        else _filled(sample, grade, mates, spec)
        for sample, grade, reward in zip(samples, grades, rewards, strict=True)
    ]


def results(graded: Sequence[Graded]) -> list[JsonObject]:
    """Return Bedrock's response.

    Each result carries the metric `invalid` (0 or 1) and the grade's components; for the platform's own callers (those
    that set `rft.phase`) an invalid one also carries the metric `invalid.<reason>`.
    """
    return [result(item.sample.id, item.reward, _metrics(item)) for item in graded]


def without_components(response: Sequence[JsonObject]) -> list[JsonObject]:
    """Return a response whose results say only whether they are invalid."""
    return [
        {**item, "metrics_list": [metric for metric in _metric_list(item) if _is_about_invalid(metric.get("name"))]}
        for item in response
    ]


def invalid_reason(response_item: JsonObject) -> str | None:
    """Return why a result holds no grade, or None when it does.

    Args:
        response_item: One item of the response to a platform caller.
    """
    metrics = {metric.get("name"): metric.get("value") for metric in _metric_list(response_item)}
    if not metrics.get(INVALID_METRIC):
        return None
    reasons = (name for name in metrics if isinstance(name, str) and name.startswith(_REASON_PREFIX))
    return next(reasons, f"{_REASON_PREFIX}unknown").removeprefix(_REASON_PREFIX)


def components(response_item: JsonObject) -> dict[str, float]:
    """Return the components of a result, without what says whether it is invalid."""
    named = ((metric.get("name"), metric.get("value")) for metric in _metric_list(response_item))
    return {
        name: float(value)
        for name, value in named
        if isinstance(name, str) and isinstance(value, (int, float)) and not _is_about_invalid(name)
    }


def _metric_list(response_item: JsonObject) -> list[JsonObject]:
    """Return the entries of a result's `metrics_list`."""
    metrics = response_item.get("metrics_list")
    return [metric for metric in metrics if isinstance(metric, dict)] if isinstance(metrics, list) else []


def _is_about_invalid(name: JsonValue) -> bool:
    """Whether a metric says that a result is invalid, or why."""
    return isinstance(name, str) and name.split(".")[0] == INVALID_METRIC


def _metrics(item: Graded) -> list[tuple[str, float]]:
    """Return the named numbers of one result."""
    metrics = [(INVALID_METRIC, float(item.reason is not None)), *item.components.items()]
    if item.reason is not None and item.sample.mark is not None and item.sample.mark.phase is not None:
        metrics.append((f"{_REASON_PREFIX}{item.reason}", 1.0))
    return metrics


def _checked(sample: Sample, grader: Grader) -> Grade:
    """Grade one sample; whatever the grader does, the result is a score in [0, 1] or invalid."""
    if sample.completion is None:
        return Invalid("no-assistant-turn")
    try:
        grade = grader(sample.completion, sample.reference)
        return _accepted(grade) if isinstance(grade, Score) else Invalid(grade.reason, grade.transient)
    except Exception as error:
        kind = re.sub("[^a-z0-9]+", "-", type(error).__name__.lower()).strip("-")
        return Invalid(f"grader-raised-{kind}"[:_LONGEST_REASON].strip("-"))


def _accepted(score: Score) -> Grade:
    """Return a score with a value in [0, 1] and at most 16 finite components, or invalid."""
    if isinstance(score.value, bool) or not 0 <= score.value <= 1:
        return Invalid("score-out-of-range")
    parts = [
        (name, float(value))
        for name, value in score.components.items()
        if math.isfinite(value) and not _is_about_invalid(name)
    ]
    return Score(float(score.value), score.explanation, dict(parts[:_MOST_COMPONENTS]))


def _is_filled(mark: RolloutMark | None) -> bool:
    """Whether an invalid rollout may get another reward than the floor: only a training rollout of the job."""
    return mark is None or (mark.phase is None and mark.split == "train")


def _group_means(
    samples: Sequence[Sample], grades: Sequence[Grade], rewards: Sequence[float | None]
) -> dict[str, float]:
    """Return group -> mean of its valid rewards, for the groups that have an invalid sample to fill."""
    wanted = {
        sample.group()
        for sample, grade in zip(samples, grades, strict=True)
        if isinstance(grade, Invalid) and _is_filled(sample.mark)
    }
    if not wanted:
        return {}
    valid: dict[str, list[float]] = {}
    for sample, reward in zip(samples, rewards, strict=True):
        if reward is not None and (group := sample.group()) in wanted and _is_filled(sample.mark):
            valid.setdefault(group, []).append(reward)
    return {group: math.fsum(values) / len(values) for group, values in valid.items()}


def _filled(sample: Sample, grade: Grade, mates: dict[str, float], spec: RewardSpec) -> Graded:
    """Return an invalid sample with the reward that moves its group least."""
    reason = grade.reason if isinstance(grade, Invalid) else None
    if _is_filled(sample.mark):
        mean = mates.get(sample.group())
        if mean is not None:
            return Graded(sample, mean, None, reason, "mates")
        base = sample.mark.base if sample.mark is not None else None
        if base is not None and spec.floor <= base <= spec.ceiling:
            return Graded(sample, base, None, reason, "base")
    return Graded(sample, spec.floor, None, reason, "floor")

"""Grading one event: every sample gets a reward, and an error is neither a zero nor an excuse.

A *wrong* completion gets the reward's floor. An *invalid* grade (one that a perfect completion would have met as well)
gets the mean of its valid group mates in the same event, else the row's mean under the base model, else the floor:
advantages are relative to the group, and these fills move them least. Rollouts of validation and of the platform itself
are never filled. Standard library only.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.reward_spec import RewardSpec
from rft_contract.rollout_mark import RolloutMark
from rft_rewards.batch import grade_all
from rft_rewards.grade import AnyGrader, Grade, Invalid, Score
from rft_rewards.registry import NO_SERVICES, build
from rft_runtime.reward_events import EventItem, check_response, read_event, result

INVALID_METRIC = "invalid"
"""Metric of every result: 1 when there was no grade, else 0."""

_REASON_PREFIX = "invalid."
_MOST_COMPONENTS = 16
_LONGEST_NAME = 64


class TransientFailure(Exception):
    """No sample of the event could be graded, and a retry may cure it."""


@dataclass(frozen=True, slots=True)
class Graded:
    """An item with its reward.

    Args:
        item: What was graded.
        reward: What the caller gets, between the reward's floor and ceiling.
        value: The grade, 0 (wrong) to 1 (perfect); None when invalid.
        reason: Code of why there is no grade; None when valid.
        filled: Where an invalid sample's reward comes from: `mates`, `base` or `floor`; None when valid.
        transient: Whether a retry may cure what made it invalid.
        components: Named parts of the grade.
    """

    item: EventItem
    reward: float
    value: float | None
    reason: str | None = None
    filled: str | None = None
    transient: bool = False
    components: dict[str, float] = field(default_factory=dict)


def grade_batch(spec: RewardSpec, event: JsonValue, services: Mapping[str, object] = NO_SERVICES) -> list[JsonObject]:
    """Grade an event of any size, exactly as the deployed function does.

    Args:
        spec: The reward.
        event: Bedrock's list of samples.
        services: What the reward's grader needs besides; see `rft_rewards.registry.build`.

    Returns:
        Bedrock's list of results, in the event's order.

    Raises:
        ValueError: When the reward or the event has the wrong form.
        TransientFailure: When nothing in the event could be graded for a cause that a retry may cure.
    """
    return results(grade_event(read_event(event), build(spec, services), spec))


def grade_event(items: Sequence[EventItem], grader: AnyGrader, spec: RewardSpec) -> list[Graded]:
    """Grade the items of one event.

    Args:
        items: The event's items.
        grader: The reward's grader.
        spec: The reward, for its floor and ceiling.

    Returns:
        One for each item, in order.
    """
    graded = iter(grade_all(grader, [item.sample for item in items if item.answered]))
    grades = [next(graded) if item.answered else Invalid("no-assistant-turn") for item in items]
    rewards = [_reward(grade.value, spec) if isinstance(grade, Score) else None for grade in grades]
    mates = _group_means(items, grades, rewards)
    return [
        Graded(item, reward, grade.value, components=_components(grade))
        if isinstance(grade, Score) and reward is not None
        else _filled(item, grade, mates, spec)
        for item, grade, reward in zip(items, grades, rewards, strict=True)
    ]


def must_be_retried(graded: Sequence[Graded]) -> bool:
    """Whether an event has no valid sample, and a retry may cure that: only then is it answered by an error."""
    return any(one.transient for one in graded) and all(one.value is None for one in graded)


def results(graded: Sequence[Graded]) -> list[JsonObject]:
    """Return Bedrock's response.

    Each result carries the metric `invalid` (0 or 1) and the grade's components; for the platform's own callers (those
    that set `rft.phase`) an invalid one also carries the metric `invalid.<reason>`.

    Raises:
        TransientFailure: When nothing could be graded, and a retry may cure it.
        ValueError: When the response would not be one finite result a sample, in order: a floor beyond floats, say.
    """
    if must_be_retried(graded):
        raise TransientFailure(f"none of {len(graded)} samples could be graded; retry")
    response = [result(one.item.id, one.reward, _metrics(one)) for one in graded]
    check_response(response, [one.item for one in graded])
    return response


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


def _reward(value: float, spec: RewardSpec) -> float:
    """Return a grade on the reward's own scale: 0 and 1 are its floor and ceiling exactly, and nothing is beyond."""
    return min(max(spec.floor * (1 - value) + spec.ceiling * value, spec.floor), spec.ceiling)


def _components(score: Score) -> dict[str, float]:
    """Return at most 16 components; a name that says whether a result is invalid is not theirs to take.

    A name may come from the data (the field of a reference), so one that is no short line of text is left out.
    """
    own = [(name, value) for name, value in score.components.items() if _is_name(name) and not _is_about_invalid(name)]
    return dict(own[:_MOST_COMPONENTS])


def _is_name(name: object) -> bool:
    """Whether something can name a metric; half a surrogate pair, which a response cannot carry, is not printable."""
    return isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME and name.isprintable()


def _metrics(graded: Graded) -> list[tuple[str, float]]:
    """Return the named numbers of one result."""
    metrics = [(INVALID_METRIC, float(graded.reason is not None)), *graded.components.items()]
    mark = graded.item.mark
    if graded.reason is not None and mark is not None and mark.phase is not None:
        metrics.append((f"{_REASON_PREFIX}{graded.reason}", 1.0))
    return metrics


def _is_filled(mark: RolloutMark | None) -> bool:
    """Whether an invalid rollout may get another reward than the floor: only a training rollout of the job."""
    return mark is None or (mark.phase is None and mark.split == "train")


def _group_means(
    items: Sequence[EventItem], grades: Sequence[Grade], rewards: Sequence[float | None]
) -> dict[str, float]:
    """Return group -> mean of its valid rewards, for the groups that have an invalid item to fill."""
    wanted = {
        item.group()
        for item, grade in zip(items, grades, strict=True)
        if isinstance(grade, Invalid) and _is_filled(item.mark)
    }
    if not wanted:
        return {}
    valid: dict[str, list[float]] = {}
    for item, reward in zip(items, rewards, strict=True):
        if reward is not None and (group := item.group()) in wanted and _is_filled(item.mark):
            valid.setdefault(group, []).append(reward)
    return {group: _mean(values) for group, values in valid.items()}


def _mean(values: Sequence[float]) -> float:
    """Return the mean; of equal values exactly that value, since a group that is all but equal would count as mixed."""
    return min(max(math.fsum(values) / len(values), min(values)), max(values))


def _filled(item: EventItem, grade: Grade, mates: dict[str, float], spec: RewardSpec) -> Graded:
    """Return an invalid item with the reward that moves its group least."""
    reward, filled = spec.floor, "floor"
    if _is_filled(item.mark):
        mean = mates.get(item.group())
        base = item.mark.base if item.mark is not None else None
        if mean is not None:
            reward, filled = mean, "mates"
        elif base is not None and spec.floor <= base <= spec.ceiling:
            reward, filled = base, "base"
    invalid = grade if isinstance(grade, Invalid) else None
    return Graded(
        item,
        reward,
        None,
        reason=invalid.reason if invalid else None,
        filled=filled,
        transient=invalid is not None and invalid.transient,
    )

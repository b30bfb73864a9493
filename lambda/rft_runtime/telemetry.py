"""Reward curves: the CloudWatch embedded metric format (EMF) documents of one event.

The service publishes no reward curves for Nova models, but every rollout passes through the reward function. Documents
hold numbers, names and reason codes, never text of a prompt or a completion. Rollouts that the platform itself sent
(`rft.phase`) emit nothing. Standard library only.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.metrics import DIMENSION_SETS, NAMESPACE, Dimension, MetricName
from rft_runtime.event_groups import group_sizes, groups_of, judge_noise
from rft_runtime.grading import Graded, must_be_retried

MOST_VALUES = 100
"""Values that EMF allows for one metric of one document."""

UNATTRIBUTED_RUN = "-"
"""Value of the dimension Run for rollouts that name no run; no run id looks like it."""

_UNITS = {MetricName.GRADE_MILLISECONDS: "Milliseconds"} | dict.fromkeys(
    (
        MetricName.GRADED,
        MetricName.WRONG,
        MetricName.INVALID,
        MetricName.UNATTRIBUTED,
        MetricName.UNANSWERED,
        MetricName.REGRADED,
        MetricName.COMPLETION_CHARACTERS,
    ),
    "Count",
)


def documents(
    graded: Sequence[Graded],
    *,
    reward: str,
    environment: str,
    alias_run: str | None,
    milliseconds: float,
    timestamp: int,
    digest: str = "",
    regraded: bool = False,
) -> Iterator[JsonObject]:
    """Yield the documents of one event, each for one run and at most 100 rollouts.

    `Graded` counts valid grades and `Invalid` the others, of training and validation; `Wrong` counts valid grades of 0.
    `TrainingReward`, `Success` (1 for a perfect grade, else 0) and `CompletionCharacters` hold one value a valid
    training rollout, `ValidationReward` one a valid validation rollout. What an invalid rollout was filled with is in
    none of them; how many were filled with what stands beside them, under `Fills`. So do `GroupSizes` (size -> groups)
    and `JudgeNoise` (see `rft_runtime.event_groups`).

    The service repeats a failed call. So an event that is answered by an error counts as `Unanswered` alone, and one
    that was answered before as `Regraded` alone: every rollout counts once.

    Args:
        graded: The event's graded samples.
        reward: Name of the reward.
        environment: Name of the environment.
        alias_run: Run id in the alias that was called, for rollouts without a mark; None when there is none.
        milliseconds: Time that grading took.
        timestamp: Milliseconds since the epoch.
        digest: Names the event, for whoever looks for repetitions in the log.
        regraded: Whether this event was graded and answered before.
    """
    unanswered = must_be_retried(graded)
    by_run: dict[str | None, list[Graded]] = {}
    for item in graded:
        mark = item.item.mark
        if mark is None or mark.phase is None:
            by_run.setdefault(mark.run if mark is not None else alias_run, []).append(item)
    time: float | None = milliseconds
    for run, items in by_run.items():
        dimensions: JsonObject = {
            Dimension.ENVIRONMENT: environment,
            Dimension.REWARD: reward,
            Dimension.RUN: run or UNATTRIBUTED_RUN,
        }
        for start in range(0, len(items), MOST_VALUES):
            chunk = items[start : start + MOST_VALUES]
            if unanswered or regraded:
                metrics: dict[str, JsonValue] = {
                    MetricName.UNANSWERED if unanswered else MetricName.REGRADED: len(chunk)
                }
            else:
                metrics = _metrics(chunk)
                if run is None:
                    metrics[MetricName.UNATTRIBUTED] = len(chunk)
            if time is not None:
                metrics[MetricName.GRADE_MILLISECONDS] = time
                time = None
            beside = _properties(chunk, digest) | (_of_groups(items) if start == 0 else {})
            yield _document(dimensions, metrics, beside, timestamp)


def _metrics(items: Sequence[Graded]) -> dict[str, JsonValue]:
    """Return the metrics of up to 100 rollouts of one run."""
    valid = [item for item in items if item.value is not None]
    training = [item for item in valid if item.item.mark is None or item.item.mark.split == "train"]
    validation = [item for item in valid if item.item.mark is not None and item.item.mark.split == "validation"]
    metrics: dict[str, JsonValue] = {
        MetricName.GRADED: len(valid),
        MetricName.WRONG: sum(item.value == 0 for item in valid),
        MetricName.INVALID: len(items) - len(valid),
    }
    if training:
        metrics[MetricName.REWARD] = [item.reward for item in training]
        metrics[MetricName.SUCCESS] = [float(item.value == 1) for item in training]
        metrics[MetricName.COMPLETION_CHARACTERS] = [len(item.item.sample.turn) for item in training]
    if validation:
        metrics[MetricName.VALIDATION_REWARD] = [item.reward for item in validation]
    return metrics


def _properties(items: Sequence[Graded], digest: str) -> JsonObject:
    """Return what stands beside the metrics and is none: why rollouts are invalid, and what they were paid."""
    counted: dict[str, JsonObject] = {
        "InvalidReasons": dict(Counter(item.reason for item in items if item.reason is not None)),
        "Fills": dict(Counter(item.filled for item in items if item.filled is not None)),
    }
    beside: JsonObject = {name: counts for name, counts in counted.items() if counts}
    return beside | ({"Event": digest} if digest else {})


def _of_groups(items: Sequence[Graded]) -> JsonObject:
    """Return what the groups of a run's rollouts show; it stands in the first of their documents."""
    groups = groups_of(items)
    noise = judge_noise(groups)
    sizes: JsonObject = {"GroupSizes": dict(group_sizes(groups))} if groups else {}
    return sizes | ({} if noise is None else {"JudgeNoise": noise})


def _document(
    dimensions: JsonObject, metrics: dict[str, JsonValue], properties: JsonObject, timestamp: int
) -> JsonObject:
    """Return one EMF document."""
    directive: JsonObject = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(names) for names in DIMENSION_SETS],
        "Metrics": [{"Name": name, "Unit": _UNITS.get(MetricName(name), "None")} for name in metrics],
    }
    root: JsonObject = {"_aws": {"Timestamp": timestamp, "CloudWatchMetrics": [directive]}}
    return root | dimensions | metrics | properties

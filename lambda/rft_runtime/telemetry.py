"""Reward curves: the CloudWatch embedded metric format (EMF) documents of one event.

The service publishes no reward curves for Nova models, but every rollout passes through the reward function. Documents
hold numbers, names and reason codes, never text of a prompt or a completion. Rollouts that the platform itself sent
(`rft.phase`) emit nothing. Standard library only.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.metrics import DIMENSION_SETS, NAMESPACE, Dimension, MetricName
from rft_runtime.grading import Graded

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
) -> Iterator[JsonObject]:
    """Yield the documents of one event, each for one run and at most 100 rollouts.

    `Graded` counts valid grades and `Invalid` the others, of training and validation; `Wrong` counts valid grades of 0.
    `TrainingReward`, `Success` (1 for a perfect grade, else 0) and `CompletionCharacters` hold one value a valid
    training rollout, `ValidationReward` one a valid validation rollout. What an invalid rollout was filled with is in
    none of them.

    Args:
        graded: The event's graded samples.
        reward: Name of the reward.
        environment: Name of the environment.
        alias_run: Run id in the alias that was called, for rollouts without a mark; None when there is none.
        milliseconds: Time that grading took.
        timestamp: Milliseconds since the epoch.
    """
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
            metrics = _metrics(chunk)
            if run is None:
                metrics[MetricName.UNATTRIBUTED] = len(chunk)
            if time is not None:
                metrics[MetricName.GRADE_MILLISECONDS] = time
                time = None
            reasons: JsonObject = dict(Counter(item.reason for item in chunk if item.reason is not None))
            yield _document(dimensions, metrics, reasons, timestamp)


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


def _document(dimensions: JsonObject, metrics: dict[str, JsonValue], reasons: JsonObject, timestamp: int) -> JsonObject:
    """Return one EMF document."""
    directive: JsonObject = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(names) for names in DIMENSION_SETS],
        "Metrics": [{"Name": name, "Unit": _UNITS.get(MetricName(name), "None")} for name in metrics],
    }
    root: JsonObject = {"_aws": {"Timestamp": timestamp, "CloudWatchMetrics": [directive]}}
    return root | dimensions | metrics | ({"InvalidReasons": reasons} if reasons else {})

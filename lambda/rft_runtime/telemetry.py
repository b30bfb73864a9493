"""Reward curves: the CloudWatch embedded metric format (EMF) documents of one event.

The service publishes no reward curves for Nova models, but every rollout passes through the reward function. Documents
hold numbers, names and reason codes, never text of a prompt or a completion. Rollouts that the platform itself sent
(`rft.phase`) are on no curve; what grading them costs is told for them too. Standard library only.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.metrics import DIMENSION_SETS, NAMESPACE, Dimension, MetricName
from rft_runtime.event_groups import group_sizes, groups_of, judge_noise
from rft_runtime.grading import Graded, must_be_retried
from rft_runtime.judge_usage import JudgeUsage

MOST_VALUES = 100
"""Values that EMF allows for one metric of one document."""

UNATTRIBUTED_RUN = "-"
"""Value of the dimension Run for rollouts that name no run; no run id looks like it."""

_UNITS = dict.fromkeys(
    (MetricName.GRADE_MILLISECONDS, MetricName.ROLLOUT_MILLISECONDS), "Milliseconds"
) | dict.fromkeys(
    (
        MetricName.GRADED,
        MetricName.WRONG,
        MetricName.INVALID,
        MetricName.UNATTRIBUTED,
        MetricName.UNANSWERED,
        MetricName.REGRADED,
        MetricName.COMPLETION_CHARACTERS,
        MetricName.PROMPT_CHARACTERS,
        MetricName.JUDGE_CALLS,
        MetricName.JUDGE_TOKENS_IN,
        MetricName.JUDGE_TOKENS_OUT,
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
    asked: JudgeUsage | None = None,
) -> Iterator[JsonObject]:
    """Yield the documents of one event, each for one run and at most 100 rollouts.

    `Graded` counts valid grades and `Invalid` the others, of training and validation, and `PromptCharacters` the
    characters of their prompts; `Wrong` counts valid grades of 0.
    `TrainingReward`, `Success` (1 for a perfect grade, else 0) and `CompletionCharacters` hold one value a valid
    training rollout, `ValidationReward` one a valid validation rollout. What an invalid rollout was filled with is in
    none of them; how many were filled with what stands beside them, under `Fills`. So do `GroupSizes` (size -> groups)
    and `JudgeNoise` (see `rft_runtime.event_groups`).

    The service repeats a failed call. So an event that is answered by an error counts as `Unanswered` alone, and one
    that was answered before as `Regraded` alone: every rollout counts once.

    What grading the event cost stands in its first document, whoever sent it and however often: `RolloutMilliseconds`,
    the time of a rollout in the mean, and `JudgeCalls`, `JudgeTokensIn` and `JudgeTokensOut`, where judges were asked.
    An event of the platform's own rollouts has one document, with these alone.

    Args:
        graded: The event's graded samples.
        reward: Name of the reward.
        environment: Name of the environment.
        alias_run: Run id in the alias that was called, for rollouts without a mark; None when there is none.
        milliseconds: Time that grading took.
        timestamp: Milliseconds since the epoch.
        digest: Names the event, for whoever looks for repetitions in the log.
        regraded: Whether this event was graded and answered before.
        asked: What judges were asked for this event. None: nothing.
    """
    unanswered = must_be_retried(graded)
    by_run: dict[str | None, list[Graded]] = {}
    for item in graded:
        mark = item.item.mark
        if mark is None or mark.phase is None:
            by_run.setdefault(mark.run if mark is not None else alias_run, []).append(item)
    cost = _cost(graded, milliseconds, asked or JudgeUsage())

    def dimensions_of(run: str | None) -> JsonObject:
        return {
            Dimension.ENVIRONMENT: environment,
            Dimension.REWARD: reward,
            Dimension.RUN: run or UNATTRIBUTED_RUN,
        }

    if graded and not by_run:
        run = next((item.item.mark.run for item in graded if item.item.mark is not None), alias_run)
        yield _document(dimensions_of(run), cost, {}, timestamp)
        return
    cost[MetricName.GRADE_MILLISECONDS] = milliseconds
    for run, items in by_run.items():
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
            metrics |= cost
            cost = {}
            beside = _properties(chunk, digest) | (_of_groups(items) if start == 0 else {})
            yield _document(dimensions_of(run), metrics, beside, timestamp)


def _characters(turns: Sequence[JsonValue]) -> int:
    """Return how many characters the turns of a prompt have, as a text or as a list of parts with a `text`."""
    found = 0
    for turn in turns:
        content = turn.get("content") if isinstance(turn, dict) else None
        parts = content if isinstance(content, list) else [{"text": content}]
        texts = [part.get("text") for part in parts if isinstance(part, dict)]
        found += sum(len(text) for text in texts if isinstance(text, str))
    return found


def _cost(graded: Sequence[Graded], milliseconds: float, asked: JudgeUsage) -> dict[str, JsonValue]:
    """Return the metrics of what grading an event cost."""
    metrics: dict[str, JsonValue] = {MetricName.ROLLOUT_MILLISECONDS: milliseconds / max(1, len(graded))}
    if asked.requests:
        metrics |= {
            MetricName.JUDGE_CALLS: asked.requests,
            MetricName.JUDGE_TOKENS_IN: asked.tokens_in,
            MetricName.JUDGE_TOKENS_OUT: asked.tokens_out,
        }
    return metrics


def _metrics(items: Sequence[Graded]) -> dict[str, JsonValue]:
    """Return the metrics of up to 100 rollouts of one run."""
    valid = [item for item in items if item.value is not None]
    training = [item for item in valid if item.item.mark is None or item.item.mark.split == "train"]
    validation = [item for item in valid if item.item.mark is not None and item.item.mark.split == "validation"]
    metrics: dict[str, JsonValue] = {
        MetricName.GRADED: len(valid),
        MetricName.WRONG: sum(item.value == 0 for item in valid),
        MetricName.INVALID: len(items) - len(valid),
        MetricName.PROMPT_CHARACTERS: sum(_characters(item.item.sample.prompt) for item in items),
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

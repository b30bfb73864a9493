"""The metrics that a run's rollouts left in CloudWatch, under the dimension Run."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rft_contract.metrics import NAMESPACE, Dimension, MetricName
from rft_runtime.detectors import GradedRollouts
from rft_runtime.planning.spending import RunTotals

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

_MINUTE = 60
_HOUR = 3600
_COUNTED = {"valid": MetricName.GRADED, "invalid": MetricName.INVALID}
_TOTALS = {
    "training": (MetricName.COMPLETION_CHARACTERS, "SampleCount"),
    "validation": (MetricName.VALIDATION_REWARD, "SampleCount"),
    "invalid": (MetricName.INVALID, "Sum"),
    "unanswered": (MetricName.UNANSWERED, "Sum"),
    "prompt_characters": (MetricName.PROMPT_CHARACTERS, "Sum"),
    "completion_characters": (MetricName.COMPLETION_CHARACTERS, "Sum"),
    "grade_milliseconds": (MetricName.GRADE_MILLISECONDS, "Sum"),
    "judge_calls": (MetricName.JUDGE_CALLS, "Sum"),
    "judge_tokens_in": (MetricName.JUDGE_TOKENS_IN, "Sum"),
    "judge_tokens_out": (MetricName.JUDGE_TOKENS_OUT, "Sum"),
}
"""Field of `RunTotals` -> metric and statistic; `TrainingReward` and `CompletionCharacters` have a value a rollout."""


def graded_rollouts(
    cloudwatch: "CloudWatchClient", run_id: str, start: datetime, end: datetime
) -> list[GradedRollouts]:
    """Return what the reward function counted, minute by minute, oldest first; minutes without rollouts are left out.

    Sums only, no metric math. CloudWatch keeps minutes for 15 days (user guide, "Metrics retention"), longer than a job
    may last.

    Args:
        cloudwatch: The client.
        run_id: The run.
        start: From when, UTC.
        end: Until when, UTC.
    """
    queries = [_query(run_id, name, metric, "Sum", _MINUTE) for name, metric in _COUNTED.items()]
    counts: dict[datetime, dict[str, float]] = defaultdict(lambda: dict.fromkeys(_COUNTED, 0.0))
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=start, EndTime=end + timedelta(seconds=_MINUTE)
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            for moment, value in zip(result.get("Timestamps", []), result.get("Values", []), strict=True):
                counts[moment][result.get("Id", "")] += value
    return [GradedRollouts(**counts[moment]) for moment in sorted(counts)]


def run_totals(cloudwatch: "CloudWatchClient", run_id: str, start: datetime, end: datetime) -> RunTotals:
    """Return what the reward function counted for a run in all.

    Args:
        cloudwatch: The client.
        run_id: The run.
        start: From when, UTC.
        end: Until when, UTC.
    """
    queries = [_query(run_id, name, metric, stat, _HOUR) for name, (metric, stat) in _TOTALS.items()]
    totals = dict.fromkeys(_TOTALS, 0.0)
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=start, EndTime=end + timedelta(seconds=_MINUTE)
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            totals[result.get("Id", "")] += sum(result.get("Values", []))
    milliseconds = totals.pop("grade_milliseconds")
    return RunTotals(**totals, grade_seconds=milliseconds / 1000)


def _query(run_id: str, name: str, metric: MetricName, stat: str, period: int) -> "MetricDataQueryTypeDef":
    """Return the query of one statistic of one of the run's metrics."""
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": NAMESPACE,
                "MetricName": metric,
                "Dimensions": [{"Name": Dimension.RUN, "Value": run_id}],
            },
            "Period": period,
            "Stat": stat,
        },
    }

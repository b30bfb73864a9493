"""The metrics that a job's own rollouts left in CloudWatch, under the dimension Run."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rft_contract.metrics import NAMESPACE, Dimension, MetricName
from rft_runtime.detectors import GradedRollouts

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

_MINUTE = 60
_COUNTED = {"valid": MetricName.GRADED, "invalid": MetricName.INVALID}


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
    queries: list[MetricDataQueryTypeDef] = [
        {
            "Id": name,
            "MetricStat": {
                "Metric": {
                    "Namespace": NAMESPACE,
                    "MetricName": metric,
                    "Dimensions": [{"Name": Dimension.RUN, "Value": run_id}],
                },
                "Period": _MINUTE,
                "Stat": "Sum",
            },
        }
        for name, metric in _COUNTED.items()
    ]
    counts: dict[datetime, dict[str, float]] = defaultdict(lambda: dict.fromkeys(_COUNTED, 0.0))
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=start, EndTime=end + timedelta(seconds=_MINUTE)
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            for moment, value in zip(result.get("Timestamps", []), result.get("Values", []), strict=True):
                counts[moment][result.get("Id", "")] += value
    return [GradedRollouts(**counts[moment]) for moment in sorted(counts)]

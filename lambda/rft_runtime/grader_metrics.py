"""How long a deployed reward function took for a rollout, as its own metric says."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from rft_contract.metrics import NAMESPACE, Dimension, MetricName
from rft_contract.reward_facts import RewardFacts
from rft_runtime.planning.grader_time import GraderTime, assumed_time
from rft_runtime.planning.quantity import Quantity

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

DAYS = 14
"""How far back is looked: CloudWatch keeps minutes, which percentiles need, for 15 days."""

FEWEST_EVENTS = 20
"""Events below which percentiles say nothing yet."""

_DAY = 86_400
_STATISTICS = {"fast": "p10", "slow": "p99", "events": "SampleCount"}


def grader_time(
    cloudwatch: "CloudWatchClient", *, environment: str, reward: str, facts: RewardFacts, now: datetime
) -> GraderTime:
    """Return how long grading a rollout takes: measured where enough events were graded lately, else assumed.

    The range goes from the least of the days' 10th percentiles to the greatest of their 99th, over the calls of jobs,
    certificates, probes and evaluations.

    Args:
        cloudwatch: The client; where it may not read metrics, the assumption stands.
        environment: The environment's name.
        reward: The reward's name.
        facts: What is known of it.
        now: When, UTC.
    """
    try:
        return _measured(cloudwatch, environment, reward, now) or assumed_time(facts)
    except (ClientError, BotoCoreError):
        return assumed_time(facts)


def _measured(cloudwatch: "CloudWatchClient", environment: str, reward: str, now: datetime) -> GraderTime | None:
    queries: list[MetricDataQueryTypeDef] = [
        {
            "Id": name,
            "MetricStat": {
                "Metric": {
                    "Namespace": NAMESPACE,
                    "MetricName": MetricName.ROLLOUT_MILLISECONDS,
                    "Dimensions": [
                        {"Name": Dimension.ENVIRONMENT, "Value": environment},
                        {"Name": Dimension.REWARD, "Value": reward},
                    ],
                },
                "Period": _DAY,
                "Stat": statistic,
            },
        }
        for name, statistic in _STATISTICS.items()
    ]
    found: dict[str, list[float]] = {name: [] for name in _STATISTICS}
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=now - timedelta(days=DAYS), EndTime=now
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            found[result.get("Id", "")] += result.get("Values", [])
    events = sum(found["events"])
    if events < FEWEST_EVENTS or not found["fast"] or not found["slow"]:
        return None
    seconds = Quantity(min(found["fast"]) / 1000, max(found["slow"]) / 1000)
    return GraderTime(seconds, f"as measured on {events:,.0f} of its events in the last {DAYS} days (p10 to p99)")

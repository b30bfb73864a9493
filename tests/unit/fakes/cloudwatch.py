"""Amazon CloudWatch in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from tests.unit.fakes.service_models import check_request


@dataclass
class FakeCloudWatch:
    """What the reward function counted: the run's valid and invalid rollouts by minute, and totals by query."""

    minutes: dict[datetime, tuple[float, float]] = field(default_factory=dict)
    totals: dict[str, float] = field(default_factory=dict)
    error: ClientError | None = None
    alarms: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put_metric_alarm(self, **request: Any) -> None:
        check_request("cloudwatch", "PutMetricAlarm", request)
        self.alarms[request["AlarmName"]] = request

    def get_paginator(self, operation: str) -> "FakeCloudWatch":
        assert operation == "get_metric_data"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        check_request("cloudwatch", "GetMetricData", request)
        if self.error is not None:
            raise self.error
        yield {
            "MetricDataResults": [
                {"Id": query["Id"], "Timestamps": [request["StartTime"]], "Values": [self.totals[query["Id"]]]}
                for query in request["MetricDataQueries"]
                if query["Id"] in self.totals
            ]
        }
        for moment, (valid, invalid) in sorted(self.minutes.items(), reverse=True):
            if request["StartTime"] <= moment <= request["EndTime"]:
                yield {
                    "MetricDataResults": [
                        {"Id": query["Id"], "Timestamps": [moment], "Values": [count]}
                        for query in request["MetricDataQueries"]
                        for name, count in (("valid", valid), ("invalid", invalid))
                        if query["Id"] == name
                    ]
                }

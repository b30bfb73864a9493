"""What a dashboard's widgets show, asked of CloudWatch."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rft_cli.report.dashboard_body import MetricRow, Widget

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef

_SEARCH = re.compile(r"(SEARCH\(\s*'[^']*'\s*,\s*'[^']*')\s*\)")
"""A search with two arguments; the third is its period (CloudWatch user guide, "Search expression syntax")."""


@dataclass(frozen=True)
class Series:
    """One line of a widget.

    Args:
        label: Its name.
        moments: When.
        values: How much.
        right: Whether it belongs to the right axis.
    """

    label: str
    moments: tuple[datetime, ...]
    values: tuple[float, ...]
    right: bool = False


def widget_series(
    cloudwatch: "CloudWatchClient", widget: Widget, start: datetime, end: datetime, period: int | None = None
) -> tuple[Series, ...]:
    """Return a widget's lines; a search can bring several.

    Args:
        cloudwatch: CloudWatch client.
        widget: A metric widget.
        start: Beginning of the time range.
        end: Its end.
        period: Seconds instead of the widget's own period, for runs too short for it.
    """
    if not widget.metrics:
        return ()
    rows = {row.identifier: row for row in widget.metrics}
    paginator = cloudwatch.get_paginator("get_metric_data")
    pages = paginator.paginate(
        MetricDataQueries=[_query(row, period) for row in widget.metrics],
        StartTime=start,
        EndTime=end,
        ScanBy="TimestampAscending",
    )
    found: dict[tuple[str, str], tuple[list[datetime], list[float]]] = {}
    for page in pages:
        for result in page["MetricDataResults"]:
            moments, values = found.setdefault((result["Id"], result.get("Label", "")), ([], []))
            moments.extend(result["Timestamps"])
            values.extend(result["Values"])
    return tuple(
        Series(label or rows[identifier].name, tuple(moments), tuple(values), rows[identifier].right)
        for (identifier, label), (moments, values) in found.items()
        if identifier in rows and rows[identifier].visible
    )


def with_period(expression: str, period: int) -> str:
    """Give every search without a period the widget's, as the console does.

    Args:
        expression: Metric math.
        period: Seconds.
    """
    return _SEARCH.sub(rf"\1, {period})", expression)


def _query(row: MetricRow, period: int | None) -> "MetricDataQueryTypeDef":
    query: MetricDataQueryTypeDef = {"Id": row.identifier, "ReturnData": row.visible}
    if row.label:
        query["Label"] = row.label
    if row.expression:
        query["Expression"] = with_period(row.expression, period or row.period)
        query["Period"] = period or row.period
        return query
    query["MetricStat"] = {
        "Metric": {
            "Namespace": row.namespace,
            "MetricName": row.name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in row.dimensions],
        },
        "Period": period or row.period,
        "Stat": row.stat,
    }
    return query

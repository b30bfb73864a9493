"""CloudWatch patch: GetMetricData with expressions."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace as changed
from typing import Any

from rft_local.emulator.metric_math import MetricMathError, Series, Value, evaluate
from rft_local.emulator.metric_search import Metric, SearchError, matcher
from rft_local.emulator.point_index import PointIndex
from rft_local.emulator.upstream import replace, require

SERVICE = "services.cloudwatch"
DEFAULT_PERIOD = 300

_indexes: dict[tuple[str, str, str], PointIndex] = {}


def answer_metric_queries() -> None:
    """Answers GetMetricData with exact dimensions, SEARCH and metric math.

    Gap: ministack answers expressions with an internal error, mixes all dimensions of a metric when none are given,
    and returns the oldest datapoint first.
    AWS: "GetMetricData" (API Reference): newest datapoint first unless ScanBy says otherwise, the start rounded down
    to a period, one result for each series a SEARCH finds; "Using math expressions with CloudWatch metrics".
    The form-encoded protocol of old clients is left to ministack.
    """
    original = require(SERVICE, "_get_metric_data")

    def answer(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        if not (is_cbor or is_json):
            return original(params, data, is_cbor, is_json)
        try:
            results = [_wire(result, is_cbor) for result in MetricQuery.of(data).results()]
        except (MetricMathError, SearchError) as error:
            return require(SERVICE, "_error")("ValidationError", str(error), 400, is_json, is_cbor)
        body = {"MetricDataResults": results}
        return require(SERVICE, "_cbor_ok" if is_cbor else "_json_ok")(body)

    replace(SERVICE, "_get_metric_data", answer)


def keep_every_datapoint() -> None:
    """Never drops datapoints.

    Gap: at each CloudWatch call ministack copies the points of every metric to leave out those older than two weeks,
    which loses points recorded in another thread meanwhile and takes longer with every point.
    AWS: datapoints are kept for up to 15 months ("Amazon CloudWatch concepts", "Metrics retention").
    """
    replace(SERVICE, "_evict_old_metrics", lambda: None)


def _wire(result: Mapping[str, Any], is_cbor: bool) -> Any:
    """One result in the form of its protocol."""
    iso = require(SERVICE, "_ts_iso")
    plain = {**result, "Timestamps": [iso(start) for start in result["Timestamps"]]}
    return require(SERVICE, "_cbor_metric_data_result")(plain) if is_cbor else plain


class MetricQuery:
    """A set of queries over one time range; the source of series for their expressions.

    Args:
        queries: `MetricDataQueries` of the request, or `Metrics` of an alarm.
        start: Seconds since the epoch, inclusive.
        end: Seconds since the epoch, exclusive.
        descending: Whether the newest datapoint comes first.
        aligned: Whether periods start on the clock, as in GetMetricData, or at `start`, as for alarms here.
    """

    def __init__(
        self, queries: list[Any], start: float, end: float, descending: bool = True, aligned: bool = True
    ) -> None:
        self._queries = {str(query["Id"]): query for query in queries}
        self._start = start
        self._end = end
        self._descending = descending
        self._aligned = aligned
        self._values: dict[str, Value] = {}
        self._open: set[str] = set()

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> MetricQuery:
        """The queries of a GetMetricData request."""
        parse = require(SERVICE, "_parse_ts")
        start = parse(request.get("StartTime")) or 0.0
        end = parse(request.get("EndTime")) or time.time()
        newest_first = request.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        return cls(request.get("MetricDataQueries", []), start, end, newest_first)

    def results(self) -> list[dict[str, Any]]:
        """The results of all queries that return data."""
        return [
            result
            for identifier, query in self._queries.items()
            if query.get("ReturnData", True) is not False
            for result in self._result(identifier, query)
        ]

    def _result(self, identifier: str, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The results of one query: one for each series."""
        value = self.value(identifier)
        if isinstance(value, float):
            period = int(query.get("Period") or DEFAULT_PERIOD)
            value = Series(identifier, dict.fromkeys(self.periods(period), value), period)
        series = (value,) if isinstance(value, Series) else value
        results = []
        for one in series:
            starts = sorted(start for start, point in one.points.items() if not math.isnan(point))
            starts = starts[::-1] if self._descending else starts
            label = _label(str(query.get("Label") or ""), one, identifier)
            results.append(
                {
                    "Id": identifier,
                    "Label": label,
                    "Timestamps": starts,
                    "Values": [one.points[start] for start in starts],
                    "StatusCode": "Complete",
                }
            )
        return results

    def value(self, identifier: str) -> Value:
        """The value of one query, evaluated once.

        Raises:
            MetricMathError: For an unknown id or a circle of expressions.
        """
        if identifier not in self._values:
            query = self._queries.get(identifier)
            if query is None or identifier in self._open:
                raise MetricMathError(f"{identifier!r} names no other query")
            self._open.add(identifier)
            if query.get("Expression"):
                self._values[identifier] = evaluate(str(query["Expression"]), self)
            else:
                self._values[identifier] = self._metric(query.get("MetricStat") or {})
            self._open.discard(identifier)
        return self._values[identifier]

    def metrics(self, text: str) -> tuple[Series, ...]:
        """The series of the plain metrics among the queries."""
        chosen = [
            self.value(identifier)
            for identifier, query in self._queries.items()
            if not query.get("Expression") and text in f"{identifier} {query.get('Label', '')}"
        ]
        return tuple(value for value in chosen if isinstance(value, Series))

    def search(self, expression: str, statistic: str, period: int) -> tuple[Series, ...]:
        """The series of all metrics a SEARCH matches, in the order of their names."""
        matches = matcher(expression)
        found = []
        for (namespace, name, _), points in _all_metrics():
            if points:
                metric = Metric(namespace, name, points[0]["Dimensions"])
                if matches(metric):
                    found.append(self._series(metric, statistic, period))
        return tuple(sorted((series for series in found if series.points), key=lambda series: series.label))

    def periods(self, length: int) -> range:
        """The starts of all periods of the range."""
        return range(int(self._bucket(self._start, length)), int(self._end) + (self._end % 1 > 0), length)

    def _bucket(self, moment: float, length: int) -> int:
        """The start of the period a moment falls into."""
        if self._aligned:
            return int(moment // length) * length
        return int(self._start) + int((moment - self._start) // length) * length

    def _metric(self, stat: Mapping[str, Any]) -> Series:
        """The series of a MetricStat."""
        wanted = stat.get("Metric") or {}
        dimensions = {item["Name"]: item["Value"] for item in wanted.get("Dimensions") or []}
        metric = Metric(str(wanted.get("Namespace")), str(wanted.get("MetricName")), dimensions)
        period = int(stat.get("Period") or 60)
        return changed(self._series(metric, str(stat.get("Stat", "Average")), period), label=metric.name)

    def _series(self, metric: Metric, statistic: str, period: int) -> Series:
        """One statistic of one metric over the range."""
        key = (metric.namespace, metric.name, require(SERVICE, "_dims_key")(dict(metric.dimensions)))
        first = self._bucket(self._start, period)
        buckets: dict[int, list[Any]] = {}
        points = require(SERVICE, "_metrics").get(key)
        index = _indexes.setdefault(key, PointIndex())
        for point in index.between(points, first, self._end) if points else ():
            buckets.setdefault(self._bucket(point["Timestamp"], period), []).append(point)
        compute, value_of = require(SERVICE, "_calc_stats"), require(SERVICE, "_stat_value")
        values = {start: value_of(compute(found), statistic, found) for start, found in buckets.items()}
        known = {start: float(value) for start, value in values.items() if value is not None}
        return Series(" ".join([metric.name, *metric.dimensions.values()]), known, period)


def _all_metrics() -> list[tuple[tuple[str, str, str], Any]]:
    """All metrics with their points, at one moment; functions record new ones in other threads."""
    while True:
        try:
            return list(require(SERVICE, "_metrics").items())
        except RuntimeError:  # the dictionary grew while it was read
            continue


def _label(template: str, series: Series, identifier: str) -> str:
    """The label of a result; dynamic parts other than `${LABEL}` and metric properties stay as they are."""
    if not template:
        return series.label or identifier
    return template.replace("${LABEL}", series.label)


def alarm_series(alarm: Mapping[str, Any], start: float, end: float, period: int) -> float | None:
    """One datapoint of the metric or expression an alarm watches.

    Args:
        alarm: The alarm's configuration.
        start: Start of the period, in seconds since the epoch.
        end: Its end.
        period: Its length in seconds.

    Returns:
        The value, or None when there is no data.
    """
    queries = [dict(query) for query in alarm.get("Metrics") or []]
    if not queries:
        metric = {name: alarm.get(name) for name in ("Namespace", "MetricName", "Dimensions")}
        statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
        queries = [{"Id": "m", "MetricStat": {"Metric": metric, "Stat": statistic, "Period": period}}]
    watched = next(query["Id"] for query in queries if query.get("ReturnData", True) is not False)
    value = MetricQuery(queries, start, end, aligned=False).value(watched)
    if isinstance(value, float):
        return value
    points = value.points if isinstance(value, Series) else {}
    return next(iter(points.values()), None)

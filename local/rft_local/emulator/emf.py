"""Reads CloudWatch's embedded metric format (EMF) from log lines.

Source: CloudWatch User Guide, "Specification: Embedded metric format": at most 100 metrics in a directive, at most 100
values in an array, at most 30 dimensions in a set, dimension values are strings, timestamps are in milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MAX_METRICS = 100
MAX_VALUES = 100
MAX_DIMENSIONS = 30


@dataclass(frozen=True)
class Datum:
    """The values of one metric under one dimension set.

    Attributes:
        namespace: CloudWatch namespace.
        name: Metric name.
        dimensions: Dimension names and values, in no order.
        unit: CloudWatch unit, `None` when the document names none.
        timestamp: Seconds since the epoch.
        values: The values, in document order.
        counts: How often each value occurred, as long as `values`.
    """

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    unit: str
    timestamp: float
    values: tuple[float, ...]
    counts: tuple[float, ...]


def parse(line: str) -> tuple[Datum, ...]:
    """Extracts the metrics of one log line.

    Args:
        line: One log event.

    Returns:
        One datum per metric and dimension set; empty for a line that is no EMF document. As in CloudWatch, a metric
        whose value is missing, not a number or too long is left out, and so is a dimension set with an absent member.
    """
    if '"_aws"' not in line:
        return ()
    try:
        document = json.loads(line)
    except ValueError:
        return ()
    metadata = document.get("_aws") if isinstance(document, dict) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("Timestamp"), int | float):
        return ()
    directives = metadata.get("CloudWatchMetrics")
    if not isinstance(directives, list):
        return ()
    seconds = float(metadata["Timestamp"]) / 1000
    return tuple(
        datum
        for directive in directives
        if isinstance(directive, dict)
        for datum in _data(document, directive, seconds)
    )


def _data(document: Mapping[str, object], directive: Mapping[str, object], timestamp: float) -> Iterator[Datum]:
    """The data of one metric directive."""
    namespace, metrics = directive.get("Namespace"), directive.get("Metrics")
    if not isinstance(namespace, str) or not isinstance(metrics, list) or len(metrics) > MAX_METRICS:
        return
    sets = [chosen for names in _sets(directive) if (chosen := _dimensions(document, names)) is not None]
    for metric in metrics:
        name = metric.get("Name") if isinstance(metric, dict) else None
        series = _series(document.get(name)) if isinstance(name, str) else None
        if isinstance(name, str) and series is not None:
            values, counts = series
            for dimensions in sets:
                yield Datum(namespace, name, dimensions, str(metric.get("Unit", "None")), timestamp, values, counts)


def _sets(directive: Mapping[str, object]) -> list[list[str]]:
    """The dimension sets of a directive; without any, the metric has no dimensions."""
    sets = directive.get("Dimensions")
    if not isinstance(sets, list) or not sets:
        return [[]]
    return [names for names in sets if isinstance(names, list) and len(names) <= MAX_DIMENSIONS]


def _dimensions(document: Mapping[str, object], names: list[str]) -> dict[str, str] | None:
    """The values of one dimension set, or None when the document lacks one of them."""
    chosen = {name: document.get(name) for name in names}
    if any(not isinstance(value, str) for value in chosen.values()):
        return None
    return {name: str(value) for name, value in chosen.items()}


def _series(target: object) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Values and counts of a metric's target: a number, an array of numbers, or `Values` with `Counts`."""
    if isinstance(target, dict):
        values = _numbers(target.get("Values"))
        counts = _numbers(target.get("Counts")) if "Counts" in target else None
        if values is None or (counts is not None and len(counts) != len(values)):
            return None
        return values, counts if counts is not None else (1.0,) * len(values)
    numbers = _numbers(target if isinstance(target, list) else [target])
    return None if numbers is None else (numbers, (1.0,) * len(numbers))


def _numbers(values: object) -> tuple[float, ...] | None:
    """A short non-empty list of numbers, else None."""
    if not isinstance(values, list) or not 0 < len(values) <= MAX_VALUES:
        return None
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        return None
    return tuple(float(value) for value in values)

"""A CloudWatch dashboard's body, read into widgets.

Format: CloudWatch API reference, "Dashboard body structure and syntax".
"""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class MetricRow:
    """One entry of a widget's `metrics`.

    Args:
        identifier: Its id within the widget.
        namespace: Namespace; empty for an expression.
        name: Metric name; empty for an expression.
        dimensions: (name, value) pairs.
        expression: Metric math or SEARCH; empty for a metric.
        label: What to call it; empty: the service's choice.
        stat: Statistic.
        period: Seconds.
        visible: Whether it is drawn.
        right: Whether it belongs to the right axis.
    """

    identifier: str
    namespace: str = ""
    name: str = ""
    dimensions: tuple[tuple[str, str], ...] = ()
    expression: str = ""
    label: str = ""
    stat: str = "Average"
    period: int = 300
    visible: bool = True
    right: bool = False


@dataclass(frozen=True, kw_only=True)
class Widget:
    """One tile of the dashboard's grid of 24 columns.

    Args:
        kind: `metric`, `text`, `alarm` or another.
        x: Column, from 0.
        y: Row, from 0.
        width: Columns.
        height: Rows.
        title: Heading.
        view: `timeSeries`, `singleValue`, `bar`, ...
        metrics: What a metric widget shows.
        limits: Lower and upper end of the left axis; None: as the data demand.
        horizontal_lines: (value, label) of the annotations.
        markdown: What a text widget says.
        alarms: ARNs that an alarm widget lists.
    """

    kind: str
    x: int
    y: int
    width: int
    height: int
    title: str = ""
    view: str = "timeSeries"
    metrics: tuple[MetricRow, ...] = ()
    limits: tuple[float | None, float | None] = (None, None)
    horizontal_lines: tuple[tuple[float, str], ...] = field(default=())
    markdown: str = ""
    alarms: tuple[str, ...] = ()


def parse_dashboard(body: str) -> tuple[Widget, ...]:
    """Read a dashboard body.

    Args:
        body: JSON, as GetDashboard returns it.

    Returns:
        The widgets from top to bottom, left to right.
    """
    widgets = [_widget(item) for item in json.loads(body).get("widgets", [])]
    return tuple(sorted(widgets, key=lambda widget: (widget.y, widget.x)))


def _widget(item: dict[str, Any]) -> Widget:
    properties = item.get("properties", {})
    left = properties.get("yAxis", {}).get("left", {})
    lines = properties.get("annotations", {}).get("horizontal", [])
    return Widget(
        kind=item.get("type", ""),
        x=item.get("x", 0),
        y=item.get("y", 0),
        width=item.get("width", 6),
        height=item.get("height", 6),
        title=properties.get("title", ""),
        view=properties.get("view", "timeSeries"),
        metrics=_metric_rows(properties),
        limits=(left.get("min"), left.get("max")),
        horizontal_lines=tuple((line["value"], line.get("label", "")) for line in lines if "value" in line),
        markdown=properties.get("markdown", ""),
        alarms=tuple(properties.get("alarms", ())),
    )


def _metric_rows(properties: dict[str, Any]) -> tuple[MetricRow, ...]:
    rows: list[MetricRow] = []
    before: list[str] = []
    for index, entry in enumerate(properties.get("metrics", [])):
        options = entry[-1] if isinstance(entry[-1], dict) else {}
        words = _in_full([word for word in entry if isinstance(word, str)], before)
        before = words or before
        names = words[2:]
        rows.append(
            MetricRow(
                identifier=options.get("id") or f"auto{index}",
                namespace=words[0] if words else "",
                name=words[1] if words else "",
                dimensions=tuple(zip(names[::2], names[1::2], strict=True)),
                expression=options.get("expression", ""),
                label=options.get("label", ""),
                stat=options.get("stat") or properties.get("stat", "Average"),
                period=int(options.get("period") or properties.get("period", 300)),
                visible=options.get("visible", True),
                right=options.get("yAxis") == "right",
            )
        )
    return tuple(rows)


def _in_full(words: list[str], before: list[str]) -> list[str]:
    """Write out the abbreviations: `...` is all before the last values, `.` the word at the same place before."""
    if words and words[0] == "...":
        words = before[: len(before) - len(words) + 1] + words[1:]
    return [before[index] if word == "." else word for index, word in enumerate(words)]

"""The deployed dashboard, read and drawn."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rft_cli.report.dashboard_body import Widget, parse_dashboard
from rft_cli.report.dashboard_page import draw, render_dashboard
from rft_cli.report.metric_data import Series, widget_series, with_period
from tests.unit.cli_fakes import Bench, Pages, bench

__all__ = ["bench"]

START = datetime(2026, 11, 22, 10, tzinfo=UTC)
END = START + timedelta(minutes=5)
SEARCH = "SEARCH('{BedrockRFT,Run} MetricName=\"Reward\"', 'Average')"


def body(*widgets: dict[str, Any]) -> str:
    return json.dumps({"widgets": list(widgets)})


def metric(*metrics: list[Any], **properties: Any) -> dict[str, Any]:
    return {
        "type": "metric",
        "x": 0,
        "y": 0,
        "width": 12,
        "height": 6,
        "properties": {"metrics": list(metrics), **properties},
    }


def test_abbreviations_are_written_out() -> None:
    (widget,) = parse_dashboard(
        body(
            metric(
                ["AWS/Lambda", "Errors", "FunctionName", "f", {"stat": "Sum"}],
                [".", "Throttles", ".", "."],
                ["...", "g", {"yAxis": "right"}],
                period=60,
            )
        )
    )
    assert [(row.namespace, row.name, row.dimensions, row.stat, row.period, row.right) for row in widget.metrics] == [
        ("AWS/Lambda", "Errors", (("FunctionName", "f"),), "Sum", 60, False),
        ("AWS/Lambda", "Throttles", (("FunctionName", "f"),), "Average", 60, False),
        ("AWS/Lambda", "Throttles", (("FunctionName", "g"),), "Average", 60, True),
    ]


def test_widgets_come_from_top_to_bottom() -> None:
    places = [(12, 0), (0, 6), (0, 0)]
    widgets = parse_dashboard(body(*[{"type": "text", "x": x, "y": y} for x, y in places]))
    assert [(widget.x, widget.y) for widget in widgets] == [(0, 0), (12, 0), (0, 6)]


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        (SEARCH, SEARCH[:-1] + ", 10)"),
        ("SEARCH('{A}', 'Sum', 60)", "SEARCH('{A}', 'Sum', 60)"),
        ("100 * a / b", "100 * a / b"),
        (f"AVG({SEARCH})", f"AVG({SEARCH[:-1]}, 10))"),
    ],
)
def test_a_search_gets_the_period_that_is_drawn(expression: str, wanted: str) -> None:
    assert with_period(expression, 10) == wanted


class FakeCloudWatch:
    """Answers every query that returns data with two lines, as a search may."""

    def __init__(self, dashboard: str = "") -> None:
        self.dashboard = dashboard
        self.queries: list[dict[str, Any]] = []

    def get_dashboard(self, *, DashboardName: str) -> dict[str, str]:
        assert DashboardName == "dev-Rft"
        return {"DashboardBody": self.dashboard}

    def describe_alarms(self, *, AlarmNames: list[str]) -> dict[str, Any]:
        return {"MetricAlarms": [{"AlarmName": name, "StateValue": "ALARM"} for name in AlarmNames]}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "get_metric_data"
        cloudwatch = self

        class Answers(Pages):
            def paginate(self, **request: Any) -> Any:
                cloudwatch.queries.extend(request["MetricDataQueries"])
                results = [
                    {"Id": query["Id"], "Label": f"run-{name} <b>", "Timestamps": [START, END], "Values": [0.1, 0.9]}
                    for query in request["MetricDataQueries"]
                    if query["ReturnData"]
                    for name in "ab"
                ]
                return iter([{"MetricDataResults": results}])

        return Answers()


def test_hidden_metrics_are_asked_for_and_not_drawn() -> None:
    cloudwatch = FakeCloudWatch()
    (widget,) = parse_dashboard(
        body(metric([{"expression": "100 * a", "id": "e"}], ["N", "M", {"id": "a", "visible": False}], period=300))
    )
    series = widget_series(cloudwatch, widget, START, END, 10)  # type: ignore[arg-type]  # a fake client
    assert [query["Id"] for query in cloudwatch.queries] == ["e", "a"]
    assert cloudwatch.queries[0]["Period"] == 10
    assert cloudwatch.queries[1]["MetricStat"]["Period"] == 10
    assert cloudwatch.queries[1]["ReturnData"] is False
    assert [line.label for line in series] == ["run-a <b>", "run-b <b>"]


WIDGET = Widget(kind="metric", x=0, y=0, width=12, height=6, title="Reward & more")


def test_a_drawing_escapes_labels_and_names_itself() -> None:
    drawn = draw(WIDGET, [Series("<script>", (START, END), (0.2, 0.4)), Series("b", (START,), (0.3,))], (START, END))
    assert drawn is not None
    assert "<script" not in drawn
    assert 'aria-label="Reward &amp; more: &lt;script>, b"' in drawn
    assert "var(--candidate)" in drawn
    assert "#0" not in drawn


def test_without_data_nothing_is_drawn() -> None:
    assert draw(WIDGET, [Series("a", (), ())], (START, END)) is None


def test_the_page_shows_every_widget(bench: Bench) -> None:
    bench.cloudwatch = FakeCloudWatch(
        body(
            metric([{"expression": SEARCH, "id": "e"}], title="Reward in training"),
            metric(["N", "M"], title="Now", view="singleValue"),
            {"type": "alarm", "properties": {"title": "Alarms", "alarms": ["arn:aws:cloudwatch:r:1:alarm:too-bad"]}},
            {"type": "text", "properties": {"markdown": "# Read <me>"}},
        )
    )
    page = render_dashboard(bench.environment(), START, END)
    for words in ("Reward in training", "<svg", "0.9", "too-bad", "ALARM", "# Read &lt;me&gt;", "one point every 10 s"):
        assert words in page
    assert "<script" not in page
    assert "<b>" not in page

"""`dashboard.html`: the CloudWatch dashboard that is deployed, drawn from GetMetricData for the time of one run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.ticker import MaxNLocator

from rft_cli.environment import Environment
from rft_cli.report.dashboard_body import Widget, parse_dashboard
from rft_cli.report.drawing import LIVE, MUTED, SERIES, figure, quiet, style, svg
from rft_cli.report.metric_data import Series, widget_series
from rft_cli.report.page import templates

_LOCAL_PERIOD = 10
"""Seconds a point. A run in the embedded AWS lasts minutes, too short for the widgets' own periods."""

_LONGEST_LEGEND = 6


@dataclass(frozen=True)
class Tile:
    """A widget as the page shows it.

    Args:
        widget: The widget.
        drawing: Its figure; None when it has none.
        values: (label, newest value) pairs of a single-value widget.
        states: (alarm name, state) pairs of an alarm widget.
    """

    widget: Widget
    drawing: Any = None
    values: Sequence[tuple[str, float | None]] = ()
    states: Sequence[tuple[str, str]] = ()


def render_dashboard(environment: Environment, start: datetime, end: datetime) -> str:
    """Return an environment's deployed dashboard as a self-contained page.

    Args:
        environment: Where it is deployed.
        start: Beginning of the time range.
        end: Its end.
    """
    name = environment.outputs.dashboard
    body = environment.aws.cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
    period = _LOCAL_PERIOD if environment.is_local else None
    tiles = [_tile(environment, widget, (start, end), period) for widget in parse_dashboard(body)]
    return (
        templates()
        .get_template("dashboard.html.j2")
        .render(name=name, environment=environment.name, start=start, end=end, period=period, tiles=tiles)
    )


def draw(widget: Widget, series: Sequence[Series], span: tuple[datetime, datetime]) -> str | None:
    """Draw a widget's lines over time.

    Args:
        widget: Its size, limits and annotations.
        series: Its lines.
        span: The time range.

    Returns:
        An `<svg>` element; None when there are no data.
    """
    lines = [line for line in series if line.moments]
    if not lines:
        return None
    with style():
        drawn = figure(0.44 * widget.width, 0.36 * widget.height)
        left = drawn.subplots()
        right = left.twinx() if any(line.right for line in lines) else None
        for index, line in enumerate(lines):
            axes = right if line.right and right else left
            axes.plot(
                line.moments,  # type: ignore[arg-type]  # matplotlib converts datetimes; its stubs know floats only
                line.values,
                color=SERIES[index % len(SERIES)],
                label=line.label,
                marker="o",
                markersize=2.6,
            )
        for value, label in widget.horizontal_lines:
            left.axhline(value, color=LIVE, linewidth=1, linestyle=(0, (4, 3)))
            left.annotate(label, (0, value), xycoords=("axes fraction", "data"), fontsize=8, color=MUTED, va="bottom")
        _limit(left, widget, [value for line in lines if not line.right for value in line.values])
        locator = AutoDateLocator(minticks=3, maxticks=6)  # type: ignore[no-untyped-call]  # matplotlib leaves it untyped
        left.xaxis.set_major_locator(locator)
        left.xaxis.set_major_formatter(DateFormatter("%H:%M"))  # type: ignore[no-untyped-call]  # the same
        left.set_xlim(*span)  # type: ignore[arg-type]  # matplotlib converts datetimes; its stubs know floats only
        left.yaxis.set_major_locator(MaxNLocator(4))
        quiet(left)
        if right:
            right.tick_params(length=0)
            right.spines["right"].set_visible(False)
        if len(lines) > 1:
            drawn.legend(
                *left.get_legend_handles_labels() if right is None else _handles(left, right),
                loc="outside lower left",
                ncols=2,
                fontsize=8,
                labelcolor=MUTED,
            )
        return svg(drawn, f"{widget.title}: {', '.join(line.label for line in lines[:_LONGEST_LEGEND])}")


def _limit(axes: Axes, widget: Widget, values: Sequence[float]) -> None:
    """Let the axis begin at zero, keep some air above, and never shrink around a constant."""
    low, high = widget.limits
    bottom = min(0.0, *values) if low is None else low
    top = max(0.0, *values) if high is None else high
    if top - bottom < 1e-9:
        top = bottom + 1
    axes.set_ylim(bottom, top + 0.12 * (top - bottom) if high is None else top)


def _handles(left: Any, right: Any) -> tuple[list[Any], list[str]]:
    one, other = left.get_legend_handles_labels(), right.get_legend_handles_labels()
    return [*one[0], *other[0]], [*one[1], *other[1]]


def _tile(environment: Environment, widget: Widget, span: tuple[datetime, datetime], period: int | None) -> Tile:
    if widget.kind == "alarm":
        names = [arn.partition(":alarm:")[2] for arn in widget.alarms]
        found = environment.aws.cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"] if names else []
        return Tile(widget, states=[(alarm["AlarmName"], alarm["StateValue"]) for alarm in found])
    if widget.kind != "metric":
        return Tile(widget)
    series = widget_series(environment.aws.cloudwatch, widget, *span, period)
    if widget.view == "singleValue":
        return Tile(widget, values=[(line.label, line.values[-1] if line.values else None) for line in series])
    drawing = draw(widget, series, span)
    return Tile(widget, drawing=Markup(drawing) if drawing else None)

"""`report.html`: the report of a run as one self-contained page."""

import json
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined
from markupsafe import Markup

from rft_cli.report.charts import Bar, accuracy_bars, training_curves
from rft_contract.outcomes import Outcome
from rft_runtime.measures import Measures
from rft_runtime.report import Report

_KINDS = (
    ("fixed", "Fixed", "The base model was wrong, the candidate is right."),
    ("still_wrong", "Still wrong", "Neither is right."),
    ("got_worse", "Got worse", "The base model was right, the candidate is wrong."),
)
_TONES = {Outcome.PROMOTED: "good", Outcome.PASSED: "good", Outcome.REJECTED: "fair", Outcome.STOPPED: "fair"}


def render_page(report: Report) -> str:
    """Return a report as HTML: no scripts, nothing loaded from anywhere.

    Args:
        report: The report; what the run did not come to is left out.
    """
    arms = [(name, arm) for name, arm in _arms(report) if arm is not None]
    bars = [Bar(name, arm.accuracy, *arm.ci95) for name, arm in arms]
    return (
        templates()
        .get_template("report.html.j2")
        .render(
            report=report,
            headline=headline(report),
            tone=_TONES.get(Outcome(report.outcome), "bad") if report.outcome else "fair",
            arms=arms,
            bars=Markup(accuracy_bars(bars, report.chance_accuracy)) if bars else None,
            curves=_markup(training_curves(report.steps)),
            example_kinds=_KINDS,
            seconds=report.seconds,
            recipe=json.dumps(report.recipe, indent=2, ensure_ascii=False),
        )
    )


def headline(report: Report) -> str:
    """Return what the run found, in one sentence; the gate's reason stands apart."""
    if report.base is None or report.candidate is None or report.gain is None:
        return "The run ended before candidate and base model could be compared."
    before, after = report.base.accuracy, report.candidate.accuracy
    moved = "rose" if after > before else "fell" if after < before else "stayed"
    change = f"{moved} from {percent(before)} to {percent(after)}" if after != before else f"stayed at {percent(after)}"
    low, high = report.gain.ci95
    line = str(report.recipe.get("line", "")).replace("-", " ").capitalize()
    return (
        f"{line} accuracy on {report.held_out_prompts} unseen prompts {change} "
        f"({points(report.gain.absolute)} points, 95 % interval {points(low)} to {points(high)})."
    )


@cache
def templates() -> Templates:
    """Return the page templates; everything they print is escaped."""
    found = Templates(
        loader=PackageLoader("rft_cli.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(percent=percent, points=points, number=number, duration=duration, moment=moment, text=text)
    return found


def percent(share: float | None, digits: int = 0) -> str:
    """Return a share as a percentage; a dash when unknown."""
    return "–" if share is None else f"{share * 100:.{digits}f} %"


def points(share: float) -> str:
    """Return a difference of shares in percentage points, with its sign."""
    return f"{share * 100:+.0f}".replace("-", "−")


def number(value: float | int | str | None, digits: int = 3) -> str:
    """Return a value for a table; a dash when unknown."""
    if value is None:
        return "–"
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def duration(seconds: float) -> str:
    """Return a duration as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return str(timedelta(seconds=round(seconds)))


def moment(iso: str | None) -> str:
    """Return a moment to the minute, UTC; a dash when unknown."""
    return "–" if iso is None else f"{datetime.fromisoformat(iso):%d %B %Y, %H:%M} UTC"


def text(value: object) -> str:
    """Return a reference answer as text."""
    if isinstance(value, dict) and set(value) == {"text"}:
        value = value["text"]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _arms(report: Report) -> list[tuple[str, Measures | None]]:
    return [("base", report.base), ("live", report.live), ("candidate", report.candidate)]


def _markup(svg: str | None) -> Any:
    return None if svg is None else Markup(svg)

"""A judge's calibration on one screen."""

from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rft_runtime.calibration import Calibration, Estimate


def calibration_screen(calibration: Calibration, path: Path) -> Group:
    """Return what a person decides by.

    Args:
        calibration: What was found.
        path: Where it was written.
    """
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value, meaning in _lines(calibration):
        table.add_row(Text(name), Text(value), Text(meaning, style="dim"))
    colour = "green" if calibration.verdict == "PASSED" else "red"
    lines: list[RenderableType] = [Text(f"{calibration.verdict}: {calibration.reason}", style=colour), table]
    if calibration.stand_in is not None:
        words = f"answered by {calibration.stand_in}: this holds in the embedded AWS alone"
        lines.insert(1, Text(words, style="yellow"))
    return Group(*lines, Text(str(path)))


def _lines(calibration: Calibration) -> list[tuple[str, str, str]]:
    statistic = calibration.statistic.replace("_", " ")
    lines = [
        ("judge", calibration.model, f"{calibration.samples} sample{'s' * (calibration.samples > 1)} a grade"),
        ("agreement", _shown(calibration.agreement), f"{statistic} on {calibration.count:,} {calibration.labelled}"),
        ("  a constant", f"{calibration.constant:.2f}", "always the same grade"),
        ("  length", _shown(calibration.length), "grading by length alone"),
    ]
    if calibration.same_share is not None and calibration.constant_share is not None:
        shares = f"{calibration.same_share:.0%} of pairs"
        lines.append(("same verdict", shares, f"the best constant: {calibration.constant_share:.0%}"))
    lines += [
        ("retest spread", f"{calibration.retest_spread:.2f} grades", "set retest_spread to it where it is above 1"),
        ("verbosity", _shown(calibration.verbosity_bias), "correlation with length that labels do not explain"),
    ]
    if calibration.position_bias is not None:
        lines.append(("position", f"{_shown(calibration.position_bias)} grades", "for being shown first of two"))
    tokens = f"{calibration.tokens_in:,} in, {calibration.tokens_out:,} out"
    return [*lines, ("ungraded", f"{calibration.ungraded:,}", "completions"), ("tokens", tokens, "")]


def _shown(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"

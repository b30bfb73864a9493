"""Drawings for a page: matplotlib figures as inline SVG that follow the page's fonts, colours and dark mode.

matplotlib writes fixed colours. Each colour here is a mark that stands for one CSS variable of the page, and is
exchanged for it in the finished SVG.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.style import context

INK = "#010101"
MUTED = "#020202"
RULE = "#030303"
BASE = "#040404"
CANDIDATE = "#050505"
LIVE = "#060606"
PAPER = "#070707"
BAD = "#0b0b0b"
SERIES = (CANDIDATE, BASE, LIVE, "#080808", "#090909", "#0a0a0a")

_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    BASE: "--base",
    CANDIDATE: "--candidate",
    LIVE: "--live",
    PAPER: "--paper",
    BAD: "--bad",
    "#080808": "--series-4",
    "#090909": "--series-5",
    "#0a0a0a": "--series-6",
}

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: it takes the page's font and can be selected and searched
    "svg.hashsalt": "rft",  # the same figure gives the same bytes
    "font.family": "sans-serif",
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.7,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
}


def variable(colour: str) -> str:
    """Return the CSS variable that a colour stands for, for the parts of a page that are no drawing.

    Args:
        colour: One of this module's.
    """
    return _VARIABLES[colour]


@contextmanager
def style() -> Iterator[None]:
    """Draw inside this: it sets matplotlib's defaults and puts them back."""
    with context(_STYLE):
        yield


def figure(width: float, height: float) -> Figure:
    """Return an empty figure.

    Args:
        width: Inches of 72 units.
        height: The same.
    """
    drawn = Figure(figsize=(width, height), layout="constrained")
    drawn.patch.set_alpha(0)
    return drawn


def quiet(axes: Axes, *, grid: Literal["x", "y"] = "y") -> None:
    """Take away what carries no information: ticks, and the spines that a grid replaces."""
    axes.tick_params(length=0)
    axes.grid(axis=grid)
    axes.set_axisbelow(True)
    axes.spines["left" if grid == "y" else "bottom"].set_visible(False)


def svg(drawn: Figure, description: str) -> str:
    """Return a figure as an `<svg>` element for a page.

    Args:
        drawn: The figure.
        description: What it shows, for those who cannot see it.
    """
    buffer = io.StringIO()
    drawn.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    # Ids must not collide when a page holds several figures.
    prefix = re.sub(r"\W+", "-", description.lower())[:40].strip("-")
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'(href="#|url\(#)', rf"\1{prefix}-", text)
    label = description.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def present(values: Sequence[float | None]) -> bool:
    """Return whether a curve has at least one value."""
    return any(value is not None for value in values)

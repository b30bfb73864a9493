"""The figures of a dataset's page."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from rft_cli.report.drawing import BAD, INK, LIVE, MUTED, figure, quiet, style, svg


@dataclass(frozen=True)
class Bin:
    """Prompts of about the same length.

    Args:
        start: Tokens from which it reaches.
        end: Tokens below which it ends.
        stay: Prompts that stay in the training.
        maybe: Those that may be too long.
        too_long: Those that are.
    """

    start: int
    end: int
    stay: int
    maybe: int = 0
    too_long: int = 0


@dataclass(frozen=True)
class Panel:
    """The lengths of one dataset.

    Args:
        name: What to call it.
        colour: Of its bars: one of `drawing`'s.
        bins: They get wider to the right by a common factor.
        limit: `maxPromptLength`, where Bedrock begins to drop its prompts; None: it drops none, or nobody knows.
    """

    name: str
    colour: str
    bins: Sequence[Bin]
    limit: int | None = None


def length_histogram(panels: Sequence[Panel]) -> str | None:
    """Draw how long prompts are, one panel a dataset over one common axis.

    Args:
        panels: From top to bottom; those without prompts are left out.

    Returns:
        An `<svg>` element; None when there are no prompts.
    """
    filled = [panel for panel in panels if panel.bins]
    if not filled:
        return None
    ends = [panel.limit for panel in filled if panel.limit]
    ends += [end for panel in filled for end in (panel.bins[0].start, panel.bins[-1].end)]
    with style():
        drawn = figure(7.6, 0.75 + 1.25 * len(filled))
        grid = drawn.subplots(len(filled), 1, sharex=True, squeeze=False)
        for axes, panel in zip(grid[:, 0], filled, strict=True):
            _draw(axes, panel)
        last = grid[-1, 0]
        last.set_xscale("log", base=2)
        last.set_xlim(min(ends) / 1.3, max(ends) * 1.3)
        last.xaxis.set_major_locator(LogLocator(2, subs=(1, 1.5) if max(ends) < 16 * min(ends) else (1,)))
        last.xaxis.set_major_formatter(lambda tokens, _: f"{tokens:,.0f}")
        last.xaxis.set_minor_locator(NullLocator())
        last.tick_params(axis="x", pad=6)
        last.set_xlabel("tokens, the middle of each prompt's estimated range", fontsize=9)
        sizes = ", ".join(f"{panel.name} {sum(map(_prompts, panel.bins)):,}" for panel in filled)
        return svg(drawn, f"Prompts by length in tokens: {sizes}")


def _prompts(item: Bin) -> int:
    """Return how many prompts are in a bin."""
    return item.stay + item.maybe + item.too_long


def _draw(axes: Axes, panel: Panel) -> None:
    """Draw a dataset's bars: what stays at the bottom, what may be dropped above it, what is dropped on top."""
    starts = [item.start for item in panel.bins]
    widths = [(item.end - item.start) * 0.94 for item in panel.bins]
    below = [0] * len(panel.bins)
    for heights, colour in (
        ([item.stay for item in panel.bins], panel.colour),
        ([item.maybe for item in panel.bins], LIVE),
        ([item.too_long for item in panel.bins], BAD),
    ):
        axes.bar(starts, heights, widths, bottom=below, align="edge", color=colour)
        below = [under + height for under, height in zip(below, heights, strict=True)]
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.set_ylim(0, max(below) * 1.12)
    axes.set_title(panel.name, fontsize=9, color=MUTED, pad=4)
    quiet(axes)
    if panel.limit:
        _draw_limit(axes, panel.limit)


def _draw_limit(axes: Axes, limit: int) -> None:
    """Draw where Bedrock begins to drop prompts."""
    axes.axvline(limit, color=INK, linewidth=1, linestyle=(0, (3, 3)))
    axes.annotate(
        f"maxPromptLength {limit:,}",
        (limit, 1),
        xycoords=("data", "axes fraction"),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        fontsize=8.5,
        color=MUTED,
    )

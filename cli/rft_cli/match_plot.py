"""A training set beside production, as a picture: lengths, and each difference beside its noise level."""

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.style import context
from matplotlib.ticker import LogLocator, NullLocator

from rft_cli.cli_error import CliError
from rft_runtime.production_match import Match

_ENDINGS = (".svg", ".png")
_INK, _MUTED, _RULE = "#1f2328", "#59636e", "#d9dee3"
_TRAINING, _PRODUCTION, _DIFFERS = "#3b6fb6", "#c46a1b", "#b42318"

_STYLE: dict[str, Any] = {
    "svg.hashsalt": "rft",  # the same figure gives the same bytes
    "font.size": 9.5,
    "text.color": _INK,
    "axes.edgecolor": _RULE,
    "axes.labelcolor": _MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "grid.color": _RULE,
    "grid.linewidth": 0.6,
}


def check_plot(path: Path) -> None:
    """Refuse a file that no picture can be written to.

    Raises:
        CliError: When its name ends in neither .svg nor .png.
    """
    if path.suffix not in _ENDINGS:
        raise CliError(f"--plot: got {path}, wanted a name that ends in {' or '.join(_ENDINGS)}")


def draw_match(found: Match, path: Path) -> None:
    """Draw what was found.

    Args:
        found: The comparison.
        path: What `check_plot` accepted.

    Raises:
        CliError: When the file cannot be written.
    """
    with context(_STYLE):
        drawn = Figure(figsize=(10.4, 3.6), layout="constrained", facecolor="white")
        lengths, differences = drawn.subplots(1, 2)
        _lengths(lengths, found)
        _differences(differences, found)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            drawn.savefig(path, dpi=160, metadata={"Date": None} if path.suffix == ".svg" else None)
        except OSError as error:
            raise CliError(f"{path}: {error.strerror or error}") from None


def _lengths(axes: Axes, found: Match) -> None:
    """Draw both sides' cumulative distributions, whose largest distance is the difference of lengths."""
    shares = [percent / 100 for percent in range(101)]
    for place, (name, side, colour) in enumerate(
        (("training", found.training, _TRAINING), ("production", found.production, _PRODUCTION))
    ):
        axes.plot([max(1, length) for length in side.lengths], shares, color=colour, linewidth=1.9)
        axes.annotate(
            name, (0.02, 0.93 - 0.09 * place), xycoords="axes fraction", color=colour, fontweight="bold", va="center"
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(0, 1.01)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_title("Share of prompts up to a length")
    axes.set_xlabel("characters, without the system prompt")
    axes.grid(axis="both")
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0)


def _differences(axes: Axes, found: Match) -> None:
    """Draw each difference as a bar, and its noise level as a mark."""
    measures = (*found.measures, found.overall)
    for place, measure in enumerate(measures):
        colour = _DIFFERS if measure.verdict == "differs" else _MUTED
        axes.barh(place, measure.value, height=0.55, color=colour)
        axes.plot([measure.noise] * 2, [place - 0.4, place + 0.4], color=_INK, linewidth=1.6)
        axes.annotate(
            measure.verdict, (1.03, place), xycoords=("data", "data"), color=colour, va="center", annotation_clip=False
        )
    axes.set_yticks(range(len(measures)), [measure.name for measure in measures])
    axes.set_ylim(len(measures) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.set_title("Differences, and how large chance makes them (│)")
    axes.set_xlabel("0: none    classifier: 0.5 is guessing")
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0)

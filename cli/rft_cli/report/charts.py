"""The figures of a run's report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from rft_cli.report.drawing import BASE, CANDIDATE, INK, LIVE, MUTED, figure, present, quiet, style, svg

if TYPE_CHECKING:
    from rft_runtime.training_output import Step

ARM_COLOURS = {"base": BASE, "candidate": CANDIDATE, "live": LIVE}


@dataclass(frozen=True)
class Bar:
    """One model's accuracy.

    Args:
        arm: `base`, `candidate` or `live`.
        value: Accuracy, 0 to 1.
        low: Lower end of its 95 % interval.
        high: Upper end.
    """

    arm: str
    value: float
    low: float
    high: float


def accuracy_bars(bars: Sequence[Bar], chance: float | None) -> str:
    """Draw accuracies as bars with their 95 % intervals, beside chance.

    Args:
        bars: From top to bottom.
        chance: Accuracy of guessing; None: unknown.

    Returns:
        An `<svg>` element.
    """
    with style():
        drawn = figure(7.6, 0.62 + 0.44 * len(bars))
        axes = drawn.subplots()
        places = range(len(bars))
        for place, bar in zip(places, bars, strict=True):
            axes.barh(place, bar.value, height=0.56, color=ARM_COLOURS[bar.arm])
            reach = [[bar.value - bar.low], [bar.high - bar.value]]
            axes.errorbar(bar.value, place, xerr=reach, color=INK, capsize=3.5, linewidth=1.1, capthick=1.1)
            axes.annotate(
                f"{bar.value * 100:.0f} %",
                (bar.high, place),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                fontsize=11,
                fontweight="bold",
            )
        if chance is not None:
            axes.axvline(chance, color=MUTED, linewidth=1, linestyle=(0, (3, 3)))
            axes.annotate(
                f"chance {chance * 100:.0f} %",
                (chance, -0.5),
                xytext=(4, 1),
                textcoords="offset points",
                fontsize=8.5,
                color=MUTED,
                va="bottom",
            )
        axes.set_yticks(places, [bar.arm for bar in bars], fontsize=10.5)
        for label in axes.get_yticklabels():
            label.set_color(INK)
        axes.set_ylim(len(bars) - 0.5, -0.85 if chance is not None else -0.5)
        axes.set_xlim(0, 1.06)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        quiet(axes, grid="x")
        axes.spines["left"].set_visible(False)
        words = ", ".join(f"{bar.arm} {bar.value:.0%} ({bar.low:.0%} to {bar.high:.0%})" for bar in bars)
        return svg(drawn, f"Accuracy on the held-out set: {words}")


def training_curves(steps: Sequence["Step"]) -> str | None:
    """Draw what the job reported step by step, one panel a quantity over one common axis.

    Args:
        steps: The steps.

    Returns:
        An `<svg>` element; None when fewer than two steps were reported.
    """
    panels = [
        ("reward", [step.reward for step in steps], None),
        ("episode length, tokens", [step.episode_length for step in steps], None),
        ("policy entropy, nats a token", [step.policy_entropy for step in steps], None),
        ("groups with mixed rewards", [step.mixed_groups for step in steps], (0.0, 1.0)),
        ("gradient norm", [step.gradient_norm for step in steps], None),
    ]
    shown = [panel for panel in panels if present(panel[1])]
    if not shown or len(steps) < 2:
        return None
    numbers = [step.step for step in steps]
    with style():
        drawn = figure(7.6, 1.0 + 0.92 * len(shown))
        heights = [1.9 if title == "reward" else 1 for title, _, _ in shown]
        grid = drawn.subplots(len(shown), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights})
        for axes, (title, values, limits) in zip(grid[:, 0], shown, strict=True):
            _line(axes, numbers, values, CANDIDATE)
            if title == "reward":
                validation = [step.validation_reward for step in steps]
                _reward_panel(axes, numbers, values, validation)
            axes.set_title(title, fontsize=9, color=MUTED, pad=4)
            axes.yaxis.set_major_locator(MaxNLocator(3))
            top = max(axes.get_ylim()[1], limits[1] if limits else 0.0)
            axes.set_ylim(min(0.0, axes.get_ylim()[0]), top * 1.08)
            quiet(axes)
        last = grid[-1, 0]
        last.set_xlabel("training step", fontsize=9)
        last.xaxis.set_major_locator(MaxNLocator(integer=True))
        last.set_xlim(min(numbers) - 0.3, max(numbers) + 0.3)
        return svg(drawn, "Training curves by step: " + ", ".join(title for title, _, _ in shown))


def _reward_panel(axes: Axes, numbers: list[int], values: list[float | None], validation: list[float | None]) -> None:
    pairs = [(number, value) for number, value in zip(numbers, validation, strict=True) if value is not None]
    if not pairs:
        return
    axes.plot(*zip(*pairs, strict=True), color=LIVE, marker="o", markersize=5, linestyle="none", zorder=3)
    lines = [("training", CANDIDATE), ("validation", LIVE)]
    for place, (name, colour) in enumerate(lines):
        axes.annotate(
            f"● {name}",
            (1, 1),
            xycoords="axes fraction",
            xytext=(-70 * (len(lines) - 1 - place), 6),
            textcoords="offset points",
            ha="right",
            fontsize=9,
            color=colour,
        )


def _line(axes: Axes, numbers: list[int], values: Sequence[float | None], colour: str) -> None:
    pairs = [(number, value) for number, value in zip(numbers, values, strict=True) if value is not None]
    axes.plot(*zip(*pairs, strict=True), color=colour, marker="o" if len(pairs) < 3 else None, markersize=4)

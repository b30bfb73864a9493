"""Tables of what gate and probe decide by: how often they err, against simulated truth."""

from collections.abc import Callable, Iterator, Mapping

from benchmarks.table_parts import number, parts, percent, table
from rft_contract.json_value import JsonObject


def _probed(figures: JsonObject) -> Iterator[str]:
    yield (
        f"{number(figures, 'simulations'):,.0f} probes of each model with {number(figures, 'rollouts'):.0f} rollouts a "
        f"prompt, drawn from {number(figures, 'rows'):,.0f} training prompts; points are percentage points. Covered: "
        "how often the 95 % interval holds the truth. Plug-in is the bias of taking a prompt's share of right rollouts "
        "for its chance. Groups of 16 are fitted, the others counted."
    )
    yield ""
    rows = [
        [
            str(item["model"]),
            f"{number(item, 'prompts'):.0f}",
            str(item["measure"]),
            percent(number(item, "truth")),
            *(f"{100 * number(item, name):+.1f}" for name in ("bias", "plug_in_bias")),
            percent(number(item, "covered")),
            f"{100 * number(item, 'width'):.1f}",
        ]
        for item in parts(figures, "measures")
    ]
    yield from table(
        ("base model", "prompts", "measure", "truth", "bias, points", "plug-in", "covered", "width, points"), rows
    )


def _gate(figures: JsonObject) -> Iterator[str]:
    yield (
        f"Share of {number(figures, 'comparisons'):,.0f} comparisons that pass although there is no gain; the level is "
        f"{percent(number(figures, 'level'))}."
    )
    yield ""
    rows = [
        [
            str(item["null"]),
            *(f"{number(item, name):,.0f}" for name in ("prompts", "samples")),
            percent(number(item, "share_passed")),
        ]
        for item in parts(figures, "type_1_errors")
    ]
    yield from table(("no gain", "prompts", "samples a prompt", "passed"), rows)
    yield ""
    yield (
        f"Power: share of {number(figures, 'power_comparisons'):,.0f} comparisons that pass with a gain that is there; "
        "`smallest` is what Plan calls the smallest gain shown with 80 %."
    )
    yield ""
    curves: dict[tuple[float, float], list[JsonObject]] = {}
    for item in parts(figures, "power"):
        curves.setdefault((number(item, "prompts"), number(item, "samples")), []).append(item)
    gains = [f"+{number(item, 'gain'):g}" for item in next(iter(curves.values()))]
    powers = [
        [
            f"{prompts:,.0f}",
            f"{samples:.0f}",
            *(f"{100 * number(item, 'power'):.0f} %" for item in curve),
            f"+{number(curve[0], 'smallest_gain'):.3f}",
        ]
        for (prompts, samples), curve in curves.items()
    ]
    yield from table(("prompts", "samples a prompt", *gains, "smallest"), powers)


EVIDENCE_SECTIONS: Mapping[str, tuple[str, Callable[[JsonObject], Iterator[str]]]] = {
    "gate_errors": ("The gate: errors and power", _gate),
    "probe": ("The probe: against known truth", _probed),
}
"""Result -> its heading and what writes its table."""

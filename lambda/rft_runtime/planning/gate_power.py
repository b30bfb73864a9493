"""What a gate can show with the prompts that it has, before anything is trained.

The spread of the paired gains of a pass/fail reward is about `0.55 / sqrt(k)` of its range with k samples of each
prompt (`python -m benchmarks gate_errors`); a reward with partial credit spreads less.
"""

import math
from collections.abc import Mapping
from statistics import NormalDist

from rft_contract.outcomes import RunFailed
from rft_contract.recipe_sections import GUARD, Gate
from rft_runtime.gate import FEWEST_UNITS, GUARD_MARGIN, LEVEL
from rft_runtime.planning.prompt_sizes import PromptSizes
from rft_runtime.planning.usage import GatePower
from rft_runtime.shards import HELD_OUT
from rft_runtime.statistics import smallest_gain

SPREAD = 0.55
POWER = 0.8


def gate_power(
    gate: Gate,
    *,
    prompts: int,
    units: int | None = None,
    looks: int = 0,
    span: float | None = None,
    guards: Mapping[str, int] | None = None,
    has_live: bool = False,
) -> GatePower:
    """Return what a gate can show.

    Args:
        gate: The recipe's.
        prompts: Held-out prompts.
        units: How many of them, or groups of them, are independent; None: each.
        looks: Candidates that were judged on them before.
        span: Width of the reward's range; None: unknown.
        guards: Split of a guard set -> its prompts.
        has_live: Whether the candidate is compared with a live release too.
    """
    samples, level = max(1, gate.samples_per_prompt), LEVEL / (looks + 1)
    spread = SPREAD / math.sqrt(samples) * (1.0 if span is None else span)
    gain = smallest_gain(prompts, spread, confidence=1 - level, power=POWER)
    margins = {
        f"gate.guards.{name.removeprefix(GUARD)}": (rows, gate.guards.get(name.removeprefix(GUARD), GUARD_MARGIN))
        for name, rows in (guards or {}).items()
    }
    if has_live:
        margins["gate.live_margin"] = (prompts, gate.live_margin)
    warnings = [words for name, (rows, margin) in margins.items() if (words := _narrow(name, rows, margin, spread))]
    if units is not None and units < prompts:
        alike = smallest_gain(units, spread, confidence=1 - level, power=POWER)
        warnings.insert(0, _grouped(prompts, units, alike))
    return GatePower(
        prompts=prompts,
        samples=samples,
        level=level,
        candidates=looks + 1,
        spread=spread,
        smallest_gain=gain,
        needed=gate.min_gain + gain,
        span=span,
        warnings=warnings,
    )


def require_units(sizes: Mapping[str, PromptSizes]) -> None:
    """Refuse a held-out set or guard set with which nothing can be shown.

    Args:
        sizes: Split -> its prompts.

    Raises:
        RunFailed: When one has less than two prompts, or all of one group.
    """
    for split, size in sizes.items():
        if (split == HELD_OUT or split.startswith(GUARD)) and size.units < FEWEST_UNITS:
            one_group = size.rows >= FEWEST_UNITS
            got = f"{size.rows} prompts{', all of one group (`group`)' if one_group else ''}"
            raise RunFailed(
                f"datasets.{split}: got {got}; the gate can show nothing with less than {FEWEST_UNITS} that are "
                f"independent: add prompts{' of other groups' if one_group else ''}"
            )


def require_reachable(power: GatePower) -> None:
    """Refuse a gate that no candidate is likely to pass.

    Raises:
        RunFailed: When the gain that it needs does not fit into the reward's range.
    """
    if power.span is not None and power.needed > power.span:
        raise RunFailed(
            f"the gate cannot pass: {power.words()}, but the reward spans only {power.span:g}; use more held-out "
            "prompts or gate.samples_per_prompt, or lower gate.min_gain"
        )


def _grouped(prompts: int, units: int, alike: float) -> str:
    """Return what groups may cost: how alike prompts of a group fare is not known before they were answered."""
    return (
        f"datasets.{HELD_OUT}: its {prompts:,} prompts make {units:,} independent ones (`group`); where prompts of a "
        f"group fare alike, it takes a true gain of at least {alike:.3f} above gate.min_gain"
    )


def _narrow(name: str, prompts: int, margin: float, spread: float) -> str | None:
    """Return a warning about a margin that an equally good candidate keeps in less than four of five runs."""
    normal = NormalDist()
    passes = normal.cdf(margin * math.sqrt(max(1, prompts)) / spread - normal.inv_cdf(1 - LEVEL))
    if passes >= POWER:
        return None
    wanted = math.ceil((smallest_gain(1, spread, 1 - LEVEL, POWER) / margin) ** 2) if margin > 0 else None
    more = f"use {wanted:,} prompts or a wider margin" if wanted else "use a margin above 0"
    return (
        f"{name}: with {prompts:,} prompts, a candidate that is as good passes the margin {margin:g} only with "
        f"probability {passes:.2f}; {more}"
    )

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
from rft_runtime.planning.usage import GatePower
from rft_runtime.shards import HELD_OUT
from rft_runtime.statistics import smallest_gain

SPREAD = 0.55
POWER = 0.8


def gate_power(
    gate: Gate,
    *,
    prompts: int,
    looks: int = 0,
    span: float | None = None,
    guards: Mapping[str, int] | None = None,
    has_live: bool = False,
) -> GatePower:
    """Return what a gate can show.

    Args:
        gate: The recipe's.
        prompts: Held-out prompts.
        looks: Candidates that were judged on them before.
        span: Width of the reward's range; None: unknown.
        guards: Split of a guard set -> its prompts.
        has_live: Whether the candidate is compared with a live release too.

    Raises:
        RunFailed: When the held-out set or a guard set has less than two prompts.
    """
    for name, rows in {HELD_OUT: prompts, **(guards or {})}.items():
        if rows < FEWEST_UNITS:
            raise RunFailed(f"datasets.{name}: got {rows} prompts, the gate can show nothing with less than 2")
    samples, level = max(1, gate.samples_per_prompt), LEVEL / (looks + 1)
    spread = SPREAD / math.sqrt(samples) * (1.0 if span is None else span)
    gain = smallest_gain(prompts, spread, confidence=1 - level, power=POWER)
    margins = {
        f"gate.guards.{name.removeprefix(GUARD)}": (rows, gate.guards.get(name.removeprefix(GUARD), GUARD_MARGIN))
        for name, rows in (guards or {}).items()
    }
    if has_live:
        margins["gate.live_margin"] = (prompts, gate.live_margin)
    return GatePower(
        prompts=prompts,
        samples=samples,
        level=level,
        candidates=looks + 1,
        spread=spread,
        smallest_gain=gain,
        needed=gate.min_gain + gain,
        span=span,
        warnings=[words for name, (rows, margin) in margins.items() if (words := _narrow(name, rows, margin, spread))],
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

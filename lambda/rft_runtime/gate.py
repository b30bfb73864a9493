"""The gate: one primary criterion, and its reason in words."""

from collections.abc import Sequence

import msgspec

from rft_contract.outcomes import Outcome, RunFailed
from rft_contract.recipe_sections import Gate
from rft_runtime.statistics import RESAMPLES, SEED, bootstrap_lower_bound, mean

CONFIDENCE = 0.95
MISSING_LIMIT = 0.02


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate decided, and everything needed to decide again.

    Args:
        outcome: `PASSED` or `REJECTED`.
        reason: One line.
        mode: The completions it looked at, `sampled` or `greedy`.
        prompts: Held-out prompts.
        mean_gain: Mean paired gain in reward, candidate minus base.
        lower_bound: One-sided lower bound of it.
        min_gain: What the bound has to lie above.
        missing_share: Share of prompts kept by worst case because a grade was missing.
        confidence: Of the bound.
        resamples: Bootstrap resamples.
        seed: Of the bootstrap.
    """

    outcome: str
    reason: str
    mode: str
    prompts: int
    mean_gain: float
    lower_bound: float
    min_gain: float
    missing_share: float
    confidence: float = CONFIDENCE
    resamples: int = RESAMPLES
    seed: int = SEED


def decide(gains: Sequence[float], *, mode: str, missing_share: float, gate: Gate) -> Decision:
    """Decide about a candidate.

    Args:
        gains: Paired gain in reward of every held-out prompt.
        mode: The completions they were measured on.
        missing_share: Share of the prompts kept by worst case.
        gate: The recipe's.

    Raises:
        RunFailed: When more than 2 % of the prompts lack a grade, because then the missing ones could decide.
    """
    if missing_share > MISSING_LIMIT:
        raise RunFailed(
            f"the evaluation is incomplete: {_percent(missing_share, 1)} of {len(gains)} prompts lack a grade of base "
            f"or candidate, at most {_percent(MISSING_LIMIT)} may; see `invalid` in the graded completions"
        )
    bound = bootstrap_lower_bound(gains, CONFIDENCE)
    passed = bound > gate.min_gain
    verb = "lies above" if passed else "does not lie above"
    return Decision(
        outcome=Outcome.PASSED if passed else Outcome.REJECTED,
        reason=(
            f"the mean paired gain in reward is {mean(gains):+.3f} ({mode}, {len(gains)} prompts), and its one-sided "
            f"{_percent(CONFIDENCE)} lower bound, {bound:+.3f}, {verb} min_gain {gate.min_gain:g}"
        ),
        mode=mode,
        prompts=len(gains),
        mean_gain=mean(gains),
        lower_bound=bound,
        min_gain=gate.min_gain,
        missing_share=missing_share,
    )


def _percent(share: float, digits: int = 0) -> str:
    return f"{100 * share:.{digits}f} %"

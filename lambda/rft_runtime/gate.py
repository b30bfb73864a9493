"""The gate: what a candidate must show, one criterion at a time, and the reason in words."""

from collections.abc import Iterator, Mapping

import msgspec

from rft_contract.outcomes import Outcome, RunFailed
from rft_contract.recipe_sections import GUARD, Gate
from rft_runtime.evaluation import Evaluation, PairedGains, paired_gains
from rft_runtime.shards import BASE, HELD_OUT, LIVE
from rft_runtime.statistics import RESAMPLES, SEED, bootstrap_lower_bound, mean

LEVEL = 0.05
"""Probability that a candidate without any gain passes."""

FEWEST_UNITS = 2
"""Prompts, or groups of them, below which no bound says how another one would fare."""

MISSING_LIMIT = 0.02
GUARD_MARGIN = 0.05
"""Margin of a guard set that the recipe gives none."""


class Criterion(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a candidate must show.

    Args:
        name: `gain`, `live`, `guard-<name>`, `invalid`, `length` or `component-<name>`.
        held: Whether it is shown.
        estimate: What was measured.
        bound: One-sided lower bound of it; None where the estimate itself is compared.
        threshold: What bound or estimate is compared with.
        words: One line.
    """

    name: str
    held: bool
    estimate: float
    threshold: float
    words: str
    bound: float | None = None


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
        graded_gain: Mean paired gain over the other prompts alone; None: there is none.
        criteria: All of them, the primary one first.
        candidates: Candidates that were judged on this held-out set so far, this one among them.
        confidence: Of the primary bound: 1 minus the level divided by `candidates` (Bonferroni).
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
    graded_gain: float | None = None
    criteria: list[Criterion] = []
    candidates: int = 1
    confidence: float = 1 - LEVEL
    resamples: int = RESAMPLES
    seed: int = SEED


def decide(evaluations: Mapping[str, Evaluation], gate: Gate, *, candidates: int = 1) -> Decision:
    """Decide about a candidate.

    Args:
        evaluations: Dataset -> what Evaluate found on it; the held-out set, and the guard sets.
        gate: The recipe's.
        candidates: Candidates that were judged on this held-out set so far, this one among them.

    Raises:
        RunFailed: When an evaluation is incomplete, or more than 2 % of its prompts lack a grade, because then the
            missing ones could decide, or all its prompts are one, or of one group.
    """
    held_out = evaluations[HELD_OUT]
    for name, evaluation in evaluations.items():
        if not evaluation.is_complete:
            raise RunFailed(f"the evaluation is incomplete: not every shard of {name} was graded")
    confidence = 1 - LEVEL / candidates
    pairs = _pairs(held_out, HELD_OUT)
    primary = _gain(pairs, held_out, gate, confidence)
    criteria = [primary, *_others(evaluations, gate)]
    failed = [criterion.words for criterion in criteria if not criterion.held]
    return Decision(
        outcome=Outcome.REJECTED if failed else Outcome.PASSED,
        reason="; ".join(failed) or primary.words,
        mode=held_out.mode,
        prompts=held_out.prompts,
        mean_gain=primary.estimate,
        lower_bound=primary.estimate if primary.bound is None else primary.bound,
        min_gain=gate.min_gain,
        missing_share=pairs.missing_share,
        graded_gain=pairs.graded_mean,
        criteria=criteria,
        candidates=candidates,
        confidence=confidence,
    )


def _gain(pairs: PairedGains, evaluation: Evaluation, gate: Gate, confidence: float) -> Criterion:
    """The primary criterion: better than the base model."""
    bound = bootstrap_lower_bound(pairs.gains, pairs.groups, confidence)
    held = bound > gate.min_gain
    verb = "lies above" if held else "does not lie above"
    return Criterion(
        name="gain",
        held=held,
        estimate=mean(pairs.gains),
        bound=bound,
        threshold=gate.min_gain,
        words=(
            f"the mean paired gain in reward is {mean(pairs.gains):+.3f} ({evaluation.mode}, {len(pairs.gains)} "
            f"prompts), and its one-sided {_percent(confidence)} lower bound, {bound:+.3f}, {verb} min_gain "
            f"{gate.min_gain:g}{_worst_case(pairs)}"
        ),
    )


def _others(evaluations: Mapping[str, Evaluation], gate: Gate) -> Iterator[Criterion]:
    held_out = evaluations[HELD_OUT]
    if LIVE in held_out.arms:
        yield _not_worse("live", "than the live release", held_out, LIVE, gate.live_margin)
    for name, evaluation in evaluations.items():
        if name.startswith(GUARD):
            margin = gate.guards.get(name.removeprefix(GUARD), GUARD_MARGIN)
            yield _not_worse(name, f"than the base model on {name}", evaluation, BASE, margin)
    share = held_out.candidate.invalid_share()
    yield _at_most("invalid", "invalid share", share, gate.max_invalid_share)
    if gate.max_length_ratio is not None:
        ratio = _ratio(held_out.candidate.mean_tokens(), held_out.base.mean_tokens())
        yield _at_most("length", "mean completion length against the base model's", ratio, gate.max_length_ratio)
    for name, least in gate.min_component_ratios.items():
        ratio = _ratio(held_out.candidate.mean_component(name), held_out.base.mean_component(name))
        held = ratio >= least
        words = f"component {name} against the base model's is {ratio:.3f}, wanted at least {least:g}"
        yield Criterion(name=f"component-{name}", held=held, estimate=ratio, threshold=least, words=words)


def _not_worse(name: str, than: str, evaluation: Evaluation, over: str, margin: float) -> Criterion:
    """A test of non-inferiority: the lower bound of the paired difference lies above minus the margin."""
    pairs = _pairs(evaluation, name, over=over)
    bound = bootstrap_lower_bound(pairs.gains, pairs.groups, 1 - LEVEL)
    held = bound > -margin
    shown = "is not worse" if held else "may be worse"
    return Criterion(
        name=name,
        held=held,
        estimate=mean(pairs.gains),
        bound=bound,
        threshold=-margin,
        words=f"the candidate {shown} {than}: difference {mean(pairs.gains):+.3f}, lower bound {bound:+.3f}, margin "
        f"{margin:g}",
    )


def _worst_case(pairs: PairedGains) -> str:
    """Say what a gain holds of pairs without a grade, and what it is without them."""
    if not pairs.missing_share:
        return ""
    only = "no pair has both grades" if pairs.graded_mean is None else f"{pairs.graded_mean:+.3f} without them"
    return f" ({_percent(pairs.missing_share, 1)} of the pairs lack a grade and count by worst case; {only})"


def _at_most(name: str, what: str, value: float, most: float) -> Criterion:
    words = f"{what} is {value:.3f}, at most {most:g} may be"
    return Criterion(name=name, held=value <= most, estimate=value, threshold=most, words=words)


def _ratio(value: float | None, base: float | None) -> float:
    """Return a quotient. Where the base model has nothing to compare with, 1; where the candidate lost it, 0.

    A quotient of what is not positive says nothing: then it is 1 for a candidate that is no worse, else 0.
    """
    if base is None:
        return 1.0
    if value is None:
        return 0.0
    return value / base if base > 0 else float(value >= base)


def _pairs(evaluation: Evaluation, name: str, *, over: str = BASE) -> PairedGains:
    pairs = paired_gains(evaluation, over=over)
    if len(set(pairs.groups)) < FEWEST_UNITS:
        raise RunFailed(
            f"nothing can be shown with {name}: its prompts are one, or of one group (`group`); use {FEWEST_UNITS} or "
            "more of different groups"
        )
    if pairs.missing_share > MISSING_LIMIT:
        raise RunFailed(
            f"the evaluation is incomplete: {_percent(pairs.missing_share, 1)} of {len(pairs.gains)} prompts of {name} "
            f"lack a grade of {over} or candidate, at most {_percent(MISSING_LIMIT)} may; see `invalid` in the graded "
            "completions"
        )
    return pairs


def _percent(share: float, digits: int | None = None) -> str:
    return f"{100 * share:.4g} %" if digits is None else f"{100 * share:.{digits}f} %"

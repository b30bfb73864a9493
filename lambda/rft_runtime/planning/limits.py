"""A recipe's limits against what its run is expected to use, and against what it has used."""

from collections.abc import Iterator

from rft_contract.outcomes import OverLimit, RunFailed
from rft_contract.recipe_sections import Limits
from rft_runtime.planning.quantity import Quantity
from rft_runtime.planning.usage import Usage

PLACE = "recipe.limits."
"""How what is said of a limit begins."""

_ADVICE = {
    "rollouts": "raise the limit or lower epochCount or trainingSamplePerPrompt",
    "tokens": "raise the limit, lower inferenceMaxTokens or samples, or use fewer prompts",
    "judge_calls": "raise the limit, or use fewer prompts or samples",
    "money": "raise the limit or use fewer prompts, samples or tokens",
}


def check_limits(limits: Limits, estimate: Usage) -> list[str]:
    """Refuse a run that exceeds a limit at best, and return warnings about limits that it may exceed.

    `limits.hours` is no part of it: nothing says beforehand how long Bedrock trains, so the job's deadline holds it.

    Args:
        limits: The recipe's.
        estimate: What the run uses.

    Raises:
        OverLimit: When the low end lies above a limit.
        RunFailed: When money is limited and a price is missing, or in another currency.
    """
    warnings = []
    for name, allowed, needed, unit in _limited(limits, estimate):
        words = f"{PLACE}{name}: {allowed:,.12g}{unit} allowed, {needed.words()}{unit} needed"
        if needed.low > allowed:
            raise OverLimit(f"{words}; {_ADVICE[name]}")
        if needed.high > allowed:
            warnings.append(f"{words}: the run may exceed the limit, and only its low end keeps it")
    return warnings


def exceeded(limits: Limits, used: Usage) -> list[str]:
    """Return the limits that a run has certainly passed: those below the low end of what it has used.

    Args:
        limits: The recipe's.
        used: What the run has used so far.
    """
    counted = list(_counted(limits, used))
    if limits.money is not None and used.cost is not None:
        counted.append(("money", limits.money.amount, used.cost.total, f" {limits.money.currency}"))
    return [
        f"{PLACE}{name}: {allowed:,.12g}{unit} allowed, {found.words()}{unit} used"
        for name, allowed, found, unit in counted
        if found.low > allowed
    ]


def against_limits(limits: Limits, used: Usage) -> Iterator[tuple[str, str, str]]:
    """Yield what a run has used for people to read: a name, the range, and the limit; empty where there is none.

    Args:
        limits: The recipe's.
        used: What the run has used so far.
    """
    rollouts, tokens = used.parts["training"].rollouts, used.tokens_in + used.tokens_out
    yield "hours of training", used.training_hours.words(), f"{limits.hours:g}"
    yield "rollouts of training", rollouts.words(), _plain(limits.rollouts)
    yield "tokens", tokens.words(), _plain(limits.tokens)
    if used.judge.calls.high or limits.judge_calls is not None:
        yield "judge calls", used.judge.calls.words(), _plain(limits.judge_calls)
    if used.cost is not None:
        money = f"{limits.money.amount:,.12g} {limits.money.currency}" if limits.money is not None else ""
        yield "money", f"{used.cost.total.words()} {used.cost.currency}", money


def _plain(limit: int | None) -> str:
    return "" if limit is None else f"{limit:,}"


def _limited(limits: Limits, estimate: Usage) -> Iterator[tuple[str, float, Quantity, str]]:
    """Yield name, limit, need and unit of each limit that is set."""
    yield from _counted(limits, estimate)
    if limits.money is not None:
        yield "money", limits.money.amount, _money(limits.money.currency, estimate), f" {limits.money.currency}"


def _counted(limits: Limits, estimate: Usage) -> Iterator[tuple[str, float, Quantity, str]]:
    """Yield the same of the limits that need no price."""
    if limits.rollouts is not None:
        yield "rollouts", limits.rollouts, estimate.parts["training"].rollouts, ""
    if limits.tokens is not None:
        yield "tokens", limits.tokens, estimate.tokens_in + estimate.tokens_out, ""
    if limits.judge_calls is not None:
        yield "judge_calls", limits.judge_calls, estimate.judge.calls, ""


def _money(currency: str, estimate: Usage) -> Quantity:
    """Return the run's cost in a currency, which it must be possible to know."""
    cost = estimate.cost
    if cost is None:
        raise RunFailed(
            "recipe.limits.money: the environment has no prices, and none are invented; give each unit's price with "
            "source and date in `prices` of RftConfig, or limit rollouts, tokens and hours"
        )
    if cost.without_price:
        raise RunFailed(
            f"recipe.limits.money: no price for {', '.join(cost.without_price)}; add it with source and date to "
            "`prices` of RftConfig, or limit rollouts, tokens and hours"
        )
    if estimate.grader_gb_seconds is None:
        raise RunFailed(
            "recipe.limits.money: the reward function belongs to another stack, and what it costs is unknown; limit "
            "rollouts, tokens and hours"
        )
    if cost.currency != currency:
        raise RunFailed(f"recipe.limits.money: got {currency}, the environment's prices are in {cost.currency}")
    return cost.total

"""A recipe's limits against what its run is expected to use."""

from collections.abc import Iterator

from rft_contract.outcomes import OverLimit, RunFailed
from rft_contract.recipe_sections import Limits
from rft_runtime.planning.quantity import Quantity
from rft_runtime.planning.usage import Usage

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
        words = f"recipe.limits.{name}: {allowed:,.12g}{unit} allowed, {needed.words()}{unit} needed"
        if needed.low > allowed:
            raise OverLimit(f"{words}; {_ADVICE[name]}")
        if needed.high > allowed:
            warnings.append(f"{words}: the run may exceed the limit, and only its low end keeps it")
    return warnings


def _limited(limits: Limits, estimate: Usage) -> Iterator[tuple[str, float, Quantity, str]]:
    """Yield name, limit, need and unit of each limit that is set."""
    if limits.rollouts is not None:
        yield "rollouts", limits.rollouts, estimate.parts["training"].rollouts, ""
    if limits.tokens is not None:
        yield "tokens", limits.tokens, estimate.tokens_in + estimate.tokens_out, ""
    if limits.judge_calls is not None:
        yield "judge_calls", limits.judge_calls, estimate.judge.calls, ""
    if limits.money is not None:
        yield "money", limits.money.amount, _money(limits.money.currency, estimate), f" {limits.money.currency}"


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

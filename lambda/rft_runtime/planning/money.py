"""What an estimate costs by an environment's prices."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec

from rft_contract.prices import OLD_AFTER_DAYS, Unit, UnitPrice
from rft_runtime.planning.quantity import Quantity, total
from rft_runtime.planning.usage import Cost, Usage
from rft_runtime.shards import BASE, CANDIDATE, LIVE

_MILLION = 1_000_000
_TRAINING = (Unit.TRAINING_HOUR, Unit.TRAINING_MILLION_TOKENS)
_MOST_ROLLOUTS_OF_AN_EVENT = 8192
"""The most that one step can have: 512 prompts of 16 rollouts."""


def priced(estimate: Usage, prices: Sequence[UnitPrice], today: date) -> Usage:
    """Return an estimate with its cost, and with a warning about prices that are old.

    Args:
        estimate: What the run uses.
        prices: The environment's.
        today: When the run is planned.

    Raises:
        ValueError: When the prices are in several currencies.
    """
    cost = cost_of(estimate, prices, today)
    if cost is None:
        return estimate
    old = (
        [f"prices read more than {OLD_AFTER_DAYS} days ago: {', '.join(cost.old)}; read them again"] if cost.old else []
    )
    return msgspec.structs.replace(estimate, cost=cost, warnings=[*estimate.warnings, *old])


def cost_of(estimate: Usage, prices: Sequence[UnitPrice], today: date) -> Cost | None:
    """Return what a run costs, or None when the environment has no price at all.

    By which unit Bedrock charges reinforcement fine-tuning is not known, so one of `training-hour` and
    `training-million-tokens` is enough, and both count where both are given.

    Args:
        estimate: What the run uses.
        prices: The environment's, all in one currency.
        today: Prices read more than 90 days before are called old.

    Raises:
        ValueError: When the prices are in several currencies.
    """
    if not prices:
        return None
    currencies = sorted({price.currency for price in prices})
    if len(currencies) > 1:
        raise ValueError(f"prices: got the currencies {', '.join(currencies)}, wanted one")
    known = {price.unit: price for price in prices}
    touched = quantities_of(estimate)
    units = {unit: used.times(known[unit].amount) for unit, used in touched.items() if unit in known}
    return Cost(
        currency=currencies[0],
        total=total(list(units.values())),
        units=units,
        without_price=_without_price(touched, known),
        old=[unit for unit in units if known[unit].is_old(today)],
    )


def quantities_of(estimate: Usage) -> dict[str, Quantity]:
    """Return unit -> how much of it a run uses; units that it does not touch are left out."""
    training = [work for name, work in estimate.parts.items() if name in ("training", "validation")]
    base = [work for name, work in estimate.parts.items() if name in ("probe", BASE)]
    custom = [work for name, work in estimate.parts.items() if name in (CANDIDATE, LIVE)]
    rollouts = estimate.rollouts
    used = {
        Unit.TRAINING_HOUR: estimate.training_hours,
        Unit.TRAINING_MILLION_TOKENS: _millions(work.tokens_in + work.tokens_out for work in training),
        Unit.INFERENCE_MILLION_TOKENS_IN: _millions(work.tokens_in for work in base),
        Unit.INFERENCE_MILLION_TOKENS_OUT: _millions(work.tokens_out for work in base),
        Unit.CUSTOM_MILLION_TOKENS_IN: _millions(work.tokens_in for work in custom),
        Unit.CUSTOM_MILLION_TOKENS_OUT: _millions(work.tokens_out for work in custom),
        Unit.JUDGE_MILLION_TOKENS_IN: _millions([estimate.judge.tokens_in]),
        Unit.JUDGE_MILLION_TOKENS_OUT: _millions([estimate.judge.tokens_out]),
        Unit.LAMBDA_MILLION_REQUESTS: _millions([rollouts.times(1 / _MOST_ROLLOUTS_OF_AN_EVENT, 1)]),
        Unit.DEPLOYMENT_HOUR: estimate.deployment_hours,
    }
    if estimate.grader_gb_seconds is not None:
        used[Unit.LAMBDA_GB_SECOND] = estimate.grader_gb_seconds
    return {unit.value: quantity for unit, quantity in used.items() if quantity.high}


def _without_price(touched: Mapping[str, Quantity], known: Mapping[str, UnitPrice]) -> list[str]:
    missing = [unit for unit in touched if unit not in known and unit not in _TRAINING]
    if not any(unit in known for unit in _TRAINING):
        missing.insert(0, " or ".join(_TRAINING))
    return missing


def _millions(parts: Iterable[Quantity]) -> Quantity:
    return total(list(parts)).times(1 / _MILLION)

"""What a run uses once Probe has said which rows its job leaves out."""

from collections.abc import Sequence
from datetime import date

import msgspec

from rft_contract.prices import UnitPrice
from rft_contract.recipe import Recipe
from rft_contract.reward_facts import RewardFacts
from rft_runtime.planning.cost import judges_of, looks_of, training_of
from rft_runtime.planning.limits import PLACE, check_limits
from rft_runtime.planning.money import cost_of
from rft_runtime.planning.prompt_sizes import PromptSizes
from rft_runtime.planning.quantity import Quantity
from rft_runtime.planning.usage import Usage, Work


def trained_on(
    estimate: Usage,
    recipe: Recipe,
    train: PromptSizes,
    facts: RewardFacts,
    *,
    prices: Sequence[UnitPrice],
    today: date,
) -> Usage:
    """Return Plan's estimate for a job that reads fewer rows; what other parts of the run use stays as it was.

    Args:
        estimate: Plan's.
        recipe: The run's.
        train: The prompts that the job reads.
        facts: Of the recipe's reward.
        prices: The environment's, as they were in Plan.
        today: For the age of prices.
    """
    steps, training = training_of(recipe, train)
    parts = {**estimate.parts, "training": training}
    if "validation" in parts:
        fewer = looks_of(recipe, steps) / looks_of(recipe, estimate.steps)
        parts["validation"] = _at_most(parts["validation"], fewer)
    shrunk = msgspec.structs.replace(
        estimate,
        steps=steps,
        parts=parts,
        judge=judges_of(recipe, parts, facts, splits=len(list(recipe.datasets.items()))),
    )
    if estimate.grader_gb_seconds is not None:
        seconds = _in_proportion(estimate.grader_gb_seconds, estimate.rollouts, shrunk.rollouts)
        shrunk = msgspec.structs.replace(shrunk, grader_gb_seconds=seconds)
    others = [words for words in estimate.warnings if not words.startswith(PLACE)]
    shrunk = msgspec.structs.replace(shrunk, cost=cost_of(shrunk, prices, today))
    return msgspec.structs.replace(shrunk, warnings=[*others, *check_limits(recipe.limits, shrunk)])


def _at_most(work: Work, share: float) -> Work:
    """Return work whose high ends are a share of what they were."""
    return Work(
        rollouts=work.rollouts.times(1, share),
        tokens_in=work.tokens_in.times(1, share),
        tokens_out=work.tokens_out.times(1, share),
    )


def _in_proportion(used: Quantity, before: Quantity, after: Quantity) -> Quantity:
    """Return what is used for each rollout, for another number of them."""
    return used.times(after.low / before.low, after.high / before.high)

"""What is to be expected of a run, told before anything is spent: by Plan, and by `rft plan` and `rft run`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations

import msgspec

from rft_contract.outcomes import InvalidDataset
from rft_contract.plan_facts import PlanFacts
from rft_contract.recipe import Recipe
from rft_contract.recipe_sections import GUARD
from rft_runtime.planning.cost import estimate
from rft_runtime.planning.gate_power import gate_power, require_reachable, require_units
from rft_runtime.planning.grader_time import GraderTime
from rft_runtime.planning.limits import check_limits
from rft_runtime.planning.money import priced
from rft_runtime.planning.prompt_sizes import PromptSizes
from rft_runtime.planning.usage import GatePower, Usage
from rft_runtime.shards import HELD_OUT


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What a run is expected to use, and its gate to show.

    Args:
        estimate: The ranges, with warnings about limits that only their high ends exceed.
        gate_power: What the gate can show.
    """

    estimate: Usage
    gate_power: GatePower

    def check(self, recipe: Recipe) -> "Expectation":
        """Refuse a run that cannot keep its limits or cannot pass its gate; return it with its warnings.

        Raises:
            OverLimit, RunFailed: As `check_limits` and `require_reachable`.
        """
        warnings = [*self.estimate.warnings, *check_limits(recipe.limits, self.estimate)]
        require_reachable(self.gate_power)
        return Expectation(
            estimate=msgspec.structs.replace(self.estimate, warnings=warnings), gate_power=self.gate_power
        )


def expect(
    recipe: Recipe,
    sizes: Mapping[str, PromptSizes],
    facts: PlanFacts,
    *,
    has_live: bool,
    looks: int,
    today: date,
    time: GraderTime | None = None,
) -> Expectation:
    """Return what is to be expected of a run.

    Args:
        recipe: The run's.
        sizes: Split -> its prompts.
        facts: The environment's.
        has_live: Whether the model line has a live release.
        looks: Candidates that were judged on the held-out set before.
        today: For the age of prices.
        time: How long the reward takes for a rollout. None: as is assumed for its kinds of graders.

    Raises:
        ValueError: When prices are in several currencies.
        RunFailed: As `require_units`.
    """
    require_units(sizes)
    reward = facts.resources.facts_of(recipe.reward)
    expected = estimate(
        recipe,
        sizes,
        reward,
        facts.settings,
        has_live=has_live,
        hours_beside_training=facts.hours_beside_training,
        time=time,
    )
    power = gate_power(
        recipe.gate,
        prompts=sizes[HELD_OUT].rows,
        units=sizes[HELD_OUT].units,
        looks=looks,
        span=reward.span,
        guards={split: size.rows for split, size in sizes.items() if split.startswith(GUARD)},
        has_live=has_live,
    )
    return Expectation(estimate=priced(expected, facts.prices, today), gate_power=power)


def require_different(sizes: Mapping[str, PromptSizes]) -> None:
    """Refuse a dataset that is used twice; guard sets may hold the held-out prompts or each other's.

    Rows that two datasets share are Validate's to find.

    Raises:
        InvalidDataset: Naming both.
    """
    for first, second in combinations(sizes, 2):
        alike = sizes[first].digest == sizes[second].digest
        if alike and not (second.startswith(GUARD) and (first == HELD_OUT or first.startswith(GUARD))):
            raise InvalidDataset(
                f"datasets.{second}: the same prompts as datasets.{first}; what was trained on cannot show what was "
                "learned"
            )

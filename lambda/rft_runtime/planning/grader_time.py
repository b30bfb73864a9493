"""How long grading a rollout takes, and how many calls at once a step needs for it."""

from dataclasses import dataclass
from math import ceil

from rft_contract.recipe import Recipe
from rft_contract.reward_facts import RewardFacts
from rft_runtime.planning.quantity import Quantity

RULE_SECONDS = Quantity(0.0002, 0.05)
PROGRAM_SECONDS = Quantity(0.1, 10)
JUDGE_SECONDS = Quantity(0.5, 20)
"""Seconds that grading one rollout takes: by rules, by running programs, and for each question to a judge."""

_STEP_SECONDS = 60
"""Within which a step's rollouts should be graded."""


@dataclass(frozen=True)
class GraderTime:
    """Seconds of the reward function for one rollout.

    Args:
        seconds: The range.
        source: Where it comes from, as the end of a sentence.
    """

    seconds: Quantity
    source: str

    def words(self) -> str:
        """Return the range and where it comes from."""
        return f"{self.seconds.low:.3g} to {self.seconds.high:.3g} s of the reward function, {self.source}"


def assumed_time(facts: RewardFacts) -> GraderTime:
    """Return what is assumed for the kinds of graders in a reward that has not been measured."""
    seconds = RULE_SECONDS
    if facts.runs_programs:
        seconds += PROGRAM_SECONDS
    for judge in facts.judges:
        seconds += JUDGE_SECONDS.times(judge.samples if judge.always else 0, judge.samples)
    return GraderTime(seconds, "assumed for its kinds of graders, because it was not measured yet")


def recommended_concurrency(recipe: Recipe, time: GraderTime) -> int:
    """Return the calls at once with which a step's rollouts are graded within a minute, at the slow end.

    Args:
        recipe: The run's.
        time: Of its reward.
    """
    job = recipe.hyperparameters
    rollouts = job.batchSize * job.trainingSamplePerPrompt
    return max(1, ceil(rollouts * time.seconds.high / _STEP_SECONDS))

"""What a run has used so far, as far as its reward function could see it: in the same terms as its estimate.

The low ends are what is certain to have been used, so that a limit never ends a run that may still keep it; the high
ends are what the planned range allows for what was seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rft_contract.recipe import Recipe
from rft_contract.reward_facts import RewardFacts
from rft_dataset.prompt_lengths import RATES
from rft_runtime.planning.quantity import NOTHING, Quantity
from rft_runtime.planning.usage import JudgeWork, Usage, Work

_MOST_CHARACTERS = max(rate.most for rate in RATES.values())
"""Characters that a token stands for at most, in any script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTotals:
    """What the reward function counted for one run.

    Args:
        training: Valid rollouts of training prompts.
        validation: Valid rollouts of validation prompts.
        invalid: Rollouts of either that could not be graded.
        unanswered: Rollouts of events that were answered by an error: they come again, or were given up.
        prompt_characters: Of the prompts of all rollouts that were answered.
        completion_characters: Of the valid completions of training prompts.
        grade_seconds: Time that grading the job's rollouts took.
        judge_calls: Questions that judges answered, whoever had rollouts graded.
        judge_tokens_in: Tokens of those questions.
        judge_tokens_out: Tokens of the answers.
    """

    training: float = 0
    validation: float = 0
    invalid: float = 0
    unanswered: float = 0
    prompt_characters: float = 0
    completion_characters: float = 0
    grade_seconds: float = 0
    judge_calls: float = 0
    judge_tokens_in: float = 0
    judge_tokens_out: float = 0


def used_so_far(
    recipe: Recipe,
    estimate: Usage,
    facts: RewardFacts,
    totals: RunTotals,
    *,
    over: Mapping[str, Work],
    training_hours: float,
    deployment_hours: Quantity = NOTHING,
) -> Usage:
    """Return what a run has used.

    Characters become tokens by the rates of planning: at least one token for as many characters as a token can stand
    for, at most what Plan allows for a prompt in the mean, and the longest completion. Repeated rollouts, reasoning
    that the reward function is not shown, and tools make the true number larger than the low end. It is too large by
    what was sent again after its answer was lost, and met another process of the function, which counts it anew.

    Args:
        recipe: The run's.
        estimate: What Plan expected.
        facts: Of the recipe's reward.
        totals: What the reward function counted.
        over: Parts of the run that are over -> what they used.
        training_hours: How long the job has run.
        deployment_hours: How long the candidate's deployment has stood.
    """
    job = recipe.hyperparameters
    doubtful = totals.invalid + totals.unanswered
    rollouts = Quantity(totals.training, totals.training + doubtful)
    seen = totals.training + totals.validation + doubtful
    planned = estimate.parts["training"]
    a_prompt = planned.tokens_in.high / max(1.0, planned.rollouts.high)
    parts = {
        **over,
        "training": Work(
            rollouts=rollouts,
            tokens_in=_tokens(totals.prompt_characters, seen * a_prompt),
            tokens_out=_tokens(totals.completion_characters, seen * job.inferenceMaxTokens),
        ),
    }
    if totals.validation:
        # Their tokens are among those of the training.
        validated = Quantity(totals.validation, totals.validation)
        parts["validation"] = Work(rollouts=validated, tokens_in=NOTHING, tokens_out=NOTHING)
    steps = rollouts.times(1 / (job.batchSize * job.trainingSamplePerPrompt))
    seconds = _exactly(totals.grade_seconds)
    return Usage(
        steps=Quantity(int(steps.low), int(steps.high)),
        parts=parts,
        judge=JudgeWork(
            calls=_exactly(totals.judge_calls),
            tokens_in=_exactly(totals.judge_tokens_in),
            tokens_out=_exactly(totals.judge_tokens_out),
        ),
        grader_gb_seconds=None if facts.memory_mib is None else seconds.times(facts.memory_mib / 1024),
        training_hours=_exactly(training_hours),
        deployment_hours=deployment_hours,
    )


def work_of(planned: Work, rollouts: int, tokens_out: int) -> Work:
    """Return what a part of a run used that is over; its prompts' tokens stay a range, in proportion to what was drawn.

    Args:
        planned: What it was expected to use.
        rollouts: Completions that were drawn.
        tokens_out: Their tokens.
    """
    share = rollouts / max(1.0, planned.rollouts.high)
    return Work(rollouts=_exactly(rollouts), tokens_in=planned.tokens_in.times(share), tokens_out=_exactly(tokens_out))


def _tokens(characters: float, most: float) -> Quantity:
    """Return how many tokens a text has that is known by its length alone."""
    fewest = characters / _MOST_CHARACTERS
    return Quantity(fewest, max(fewest, most))


def _exactly(number: float) -> Quantity:
    return Quantity(number, number)

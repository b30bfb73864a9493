"""The range of what a run uses, from its recipe, its prompts and its reward."""

from collections.abc import Mapping

from rft_contract.recipe import Recipe
from rft_contract.recipe_sections import GUARD
from rft_contract.reward_facts import RewardFacts
from rft_contract.settings import PlatformSettings
from rft_runtime.planning.grader_time import GraderTime, assumed_time, recommended_concurrency
from rft_runtime.planning.prompt_sizes import PromptSizes
from rft_runtime.planning.quantity import NOTHING, Quantity, total
from rft_runtime.planning.usage import JudgeWork, Usage, Work
from rft_runtime.probing.probe_sample import samples_of
from rft_runtime.shards import BASE, CANDIDATE, HELD_OUT, LIVE

JUDGE_FRAME = Quantity(500, 2000)
"""Tokens of a question to a judge beside rubric, prompt and completion: instructions, marks, reference."""

_BYTES_PER_TOKEN = Quantity(2.5, 4.5)
"""Of the rubric, which is prose; see `rft_dataset.prompt_lengths.RATES`."""


def estimate(
    recipe: Recipe,
    sizes: Mapping[str, PromptSizes],
    facts: RewardFacts,
    settings: PlatformSettings,
    *,
    has_live: bool,
    hours_beside_training: float,
    time: GraderTime | None = None,
) -> Usage:
    """Return what a run uses at least and at most.

    Args:
        recipe: The run's.
        sizes: Split -> its prompts.
        facts: Of the recipe's reward.
        settings: The environment's.
        has_live: Whether the line has a live release, which is evaluated too.
        hours_beside_training: What the execution may take beside its training job.
        time: How long its reward takes for a rollout. None: as is assumed for its kinds of graders.
    """
    time = time or assumed_time(facts)
    steps, training = training_of(recipe, sizes["train"])
    parts = {"training": training}
    if "validation" in sizes and settings.validation_data:
        parts["validation"] = _drawn(
            recipe, sizes["validation"].rows, sizes["validation"].tokens, Quantity(0, looks_of(recipe, steps))
        )
    if recipe.probe.prompts:
        parts["probe"] = _probe(recipe, sizes["train"])
    parts |= _evaluation(recipe, sizes, has_live=has_live)
    judge = judges_of(recipe, parts, facts, splits=len(sizes))
    hours = min(recipe.limits.hours, settings.deadline_hours)
    return Usage(
        steps=steps,
        parts=parts,
        judge=judge,
        grader_gb_seconds=_gb_seconds(parts, facts, time),
        grader_calls_at_once=recommended_concurrency(recipe, time),
        training_hours=Quantity(0, hours),
        deployment_hours=Quantity(0, hours_beside_training),
        assumptions=_assumptions(recipe, facts, time),
    )


def training_of(recipe: Recipe, train: PromptSizes) -> tuple[Quantity, Work]:
    """Return the job's steps and its work: at most, its last step of an epoch is filled up.

    Args:
        recipe: The run's.
        train: The prompts that the job reads.
    """
    job = recipe.hyperparameters
    kept, samples = train.kept(job.maxPromptLength), job.trainingSamplePerPrompt
    steps = Quantity(job.steps(int(kept.low)), job.steps(int(kept.high)))
    rollouts = Quantity(kept.low * job.epochCount * samples, steps.high * job.batchSize * samples)
    tokens = train.kept_tokens(job.maxPromptLength).times(job.epochCount * samples)
    filled = rollouts.high / max(1, kept.high * job.epochCount * samples)
    return steps, _work(recipe, rollouts, tokens.times(1, filled))


def looks_of(recipe: Recipe, steps: Quantity) -> float:
    """Return how often a job scores the validation set at most: every `evalInterval` steps, and at both ends."""
    return steps.high // recipe.hyperparameters.evalInterval + 2


def _probe(recipe: Recipe, train: PromptSizes) -> Work:
    """Return Probe's work: which prompts are drawn is not known yet."""
    prompts, samples = min(recipe.probe.prompts, train.rows), samples_of(recipe)
    shortest, longest = sorted(train.fewest)[:prompts], sorted(train.most, reverse=True)[:prompts]
    return _drawn(recipe, prompts, Quantity(sum(shortest), sum(longest)), Quantity(samples, samples))


def _evaluation(recipe: Recipe, sizes: Mapping[str, PromptSizes], *, has_live: bool) -> dict[str, Work]:
    """Return the work of each model: greedy and sampled completions of the held-out set, and of the guard sets."""
    completions = 1 + recipe.gate.samples_per_prompt
    times = Quantity(completions, completions)
    held_out = sizes[HELD_OUT]
    guards = [size for split, size in sizes.items() if split.startswith(GUARD)]
    rows = held_out.rows + sum(size.rows for size in guards)
    tokens = total([held_out.tokens, *(size.tokens for size in guards)])
    both = _drawn(recipe, rows, tokens, times)
    live = {LIVE: _drawn(recipe, held_out.rows, held_out.tokens, times)} if has_live else {}
    return {BASE: both, CANDIDATE: both, **live}


def _drawn(recipe: Recipe, rows: float, tokens: Quantity, times: Quantity) -> Work:
    """Return the work of drawing completions of prompts a number of times."""
    return _work(recipe, times.times(rows), tokens.times(times.low, times.high))


def _work(recipe: Recipe, rollouts: Quantity, tokens_in: Quantity) -> Work:
    longest = recipe.hyperparameters.inferenceMaxTokens
    return Work(rollouts=rollouts, tokens_in=tokens_in, tokens_out=rollouts.times(1, longest))


def judges_of(recipe: Recipe, parts: Mapping[str, Work], facts: RewardFacts, *, splits: int) -> JudgeWork:
    """Return what judges are asked: at least once for each group of equal completions, at most for every rollout.

    Args:
        recipe: The run's.
        parts: What is graded.
        facts: Of the recipe's reward.
        splits: Datasets that Certify tries the reward on.
    """
    if not facts.judges:
        return JudgeWork()
    rollouts = total([work.rollouts for work in parts.values()])
    tokens = total([work.tokens_in + work.tokens_out for work in parts.values()])
    # Completions of one event that are the same share one question, and a group may be all the same.
    share = 1 / max(
        recipe.hyperparameters.trainingSamplePerPrompt, samples_of(recipe), 1 + recipe.gate.samples_per_prompt
    )
    certified = recipe.certify.budget * splits
    each = recipe.hyperparameters.inferenceMaxTokens + tokens.high / max(1.0, rollouts.high)
    calls = tokens_in = tokens_out = NOTHING
    for judge in facts.judges:
        asked = rollouts.times(share * judge.samples if judge.always else 0, judge.samples) + Quantity(0, certified)
        rubric = Quantity(judge.rubric_bytes / _BYTES_PER_TOKEN.high, judge.rubric_bytes / _BYTES_PER_TOKEN.low)
        frame = JUDGE_FRAME + rubric
        said = tokens.times(share * judge.samples if judge.always else 0, judge.samples) + Quantity(0, certified * each)
        calls += asked
        tokens_in += said + asked.times(frame.low, frame.high)
        tokens_out += asked.times(1, judge.max_tokens)
    return JudgeWork(calls=calls, tokens_in=tokens_in, tokens_out=tokens_out)


def _gb_seconds(parts: Mapping[str, Work], facts: RewardFacts, time: GraderTime) -> Quantity | None:
    if facts.memory_mib is None:
        return None
    graded = total([work.rollouts for work in parts.values()])
    return graded.times(time.seconds.low, time.seconds.high).times(facts.memory_mib / 1024)


def _assumptions(recipe: Recipe, facts: RewardFacts, time: GraderTime) -> list[str]:
    longest = recipe.hyperparameters.inferenceMaxTokens
    told = [
        "prompt tokens are a range, because the tokenizer is not public; prompts above maxPromptLength are left out",
        f"a completion has 1 to {longest:,} tokens (inferenceMaxTokens)",
        "the job does not stop early, which Bedrock may do by itself, and grades every rollout once; it repeats calls "
        "that fail",
        f"grading a rollout takes {time.words()}",
        "how long Bedrock trains is not documented: the job's hours go from 0 to its deadline",
        "not counted: storage, logs, metrics, Step Functions, what handlers and the code runner take in Lambda, and "
        "what Certify asks of graders without a judge",
    ]
    if facts.memory_mib is None:
        told.append("the reward function belongs to another stack: its memory, range and judges are unknown")
    return told

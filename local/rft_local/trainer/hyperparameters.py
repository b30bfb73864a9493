"""From Bedrock's hyperparameters to what the embedded trainer does: asked, used, and why."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from rft_contract.hyperparameters import Hyperparameters
from rft_contract.json_value import JsonValue

MAX_ROLLOUTS = 256
"""Rollouts of one step at most: two cores draw 128 short ones in about two seconds."""

MAX_TOKENS = 64
"""Longest completion that is trained here, tokens."""

MAX_PROMPT_TOKENS = 1024
"""Longest prompt that is trained here, tokens."""


@dataclass(frozen=True)
class AskedUsed:
    """One line of the report's first table.

    Args:
        name: Bedrock's name of the setting, or ours where Bedrock has none.
        asked: The value of the request. None: it has none.
        used: The value the embedded trainer uses. None: it has no effect.
        why: The rule, in a few words.
    """

    name: str
    asked: object
    used: object
    why: str


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """Everything the training loop needs to know.

    Args:
        batch_size: Prompts a step.
        samples: Rollouts of each prompt.
        epochs: Passes over the training prompts.
        steps: Steps that the epochs take.
        max_tokens: Longest completion, tokens.
        max_prompt_tokens: Longer prompts are dropped, tokens.
        eval_interval: Steps between validations; the last step is validated too.
        budget_seconds: Training ends after the step that uses it up, wall-clock seconds. None: no limit.
        learning_rate: Of Adam, after the warm-up.
        warmup_steps: Steps over which the rate rises linearly.
        temperature: Of the rollouts. At 1 the 4-bit base model's answers scatter so widely that few groups have any
            contrast early on (0.12 of them against 0.56 at 0.7 in the first step of a six-class routing task).
        by_std: Whether advantages are divided by the group's standard deviation.
        clip_low: Lower clipping distance of the probability ratio.
        clip_high: Upper one (0.2 and 0.28 as in DAPO, https://arxiv.org/abs/2503.14476).
        max_norm: Gradients are scaled down to this length.
        rank: Of the adapter.
        first_layer: The lowest trained layer.
    """

    batch_size: int
    samples: int
    epochs: int
    steps: int
    max_tokens: int
    max_prompt_tokens: int
    eval_interval: int
    budget_seconds: float | None = None
    learning_rate: float = 5e-4
    warmup_steps: int = 3
    temperature: float = 0.7
    by_std: bool = True
    clip_low: float = 0.2
    clip_high: float = 0.28
    max_norm: float = 1.0
    rank: int = 16
    first_layer: int = 20


def plan_training(
    hyperparameters: Mapping[str, object], *, rows: int, budget_seconds: float | None
) -> tuple[TrainingPlan, tuple[AskedUsed, ...]]:
    """Turn a job's hyperparameters into a plan.

    Args:
        hyperparameters: `customizationConfig.rftConfig.hyperParameters`; what is left out has Bedrock's RFT defaults.
        rows: Training prompts.
        budget_seconds: Wall-clock seconds the training may take. None: no limit.

    Returns:
        The plan, and one line for every setting: what was asked, what is used, why.

    Raises:
        ValueError: When Bedrock would refuse a value, or there are no rows.
    """
    if rows < 1:
        raise ValueError(f"training prompts: got {rows}, wanted at least 1")
    asked = Hyperparameters.from_json(_json(hyperparameters))
    samples = asked.trainingSamplePerPrompt
    batch_size = min(asked.batchSize, rows, MAX_ROLLOUTS // samples)
    plan = TrainingPlan(
        batch_size=batch_size,
        samples=samples,
        epochs=asked.epochCount,
        steps=math.ceil(rows * asked.epochCount / batch_size),
        max_tokens=min(asked.inferenceMaxTokens, MAX_TOKENS),
        max_prompt_tokens=min(asked.maxPromptLength, MAX_PROMPT_TOKENS),
        eval_interval=asked.evalInterval,
        budget_seconds=budget_seconds,
        learning_rate=asked.learningRate,
    )
    return plan, (*_bedrocks(asked, plan, rows), *_ours(plan))


def _json(hyperparameters: Mapping[str, object]) -> dict[str, JsonValue]:
    values: dict[str, JsonValue] = {}
    for name, value in hyperparameters.items():
        if value is not None and not isinstance(value, (bool, int, float, str)):
            raise ValueError(f"hyperparameters.{name}: got {type(value).__name__}, wanted a number or a text")
        values[name] = value
    return values


def _bedrocks(asked: Hyperparameters, plan: TrainingPlan, rows: int) -> tuple[AskedUsed, ...]:
    """The settings that a Bedrock request can carry."""
    if plan.batch_size == asked.batchSize:
        batch = "honoured"
    elif plan.batch_size == rows:
        batch = f"capped: there are {rows} training prompts"
    else:
        batch = f"capped: at most {MAX_ROLLOUTS} rollouts a step on two cores"
    tokens = "honoured" if plan.max_tokens == asked.inferenceMaxTokens else f"capped: at most {MAX_TOKENS} locally"
    prompts = "longer prompts are dropped and counted"
    if plan.max_prompt_tokens < asked.maxPromptLength:
        prompts = f"capped: at most {MAX_PROMPT_TOKENS} locally; {prompts}"
    limit = "no time limit" if plan.budget_seconds is None else f"ends earlier after {plan.budget_seconds:g} s"
    return (
        AskedUsed("epochCount", asked.epochCount, plan.epochs, f"honoured: {plan.steps} steps; {limit}"),
        AskedUsed("batchSize", asked.batchSize, plan.batch_size, batch),
        AskedUsed("trainingSamplePerPrompt", asked.trainingSamplePerPrompt, plan.samples, "honoured"),
        AskedUsed("evalInterval", asked.evalInterval, plan.eval_interval, "honoured; the last step is validated too"),
        AskedUsed("maxPromptLength", asked.maxPromptLength, plan.max_prompt_tokens, prompts),
        AskedUsed("inferenceMaxTokens", asked.inferenceMaxTokens, plan.max_tokens, tokens),
        AskedUsed(
            "learningRate",
            asked.learningRate,
            plan.learning_rate,
            "taken, but no transfer: what suits an adapter of a 135M model says nothing about Bedrock's",
        ),
        AskedUsed("reasoningEffort", asked.reasoningEffort, None, "no effect: the stand-in does not reason first"),
        AskedUsed("customModelKmsKeyId", None, None, "no effect: the adapter is a local file"),
        AskedUsed("vpcConfig", None, None, "no effect: nothing leaves this machine"),
    )


def _ours(plan: TrainingPlan) -> tuple[AskedUsed, ...]:
    """Choices that Bedrock makes too, but does not publish or let a request set."""
    unknown = "ours: not published for Bedrock"
    return (
        AskedUsed("algorithm", None, "GRPO, one update a batch of rollouts", unknown),
        AskedUsed("rollout temperature", None, plan.temperature, unknown),
        AskedUsed("advantage", None, "(reward - mean) / std" if plan.by_std else "reward - mean", unknown),
        AskedUsed("clip", None, f"{plan.clip_low:g} below 1, {plan.clip_high:g} above", unknown),
        AskedUsed("KL penalty", None, 0.0, unknown),
        AskedUsed("adapter", None, f"LoRA rank {plan.rank}, layers {plan.first_layer} and up", unknown),
        AskedUsed("warm-up", None, f"{plan.warmup_steps} steps", unknown),
        AskedUsed("early stopping", None, "none", unknown),
    )

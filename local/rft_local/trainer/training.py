"""The training loop: sample groups of rollouts, have them rewarded, take one policy-gradient step, repeat."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from rft_local.trainer import adam
from rft_local.trainer.adapter import Adapter, Factors, fold
from rft_local.trainer.grpo import Clip, GrpoGradient, edges, group_advantages
from rft_local.trainer.hyperparameters import TrainingPlan
from rft_local.trainer.sampling import Decoding
from rft_local.trainer.stand_in import Completion, Group, Message, StandIn

MAX_LOG_PROB_GAP = 1e-4
"""Nats. Sampler and update compute the same thing in another order; a larger gap means that one of them is wrong."""

_TRAIN, _VALIDATION = 1, 2
"""Keep the luck of the two splits apart."""


class Stopped(Exception):
    """Training ended because it was asked to; there is no adapter."""


class LogProbGapError(RuntimeError):
    """Sampler and update disagree about the probability of the sampled tokens."""


class RewardError(ValueError):
    """The reward call returned something that is not one finite number for each rollout."""


@dataclass(frozen=True)
class Row:
    """One prompt of a dataset.

    Args:
        messages: The conversation up to the assistant's turn.
        payload: What the reward function needs besides; the trainer does not look into it.
    """

    messages: Sequence[Message]
    payload: Mapping[str, object]


@dataclass(frozen=True)
class Rollout:
    """One completion to be rewarded.

    Args:
        row: The prompt.
        completion: What the model said.
        group: The prompt's index in its step; rollouts of a prompt share it.
        split: Whether it is learned from.
    """

    row: Row
    completion: Completion
    group: int
    split: Literal["train", "validation"]


RewardCall: TypeAlias = Callable[[Sequence[Rollout]], Sequence[float]]
"""Returns a reward for each rollout, in order."""


@dataclass(frozen=True)
class StepRecord:
    """What one step showed.

    Args:
        step: From 1.
        steps: Planned steps; a time budget can end training earlier.
        reward: Mean reward of the rollouts.
        validation_reward: Mean reward on the validation prompts, one completion each. None: not evaluated at this step.
        episode_length: Mean completion length, tokens.
        policy_entropy: Mean entropy of the rollouts' token distributions, at the rollout temperature, nats.
        gradient_norm: Before clipping; 0.0 when no group had contrast.
        mixed_groups: Share of groups whose rewards differ; only these teach.
        seconds: Wall-clock time of sampling, reward and update, without validation.
        cpu_seconds: The same in CPU time of this process, all threads.
        log_prob_gap: Mean distance between sampler and update, nats a token; 0.0 when nothing was computed twice.
        clipped: Share of completions that the token limit cut off.
    """

    step: int
    steps: int
    reward: float
    validation_reward: float | None
    episode_length: float
    policy_entropy: float
    gradient_norm: float
    mixed_groups: float
    seconds: float
    cpu_seconds: float
    log_prob_gap: float
    clipped: float


@dataclass(frozen=True)
class _Encoded:
    row: Row
    tokens: list[int]


def rows_that_fit(stand_in: StandIn, rows: Sequence[Row], plan: TrainingPlan) -> list[Row]:
    """Return the rows whose prompts are no longer than `plan.max_prompt_tokens`; `train` drops the others."""
    return [row for row in rows if stand_in.count_tokens(row.messages) <= plan.max_prompt_tokens]


def train(
    stand_in: StandIn,
    rows: Sequence[Row],
    validation: Sequence[Row],
    plan: TrainingPlan,
    *,
    reward: RewardCall,
    seed: int,
    on_step: Callable[[StepRecord], None],
    should_stop: Callable[[], bool],
) -> Adapter:
    """Train an adapter.

    Args:
        stand_in: The base model.
        rows: Training prompts.
        validation: Prompts that are scored every `plan.eval_interval` steps and after the last; may be empty.
        plan: See `plan_training`.
        reward: Called with each step's rollouts, and with the validation's.
        seed: Of the adapter, the order of prompts and the draws.
        on_step: Called after each step.
        should_stop: Asked before each part of a step.

    Returns:
        The trained adapter.

    Raises:
        Stopped: When `should_stop` said so.
        ValueError: When no training prompt fits `plan.max_prompt_tokens`.
        RewardError: When the reward call's answer is not one finite number a rollout.
        LogProbGapError: When the trainer's self-check fails.
    """
    loop = _Loop(stand_in, plan, reward, seed, should_stop)
    prompts, held_back = loop.encode(rows), loop.encode(validation)
    if not prompts:
        raise ValueError(
            f"training prompts: none of {len(rows)} has at most {plan.max_prompt_tokens} tokens; raise maxPromptLength"
        )
    started = time.monotonic()
    for step, batch in enumerate(_batches(prompts, plan, seed), start=1):
        record = loop.step(step, batch)
        spent = time.monotonic() - started
        last = step == plan.steps or (plan.budget_seconds is not None and spent >= plan.budget_seconds)
        if held_back and (last or step % plan.eval_interval == 0):
            record = replace(record, validation_reward=loop.validate(held_back))
        on_step(record)
        if last:
            break
    return loop.adapter


def _batches(prompts: Sequence[_Encoded], plan: TrainingPlan, seed: int) -> Iterator[list[_Encoded]]:
    """Yield `plan.steps` batches: each epoch a new order, batches running over from one epoch to the next."""
    random = np.random.default_rng([seed, len(prompts)])
    queue: list[int] = []
    for _ in range(plan.steps):
        while len(queue) < plan.batch_size:
            queue += random.permutation(len(prompts)).tolist()
        batch, queue = queue[: plan.batch_size], queue[plan.batch_size :]
        yield [prompts[index] for index in batch]


class _Loop:
    """The state of a training run."""

    def __init__(
        self, stand_in: StandIn, plan: TrainingPlan, reward: RewardCall, seed: int, should_stop: Callable[[], bool]
    ) -> None:
        self._stand_in, self._plan, self._reward, self._seed = stand_in, plan, reward, seed
        self._should_stop = should_stop
        self.adapter = Adapter.fresh(stand_in.model, first_layer=plan.first_layer, rank=plan.rank, seed=seed)
        self._moments = adam.start(self.adapter.factors)
        self._gradient = GrpoGradient(stand_in.model, first_layer=plan.first_layer)

    def encode(self, rows: Sequence[Row]) -> list[_Encoded]:
        """Tokenize, and drop what is too long."""
        encoded = [_Encoded(row, self._stand_in.tokenizer.encode_chat(row.messages)) for row in rows]
        return [item for item in encoded if len(item.tokens) <= self._plan.max_prompt_tokens]

    def step(self, step: int, batch: Sequence[_Encoded]) -> StepRecord:
        """Sample, reward, update."""
        began, cpu_began = time.monotonic(), time.process_time()
        groups = self._draw(batch, samples=self._plan.samples, seed=(self._seed, _TRAIN, step))
        completions = [[self._stand_in.completion(draw) for draw in group.draws] for group in groups]
        rewards = self._rewards(batch, completions, "train")
        self._stop_if_asked()
        norm, gap = self._update(step, groups, rewards)
        everyone = [completion for group in completions for completion in group]
        lengths = [completion.tokens for completion in everyone]
        return StepRecord(
            step=step,
            steps=self._plan.steps,
            reward=float(np.mean(rewards)),
            validation_reward=None,
            episode_length=float(np.mean(lengths)),
            policy_entropy=float(np.average([completion.entropy for completion in everyone], weights=lengths)),
            gradient_norm=norm,
            mixed_groups=float(np.mean([len(set(group)) > 1 for group in rewards])),
            seconds=time.monotonic() - began,
            cpu_seconds=time.process_time() - cpu_began,
            log_prob_gap=gap,
            clipped=float(np.mean([completion.stop_reason == "max_tokens" for completion in everyone])),
        )

    def validate(self, prompts: Sequence[_Encoded]) -> float:
        """Return the mean reward of one completion for each validation prompt, with the same luck each time."""
        groups = self._draw(prompts, samples=1, seed=(self._seed, _VALIDATION))
        completions = [[self._stand_in.completion(draw) for draw in group.draws] for group in groups]
        return float(np.mean(self._rewards(prompts, completions, "validation")))

    def _draw(self, batch: Sequence[_Encoded], *, samples: int, seed: tuple[int, ...]) -> list[Group]:
        self._stop_if_asked()
        decoding = Decoding(max_tokens=self._plan.max_tokens, temperature=self._plan.temperature)
        layers = fold(self._stand_in.model, self.adapter)
        return list(
            self._stand_in.draw(
                [item.tokens for item in batch],
                layers,
                samples=samples,
                decoding=decoding,
                seed=seed,
                frozen=self._plan.first_layer,
            )
        )

    def _rewards(
        self,
        batch: Sequence[_Encoded],
        completions: Sequence[Sequence[Completion]],
        split: Literal["train", "validation"],
    ) -> list[list[float]]:
        """Return each group's rewards."""
        self._stop_if_asked()
        rollouts = [
            Rollout(item.row, completion, group, split)
            for group, item in enumerate(batch)
            for completion in completions[group]
        ]
        values = list(self._reward(rollouts))
        if len(values) != len(rollouts):
            raise RewardError(f"reward call: got {len(values)} rewards for {len(rollouts)} rollouts, wanted one each")
        for index, value in enumerate(values):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise RewardError(f"reward call: rollout {index} got {value!r}, wanted a finite number")
        rest = iter(values)
        return [[float(next(rest)) for _ in group] for group in completions]

    def _update(self, step: int, groups: Sequence[Group], rewards: Sequence[Sequence[float]]) -> tuple[float, float]:
        """Take one step; returns the gradient's norm and the log-probability gap."""
        plan = self._plan
        total_tokens = sum(len(draw.tokens) for group in groups for draw in group.draws)
        found: Factors = jax.tree.map(jnp.zeros_like, dict(self.adapter.factors))
        gap = 0.0
        for reader in {id(group.reader): group.reader for group in groups}.values():
            draws, advantages = [], []
            for group, group_rewards in zip(groups, rewards, strict=True):
                if group.reader is reader:
                    draws += group.draws
                    advantages += group_advantages(group_rewards, by_std=plan.by_std).tolist()
            gradient = self._gradient(
                self.adapter,
                reader,
                edges(draws, advantages),
                total_tokens=total_tokens,
                temperature=plan.temperature,
                clip=Clip(plan.clip_low, plan.clip_high),
            )
            found = jax.tree.map(jnp.add, found, gradient.factors)
            gap = max(gap, gradient.log_prob_gap)
        if gap > MAX_LOG_PROB_GAP:
            raise LogProbGapError(
                f"step {step}: sampler and update differ by {gap:.1e} nats a token in log-probability, at most "
                f"{MAX_LOG_PROB_GAP:.0e} is rounding; this is a fault of the trainer, please report it"
            )
        rate = plan.learning_rate * min(1.0, step / max(1, plan.warmup_steps))
        factors, self._moments, norm = adam.step(self.adapter.factors, self._moments, found, rate, plan.max_norm)
        self.adapter = Adapter(self.adapter.first_layer, factors)
        return float(norm), gap

    def _stop_if_asked(self) -> None:
        if self._should_stop():
            raise Stopped("training was stopped on request; no adapter is kept")

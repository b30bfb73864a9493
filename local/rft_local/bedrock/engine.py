"""What the endpoint needs of a model: to count tokens, to generate, to train. The seam between the API and JAX."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypedDict

from rft_contract.hyperparameters import Hyperparameters
from rft_contract.json_value import JsonObject, JsonValue


class Message(TypedDict):
    """One turn of a prompt, as plain text."""

    role: str
    content: str


@dataclass(frozen=True)
class Completion:
    """One generated turn.

    Args:
        text: Its text.
        tokens: Tokens generated, the end token included.
        stop_reason: `end_turn`, or `max_tokens` when it was cut off.
    """

    text: str
    tokens: int
    stop_reason: str


@dataclass(frozen=True)
class Decoding:
    """How to sample. Requests with equal decoding can be answered together.

    Args:
        max_tokens: Longest completion.
        temperature: 0 is greedy.
        top_p: Nucleus; 1 is off.
    """

    max_tokens: int
    temperature: float
    top_p: float


@dataclass(frozen=True)
class TrainingRow:
    """One row of a dataset.

    Args:
        messages: The prompt.
        fields: Every other field of the row, for the reward function.
    """

    messages: Sequence[Message]
    fields: JsonObject


@dataclass(frozen=True)
class Rollout:
    """One sampled completion that wants a reward.

    Args:
        row: The row it answers.
        completion: Its text.
        group: Number of its group within the call; rollouts of one prompt share it.
    """

    row: TrainingRow
    completion: str
    group: int


@dataclass(frozen=True)
class TrainingStep:
    """What one training step measured; None where there is nothing to measure.

    Args:
        step: From 0.
        steps: Steps the plan has.
        epoch: From 0.
        seconds: Wall time of the step.
    """

    step: int
    steps: int
    epoch: int
    reward: float
    validation_reward: float | None
    episode_length: float
    policy_entropy: float
    gradient_norm: float
    mixed_groups: float
    seconds: float


@dataclass(frozen=True)
class AskedUsed:
    """How training follows one setting of the job.

    Args:
        name: Bedrock's name of it.
        asked: The job's value.
        used: The value that training took.
        why: The reason.
    """

    name: str
    asked: JsonValue
    used: JsonValue
    why: str


@dataclass(frozen=True)
class TrainingTask:
    """A training to do.

    Args:
        rows: Training rows.
        validation: Validation rows; may be empty.
        hyperparameters: The job's own.
        seed: Seed of everything random.
        adapter: Where to write the trained weights.
    """

    rows: Sequence[TrainingRow]
    validation: Sequence[TrainingRow]
    hyperparameters: Hyperparameters
    seed: int
    adapter: Path


@dataclass(frozen=True)
class TrainingHooks:
    """What training calls back.

    Args:
        planned: Called once before the first step with the number of steps and how the plan follows the request.
        reward: Returns one reward for each rollout, in their order.
        stepped: Called after every step.
        should_stop: Asked between steps; true ends the training early.
    """

    planned: Callable[[int, Sequence[AskedUsed]], None]
    reward: Callable[[Sequence[Rollout]], Sequence[float]]
    stepped: Callable[[TrainingStep], None]
    should_stop: Callable[[], bool]


class Engine(Protocol):
    """A model that can be served and trained."""

    @property
    def name(self) -> str:
        """The model's own name, for reports: what really answers."""

    def load(self) -> None:
        """Load the weights and compile; may take a while. Everything else does it on first use otherwise."""

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the length of a prompt in tokens."""

    def generate(
        self,
        prompts: Sequence[Sequence[Message]],
        *,
        adapter: Path | None,
        samples: int,
        decoding: Decoding,
        seed: int,
    ) -> Sequence[Sequence[Completion]]:
        """Return `samples` completions for each prompt.

        Args:
            prompts: The prompts.
            adapter: Trained weights to apply; None is the base model.
            samples: Completions a prompt.
            decoding: How to sample.
            seed: Seed of the sampling.
        """

    def train(self, task: TrainingTask, hooks: TrainingHooks) -> None:
        """Train, and write the adapter. Exceptions of the hooks pass through."""


class SharedEngine:
    """An engine for many threads: one computes at a time, and inference gets its turn while training awaits rewards.

    Args:
        engine: The engine to share.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = threading.Lock()

    @property
    def name(self) -> str:
        """The model's own name."""
        return self._engine.name

    def load(self) -> None:
        """Load the weights and compile."""
        with self._turn:
            self._engine.load()

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the length of a prompt in tokens; needs no turn."""
        return self._engine.count_tokens(messages)

    def generate(
        self,
        prompts: Sequence[Sequence[Message]],
        *,
        adapter: Path | None,
        samples: int,
        decoding: Decoding,
        seed: int,
    ) -> Sequence[Sequence[Completion]]:
        """Return `samples` completions for each prompt."""
        with self._turn:
            return self._engine.generate(prompts, adapter=adapter, samples=samples, decoding=decoding, seed=seed)

    def train(self, task: TrainingTask, hooks: TrainingHooks) -> None:
        """Train, giving the turn away whenever rewards are awaited."""

        def reward(rollouts: Sequence[Rollout]) -> Sequence[float]:
            with self._away():
                return hooks.reward(rollouts)

        with self._turn:
            self._engine.train(task, replace(hooks, reward=reward))

    @contextmanager
    def _away(self) -> Iterator[None]:
        self._turn.release()
        try:
            yield
        finally:
            self._turn.acquire()

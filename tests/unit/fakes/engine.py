"""A model without weights, for the Bedrock endpoint."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rft_local.bedrock.engine import (
    AskedUsed,
    Completion,
    Decoding,
    Message,
    Rollout,
    TrainingHooks,
    TrainingStep,
    TrainingTask,
)


@dataclass
class FakeEngine:
    """A model without weights: it repeats the question, and its training takes `steps` steps of two prompts.

    Args:
        steps: Steps of every training.
        go: Training waits for it before its second step.
        failure: Raised by `generate` for a prompt that contains it.
    """

    steps: int = 3
    go: threading.Event = field(default_factory=threading.Event)
    failure: str = ""
    calls: list[tuple[int, int, Path | None]] = field(default_factory=list)
    tasks: list[TrainingTask] = field(default_factory=list)
    name: str = "fake model"

    def load(self) -> None:
        """Nothing to load."""

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Words count as tokens."""
        return sum(len(message["content"].split()) for message in messages)

    def generate(
        self,
        prompts: Sequence[Sequence[Message]],
        *,
        adapter: Path | None,
        samples: int,
        decoding: Decoding,
        seed: int,
    ) -> Sequence[Sequence[Completion]]:
        """Repeat the last turn, `max_tokens` words of it."""
        self.calls.append((len(prompts), samples, adapter))
        if self.failure and any(self.failure in prompt[-1]["content"] for prompt in prompts):
            raise ValueError(f"the prompt {self.failure} does not fit")
        return [[_repeated(prompt, decoding, sample) for sample in range(samples)] for prompt in prompts]

    def train(self, task: TrainingTask, hooks: TrainingHooks) -> None:
        """Have two prompts rewarded in each step."""
        self.tasks.append(task)
        lines = [
            AskedUsed("batchSize", task.hyperparameters.batchSize, 2, "two prompts a step"),
            AskedUsed("customModelKmsKeyId", None, None, "no effect"),
        ]
        hooks.planned(self.steps, lines)
        for step in range(self.steps):
            if step:
                self.go.wait(10)
            if hooks.should_stop():
                raise RuntimeError("stopped")
            rollouts = [
                Rollout(row, f"completion {sample}", group)
                for group, row in enumerate(task.rows[2 * step : 2 * step + 2])
                for sample in range(task.hyperparameters.trainingSamplePerPrompt)
            ]
            rewards = hooks.reward(rollouts)
            last = step == self.steps - 1
            hooks.stepped(
                TrainingStep(
                    step=step,
                    steps=self.steps,
                    epoch=0,
                    reward=sum(rewards) / len(rewards),
                    validation_reward=0.25 if last and task.validation else None,
                    episode_length=2.0,
                    policy_entropy=1.5,
                    gradient_norm=0.1,
                    mixed_groups=0.5,
                    seconds=0.01,
                )
            )
        task.adapter.write_bytes(b"weights")


def _repeated(prompt: Sequence[Message], decoding: Decoding, sample: int) -> Completion:
    words = [*prompt[-1]["content"].split(), f"#{sample}"][: decoding.max_tokens]
    reason = "max_tokens" if len(words) == decoding.max_tokens else "end_turn"
    return Completion(" ".join(words), len(words), reason)

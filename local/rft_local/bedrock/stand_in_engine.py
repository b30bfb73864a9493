"""The embedded trainer behind the endpoint's seam. JAX is imported on first use: tests of the API do without it."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rft_contract.json_value import JsonValue
from rft_local.bedrock.engine import (
    AskedUsed,
    Completion,
    Decoding,
    Message,
    Rollout,
    TrainingHooks,
    TrainingRow,
    TrainingStep,
    TrainingTask,
)

if TYPE_CHECKING:
    from rft_local.trainer import training
    from rft_local.trainer.adapter import Adapter
    from rft_local.trainer.hyperparameters import TrainingPlan
    from rft_local.trainer.stand_in import StandIn

_ADAPTERS = 4
"""Adapters kept in memory; each is about 6 MB."""


class StandInEngine:
    """SmolLM2-135M-Instruct, served and trained on this machine's processor.

    Args:
        weights: The GGUF file.
        budget_seconds: Longest training.
    """

    name = "SmolLM2-135M-Instruct"

    def __init__(self, weights: Path, budget_seconds: float) -> None:
        self._weights = weights
        self._budget_seconds = budget_seconds
        self._loading = threading.Lock()
        self._loaded: StandIn | None = None
        self._adapters: OrderedDict[Path, Adapter] = OrderedDict()

    def load(self) -> None:
        """Load the weights and answer once, so that the first request finds everything compiled.

        Raises:
            rft_local.trainer.gguf.GgufError: When the file is not a model that can be read here.
        """
        prompt = [Message(role="user", content="Hello")]
        self.generate([prompt], adapter=None, samples=1, decoding=Decoding(2, 0.0, 1.0), seed=0)

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the length of a prompt in tokens, chat markup included."""
        return self._stand_in().count_tokens(_turns(messages))

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

        Raises:
            ValueError: When a prompt does not fit the context.
        """
        answers = self._stand_in().generate(
            [_turns(prompt) for prompt in prompts],
            adapter=self._adapter(adapter) if adapter else None,
            samples=samples,
            max_tokens=decoding.max_tokens,
            temperature=decoding.temperature if decoding.top_p > 0 else 0.0,
            top_p=decoding.top_p if decoding.top_p > 0 else 1.0,
            seed=seed,
        )
        return [[Completion(item.text, item.tokens, item.stop_reason) for item in group] for group in answers]

    def train(self, task: TrainingTask, hooks: TrainingHooks) -> None:
        """Train with GRPO, and write the adapter.

        Raises:
            ValueError: When no row is short enough.
            rft_local.trainer.training.Stopped: When `hooks.should_stop` said so.
        """
        from rft_local.trainer import training
        from rft_local.trainer.hyperparameters import plan_training

        stand_in = self._stand_in()
        asked = task.hyperparameters
        plan, _ = plan_training(asked.to_json(), rows=len(task.rows), budget_seconds=self._budget_seconds)
        fitting = training.rows_that_fit(stand_in, [_row(row) for row in task.rows], plan)
        if not fitting:
            raise ValueError(f"none of the {len(task.rows)} prompts has at most {plan.max_prompt_tokens} tokens")
        plan, table = plan_training(asked.to_json(), rows=len(fitting), budget_seconds=self._budget_seconds)
        dropped = AskedUsed(
            "training prompts",
            len(task.rows),
            len(fitting),
            f"{len(task.rows) - len(fitting)} longer than {plan.max_prompt_tokens} tokens were dropped",
        )
        lines = [AskedUsed(row.name, _json(row.asked), _json(row.used), row.why) for row in table]
        hooks.planned(plan.steps, [dropped, *lines])
        adapter = training.train(
            stand_in,
            fitting,
            [_row(row) for row in task.validation],
            plan,
            reward=lambda rollouts: hooks.reward([_rollout(rollout) for rollout in rollouts]),
            seed=task.seed,
            on_step=lambda record: hooks.stepped(_step(record, plan, len(fitting))),
            should_stop=hooks.should_stop,
        )
        adapter.save(task.adapter)

    def _stand_in(self) -> "StandIn":
        with self._loading:
            if self._loaded is None:
                from rft_local.trainer.stand_in import StandIn

                self._loaded = StandIn.load(self._weights)
            return self._loaded

    def _adapter(self, path: Path) -> "Adapter":
        """Return an adapter; the same object while it is kept, because the stand-in keeps it folded by identity."""
        from rft_local.trainer.adapter import Adapter

        if path not in self._adapters:
            self._adapters[path] = Adapter.load(path, self._stand_in().model)
            if len(self._adapters) > _ADAPTERS:
                self._adapters.popitem(last=False)
        self._adapters.move_to_end(path)
        return self._adapters[path]


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": turn["role"], "content": turn["content"]} for turn in messages]


def _row(row: TrainingRow) -> "training.Row":
    from rft_local.trainer.training import Row

    return Row(messages=_turns(row.messages), payload={"row": row})


def _rollout(rollout: "training.Rollout") -> Rollout:
    row = rollout.row.payload["row"]
    if not isinstance(row, TrainingRow):
        raise TypeError(f"a rollout's payload holds a {type(row).__name__}")
    return Rollout(row=row, completion=rollout.completion.text, group=rollout.group)


def _step(record: "training.StepRecord", plan: "TrainingPlan", rows: int) -> TrainingStep:
    return TrainingStep(
        step=record.step - 1,
        steps=record.steps,
        epoch=(record.step - 1) * plan.batch_size // rows,
        reward=record.reward,
        validation_reward=record.validation_reward,
        episode_length=record.episode_length,
        policy_entropy=record.policy_entropy,
        gradient_norm=record.gradient_norm,
        mixed_groups=record.mixed_groups,
        seconds=record.seconds,
    )


def _json(value: object) -> JsonValue:
    """Return a setting as JSON has it: tuples become lists."""
    builtin: JsonValue = msgspec.json.decode(msgspec.json.encode(value))
    return builtin

"""The whole loop on a model that trains in seconds."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from rft_local.trainer import training
from rft_local.trainer.adapter import Adapter
from rft_local.trainer.hyperparameters import TrainingPlan
from rft_local.trainer.model import Layer, Model
from rft_local.trainer.training import (
    LogProbGapError,
    RewardError,
    Rollout,
    Row,
    StepRecord,
    Stopped,
    rows_that_fit,
    train,
)
from tests.unit.trainer_tiny import tiny_stand_in

PLAN = TrainingPlan(
    batch_size=4,
    samples=8,
    epochs=1,
    steps=30,
    max_tokens=4,
    max_prompt_tokens=100,
    eval_interval=10,
    learning_rate=0.02,
    temperature=1.0,
    rank=4,
    first_layer=1,
)
STAND_IN = tiny_stand_in()


def rows(*prompts: str) -> list[Row]:
    return [Row([{"role": "system", "content": "s"}, {"role": "user", "content": prompt}], {}) for prompt in prompts]


ROWS = rows("a", "b", "c", "d", "e", "f")


def letters(rollouts: Sequence[Rollout]) -> list[float]:
    """Share of the completion's characters that are ASCII letters; an empty one scores 0."""
    texts = [rollout.completion.text for rollout in rollouts]
    return [sum(c.isascii() and c.isalpha() for c in text) / max(1, len(text)) for text in texts]


def trained(
    plan: TrainingPlan,
    *,
    reward: Callable[[Sequence[Rollout]], Sequence[float]] = letters,
    validation: Sequence[Row] = (),
    seed: int = 0,
) -> tuple[Adapter, list[StepRecord]]:
    records: list[StepRecord] = []
    adapter = train(
        STAND_IN, ROWS, validation, plan, reward=reward, seed=seed, on_step=records.append, should_stop=lambda: False
    )
    return adapter, records


@pytest.mark.parametrize("by_std", [True, False], ids=["mean and std", "mean only"])
def test_reward_rises(by_std: bool) -> None:
    adapter, records = trained(replace(PLAN, by_std=by_std), validation=rows("x", "y"))
    assert [record.step for record in records] == list(range(1, 31))
    before, after = (np.mean([record.reward for record in part]) for part in (records[:3], records[-3:]))
    assert before < 0.35
    assert after > before + 0.2
    assert records[-1].policy_entropy < records[0].policy_entropy - 0.5
    assert max(record.log_prob_gap for record in records) < training.MAX_LOG_PROB_GAP
    assert [record.step for record in records if record.validation_reward is not None] == [10, 20, 30]
    messages = [row.messages for row in ROWS]
    settings = {"samples": 4, "max_tokens": 4, "temperature": 1.0, "top_p": 1.0, "seed": 0}
    share = {
        name: np.mean(
            [letters([Rollout(row, c, 0, "train") for c in group]) for row, group in zip(ROWS, answers, strict=True)]
        )
        for name, answers in (
            ("base", STAND_IN.generate(messages, adapter=None, **settings)),  # type: ignore[arg-type]  # mixed values
            ("trained", STAND_IN.generate(messages, adapter=adapter, **settings)),  # type: ignore[arg-type]  # mixed values
        )
    }
    assert share["trained"] > share["base"] + 0.2


def test_the_same_seed_gives_the_same_run() -> None:
    plan = replace(PLAN, steps=3)
    first, again, other = (trained(plan, seed=seed) for seed in (1, 1, 2))
    for name, (narrow, widen) in first[0].factors.items():
        np.testing.assert_array_equal(np.asarray(narrow), np.asarray(again[0].factors[name][0]))
        np.testing.assert_array_equal(np.asarray(widen), np.asarray(again[0].factors[name][1]))
    assert [record.reward for record in first[1]] == [record.reward for record in again[1]]
    assert [record.reward for record in first[1]] != [record.reward for record in other[1]]


def test_a_constant_reward_teaches_nothing() -> None:
    adapter, records = trained(replace(PLAN, steps=2), reward=lambda rollouts: [0.3] * len(rollouts))
    fresh = Adapter.fresh(STAND_IN.model, first_layer=1, rank=4, seed=0)
    assert [(record.gradient_norm, record.mixed_groups) for record in records] == [(0.0, 0.0)] * 2
    for name, pair in fresh.factors.items():
        for before, after in zip(pair, adapter.factors[name], strict=True):
            np.testing.assert_array_equal(np.asarray(before), np.asarray(after))


def test_the_reward_call_sees_whole_groups_with_their_rows() -> None:
    seen: list[list[Rollout]] = []

    def reward(rollouts: Sequence[Rollout]) -> list[float]:
        seen.append(list(rollouts))
        return [0.0] * len(rollouts)

    trained(replace(PLAN, steps=3), reward=reward, validation=rows("x", "y"))
    assert [(len(call), call[0].split) for call in seen] == [(32, "train")] * 3 + [(2, "validation")]
    step = seen[0]
    assert [rollout.group for rollout in step] == [group for group in range(4) for _ in range(8)]
    assert all(step[group * 8].row is rollout.row for group in range(4) for rollout in step[group * 8 :][:8])
    # 3 steps of 4 prompts are two epochs of 6: every row came twice.
    order = [call[group * 8].row.messages[1]["content"] for call in seen[:3] for group in range(4)]
    assert sorted(order) == sorted("abcdef" * 2)
    assert sorted(order[:6]) == list("abcdef")


@pytest.mark.parametrize(
    ("answer", "words"),
    [([0.0] * 31, "31 rewards for 32"), ([0.0] * 31 + [float("nan")], "rollout 31 got nan"), ([True] * 32, "got True")],
)
def test_unusable_rewards_are_refused(answer: list[float], words: str) -> None:
    with pytest.raises(RewardError, match=words):
        trained(PLAN, reward=lambda _: answer)


def test_stopping() -> None:
    records: list[StepRecord] = []
    with pytest.raises(Stopped):
        train(
            STAND_IN,
            ROWS,
            [],
            PLAN,
            reward=letters,
            seed=0,
            on_step=records.append,
            should_stop=lambda: len(records) == 2,
        )
    assert len(records) == 2


def test_a_spent_budget_ends_training_with_an_adapter_and_a_validation() -> None:
    _, records = trained(replace(PLAN, budget_seconds=0.0), validation=rows("x"))
    assert [record.step for record in records] == [1]
    assert records[0].validation_reward is not None


def test_long_prompts_are_dropped() -> None:
    plan = replace(PLAN, max_prompt_tokens=60, steps=1)
    long = rows("l" * 80)
    assert rows_that_fit(STAND_IN, [*ROWS, *long], plan) == ROWS
    with pytest.raises(ValueError, match="none of 1 has at most 60 tokens"):
        train(STAND_IN, long, [], plan, reward=letters, seed=0, on_step=lambda _: None, should_stop=lambda: False)


def test_a_sampler_that_disagrees_with_the_update_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def off(model: Model, adapter: Adapter) -> tuple[Layer, ...]:
        *below, top = model.layers
        return (*below, top._replace(attention_norm=top.attention_norm * 1.01))

    monkeypatch.setattr(training, "fold", off)
    with pytest.raises(LogProbGapError, match="differ by"):
        trained(PLAN)


def test_completions_do_not_depend_on_the_other_prompts_of_a_call() -> None:
    messages = [row.messages for row in ROWS]
    settings = {"adapter": None, "samples": 3, "max_tokens": 5, "temperature": 1.0, "top_p": 1.0, "seed": 4}
    together = STAND_IN.generate(messages, **settings)  # type: ignore[arg-type]  # a dict of mixed values
    alone = STAND_IN.generate(messages[:1], **settings)  # type: ignore[arg-type]  # a dict of mixed values
    assert [c.text for c in together[0]] == [c.text for c in alone[0]]
    assert len({c.text for group in together for c in group}) > 3


def test_a_prompt_beyond_the_context_is_refused() -> None:
    (row,) = rows("x" * 600)
    with pytest.raises(ValueError, match="holds 512 together"):
        STAND_IN.generate([row.messages], adapter=None, samples=1, max_tokens=4, temperature=0, top_p=1, seed=0)

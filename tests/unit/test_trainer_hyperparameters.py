"""What is asked of Bedrock against what the embedded trainer does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_local.trainer.hyperparameters import MAX_PROMPT_TOKENS, MAX_ROLLOUTS, MAX_TOKENS, AskedUsed, plan_training

ASKED = {
    "epochCount": 2,
    "batchSize": 16,
    "trainingSamplePerPrompt": 8,
    "learningRate": 1e-5,
    "maxPromptLength": 512,
    "inferenceMaxTokens": 32,
    "evalInterval": 5,
    "reasoningEffort": "high",
}


def lines(asked_used: tuple[AskedUsed, ...]) -> dict[str, AskedUsed]:
    return {line.name: line for line in asked_used}


def test_a_modest_request_is_honoured() -> None:
    plan, asked_used = plan_training(ASKED, rows=120, budget_seconds=None)
    assert (plan.epochs, plan.batch_size, plan.samples, plan.eval_interval) == (2, 16, 8, 5)
    assert (plan.max_tokens, plan.max_prompt_tokens, plan.steps) == (32, 512, 15)
    table = lines(asked_used)
    for name in ("epochCount", "batchSize", "trainingSamplePerPrompt", "evalInterval", "inferenceMaxTokens"):
        assert table[name].asked == table[name].used == ASKED[name]
        assert table[name].why.startswith("honoured")


def test_a_recipe_for_a_large_model_is_capped_and_says_so() -> None:
    asked = {**ASKED, "batchSize": 128, "inferenceMaxTokens": 2048, "maxPromptLength": 8192}
    plan, asked_used = plan_training(asked, rows=5000, budget_seconds=90)
    table = lines(asked_used)
    for name, used in (
        ("batchSize", MAX_ROLLOUTS // 8),
        ("inferenceMaxTokens", MAX_TOKENS),
        ("maxPromptLength", MAX_PROMPT_TOKENS),
    ):
        assert (table[name].asked, table[name].used) == (asked[name], used)
        assert table[name].why.startswith("capped")
    assert "dropped and counted" in table["maxPromptLength"].why
    assert "after 90 s" in table["epochCount"].why
    assert plan.budget_seconds == 90


def test_few_prompts_make_a_smaller_batch() -> None:
    plan, asked_used = plan_training(ASKED, rows=10, budget_seconds=None)
    assert (plan.batch_size, plan.steps) == (10, 2)
    assert "10 training prompts" in lines(asked_used)["batchSize"].why


def test_the_learning_rate_is_taken_but_does_not_transfer() -> None:
    plan, table = plan_training({**ASKED, "learningRate": 2e-4}, rows=100, budget_seconds=None)
    assert plan.learning_rate == 2e-4
    line = lines(table)["learningRate"]
    assert (line.asked, line.used) == (2e-4, 2e-4)
    assert "no transfer" in line.why


@pytest.mark.parametrize("name", ["reasoningEffort", "customModelKmsKeyId", "vpcConfig"])
def test_what_has_no_effect_says_so(name: str) -> None:
    line = lines(plan_training(ASKED, rows=100, budget_seconds=None)[1])[name]
    assert line.used is None
    assert line.why.startswith("no effect")


def test_our_own_choices_are_listed() -> None:
    plan, asked_used = plan_training(ASKED, rows=100, budget_seconds=None)
    ours = {line.name: line.used for line in asked_used if line.why.startswith("ours")}
    assert ours["rollout temperature"] == plan.temperature
    assert ours["clip"] == f"{plan.clip_low} below 1, {plan.clip_high} above"
    assert {"advantage", "KL penalty", "adapter", "early stopping"} <= ours.keys()


@settings(max_examples=80, derandomize=True, deadline=None)
@given(
    rows=st.integers(1, 20_000),
    epochs=st.integers(1, 50),
    batch=st.integers(16, 512),
    samples=st.integers(2, 16),
    tokens=st.integers(1, 10_000),
)
def test_any_legal_request_gives_a_plan_within_the_limits(
    rows: int, epochs: int, batch: int, samples: int, tokens: int
) -> None:
    asked = {"epochCount": epochs, "batchSize": batch, "trainingSamplePerPrompt": samples, "inferenceMaxTokens": tokens}
    plan, _ = plan_training(asked, rows=rows, budget_seconds=None)
    assert 1 <= plan.batch_size <= min(batch, rows)
    assert plan.batch_size * plan.samples <= MAX_ROLLOUTS
    assert plan.max_tokens <= MAX_TOKENS
    assert (plan.steps - 1) * plan.batch_size < rows * epochs <= plan.steps * plan.batch_size


@pytest.mark.parametrize(
    ("hyperparameters", "rows", "words"),
    [
        ({"batchSize": 8}, 100, "batchSize: got 8, Bedrock accepts 16 to 512"),
        ({"temperature": 1.0}, 100, "temperature: unknown"),
        ({"evalInterval": [5]}, 100, "evalInterval: got list"),
        ({}, 0, "training prompts: got 0"),
    ],
)
def test_what_bedrock_refuses_is_refused(hyperparameters: dict[str, object], rows: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plan_training(hyperparameters, rows=rows, budget_seconds=None)

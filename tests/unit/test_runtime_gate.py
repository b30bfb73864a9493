"""The gate: what passes, and what it says about it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.outcomes import Outcome, RunFailed
from rft_contract.recipe_sections import Gate
from rft_runtime.evaluation import Arm, Evaluation, PairedGains, paired_gains
from rft_runtime.gate import decide
from rft_runtime.graded import GradedCompletion, decode_graded, encode_graded
from rft_runtime.shards import GREEDY, SAMPLED

REWARDS = st.one_of(st.none(), st.floats(-1, 1))


def graded(row: int, reward: float | None, sample: int = 0) -> GradedCompletion:
    invalid = None if reward is not None else "reference-missing"
    return GradedCompletion(
        row=row,
        sample=sample,
        reward=reward,
        invalid=invalid,
        components={},
        tokens_out=1,
        stop_reason="end_turn",
        completion="x",
    )


def arms(base: list[float | None], candidate: list[float | None]) -> Evaluation:
    pair = (Arm(), Arm())
    for arm, rewards in zip(pair, (base, candidate), strict=True):
        arm.add(GREEDY, [graded(row, reward) for row, reward in enumerate(rewards)])
    return Evaluation(len(base), GREEDY, *pair, complete=frozenset({"base", "candidate"}))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=2, max_size=40), st.floats(-1, 1))
def test_passing_means_that_the_bound_lies_above_the_minimum(gains: list[float], minimum: float) -> None:
    decision = decide(gains, mode=GREEDY, missing_share=0.0, gate=Gate(min_gain=minimum))
    assert (decision.outcome == Outcome.PASSED) == (decision.lower_bound > minimum)
    assert decide(gains, mode=GREEDY, missing_share=0.0, gate=Gate(min_gain=minimum)) == decision
    assert "\n" not in decision.reason


def test_equal_models_are_rejected() -> None:
    decision = decide([0.0] * 100, mode=GREEDY, missing_share=0.0, gate=Gate())
    assert decision.outcome == Outcome.REJECTED


@pytest.mark.parametrize(("missing", "decides"), [(0.0, True), (0.02, True), (0.021, False)])
def test_two_percent_of_the_prompts_may_lack_a_grade(missing: float, decides: bool) -> None:
    if decides:
        assert decide([1.0] * 50, mode=GREEDY, missing_share=missing, gate=Gate()).outcome == Outcome.PASSED
    else:
        with pytest.raises(RunFailed, match="the evaluation is incomplete"):
            decide([1.0] * 50, mode=GREEDY, missing_share=missing, gate=Gate())


@given(st.lists(st.tuples(REWARDS, REWARDS), min_size=1, max_size=30))
def test_a_missing_grade_never_helps_the_candidate(pairs: list[tuple[float | None, float | None]]) -> None:
    base, candidate = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    found = paired_gains(arms(base, candidate))
    seen = [reward for reward in (*base, *candidate) if reward is not None]
    for gain, before, after in zip(found.gains, base, candidate, strict=True):
        for filling in seen:
            possible = (filling if after is None else after) - (filling if before is None else before)
            if before is None or after is None:
                assert gain <= possible
            else:
                assert gain == after - before
    missing = sum(before is None or after is None for before, after in pairs)
    assert found.missing_share == missing / len(pairs)


def test_nothing_graded_is_all_missing() -> None:
    assert paired_gains(arms([None, None], [None, None])) == PairedGains((0.0, 0.0), 1.0)


def test_the_prompt_is_the_unit_of_sampled_rewards() -> None:
    arm = Arm()
    arm.add(SAMPLED, [graded(0, 1.0, 0), graded(0, 0.0, 1), graded(0, None, 2)])
    assert arm.reward(0, SAMPLED) == 0.5
    assert arm.sampled_successes(0, 1.0) == pytest.approx(1 / 3)
    assert arm.invalid_share() == pytest.approx(1 / 3)


@given(st.lists(st.tuples(st.integers(0, 99), REWARDS, st.text(max_size=20)), max_size=20))
def test_graded_completions_read_back(rows: list[tuple[int, float | None, str]]) -> None:
    completions = [graded(row, reward) for row, reward, _ in rows]
    assert decode_graded(encode_graded(completions)) == completions
    assert encode_graded(completions) == encode_graded(completions)

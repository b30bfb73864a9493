"""The gate: what passes, and what it says about it."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.outcomes import Outcome, RunFailed
from rft_contract.recipe_sections import Gate
from rft_runtime.evaluation import Arm, Evaluation, PairedGains, paired_gains
from rft_runtime.gate import Decision, decide
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


def arm(rewards: Sequence[float | None], *, tokens: int = 1, share: float = 1.0, groups: Sequence[str] = ()) -> Arm:
    made = Arm()
    made.add(
        GREEDY,
        [
            msgspec.structs.replace(
                graded(row, reward),
                tokens_out=tokens,
                components={"format": share},
                group=groups[row] if groups else None,
            )
            for row, reward in enumerate(rewards)
        ],
    )
    return made


def evaluation(**arms: Arm) -> Evaluation:
    return Evaluation(len(arms["base"].greedy), GREEDY, arms, complete=frozenset(arms))


def decided(
    before: Sequence[float | None], after: Sequence[float | None], gate: Gate | None = None, **sets: Evaluation
) -> Decision:
    found = {"held_out": evaluation(base=arm(before), candidate=arm(after))}
    return decide(found | {name.replace("_", "-"): other for name, other in sets.items()}, gate or Gate())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=2, max_size=40), st.floats(-1, 1))
def test_passing_means_that_the_bound_lies_above_the_minimum(pairs: list[tuple[float, float]], minimum: float) -> None:
    before, after = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    decision = decided(before, after, Gate(min_gain=minimum))
    assert (decision.outcome == Outcome.PASSED) == (decision.lower_bound > minimum)
    assert decided(before, after, Gate(min_gain=minimum)) == decision
    assert "\n" not in decision.reason


def test_equal_models_are_rejected() -> None:
    assert decided([0.5] * 100, [0.5] * 100).outcome == Outcome.REJECTED


@pytest.mark.parametrize(("missing", "decides"), [(0, True), (1, True), (2, False)])
def test_two_percent_of_the_prompts_may_lack_a_grade(missing: int, decides: bool) -> None:
    after = [None] * missing + [1.0] * (50 - missing)
    if decides:
        assert decided([0.0] * 50, after).outcome == Outcome.PASSED
    else:
        with pytest.raises(RunFailed, match=r"the evaluation is incomplete: 4.0 % of 50 prompts of held_out"):
            decided([0.0] * 50, after)


def test_a_shard_that_was_never_graded_ends_the_run() -> None:
    half = Evaluation(1, GREEDY, {"base": arm([0.0]), "candidate": Arm()}, complete=frozenset({"base"}))
    with pytest.raises(RunFailed, match="not every shard of held_out was graded"):
        decide({"held_out": half}, Gate())


def test_a_candidate_worse_than_the_live_release_is_rejected() -> None:
    """It beats the base model by far, and would still be a step back."""
    arms = {"base": arm([0.0] * 50), "candidate": arm([0.5] * 50), "live": arm([0.6] * 50)}
    decision = decide({"held_out": evaluation(**arms)}, Gate(live_margin=0.02))
    assert decision.outcome == Outcome.REJECTED
    assert decision.reason.startswith("the candidate may be worse than the live release: difference -0.100")
    assert decide({"held_out": evaluation(**arms)}, Gate(live_margin=0.11)).outcome == Outcome.PASSED


def test_a_guard_set_must_not_get_worse_beyond_its_margin() -> None:
    lost = evaluation(base=arm([1.0] * 40), candidate=arm([0.9] * 40))
    decision = decided([0.0] * 50, [1.0] * 50, Gate(guards={"safety": 0.05}), guard_safety=lost)
    assert [(item.name, item.held) for item in decision.criteria] == [
        ("gain", True),
        ("guard-safety", False),
        ("invalid", True),
    ]
    assert decision.outcome == Outcome.REJECTED
    assert decided([0.0] * 50, [1.0] * 50, Gate(guards={"safety": 0.15}), guard_safety=lost).outcome == Outcome.PASSED


@pytest.mark.parametrize(
    ("gate", "failed"),
    [
        (Gate(max_length_ratio=1.9), "length"),
        (Gate(max_length_ratio=2.0), None),
        (Gate(min_component_ratios={"format": 0.6}), "component-format"),
        (Gate(min_component_ratios={"format": 0.5}), None),
        (Gate(min_component_ratios={"absent": 0.5}), None),
        (Gate(max_invalid_share=0.0), "invalid"),
        (Gate(max_invalid_share=0.01), None),
    ],
)
def test_hard_ratios(gate: Gate, failed: str | None) -> None:
    base = arm([0.0] * 100, tokens=10, share=1.0)
    candidate = arm([*[1.0] * 99, None], tokens=20, share=0.5)
    decision = decide({"held_out": evaluation(base=base, candidate=candidate)}, gate)
    assert [item.name for item in decision.criteria if not item.held] == ([failed] if failed else [])


@pytest.mark.parametrize(
    ("base", "candidate", "held"),
    [
        (None, None, True),
        (None, 0.1, True),
        (0.8, None, False),
        (0.8, 0.5, True),
        (-1.0, -0.5, True),
        (-0.5, -1.0, False),
    ],
)
def test_a_component_that_is_lost_or_gets_worse_below_zero_is_not_held(
    base: float | None, candidate: float | None, held: bool
) -> None:
    def with_share(reward: float, share: float | None) -> Arm:
        made = arm([reward] * 50, share=share or 0.0)
        if share is None:
            made = Arm({row: msgspec.structs.replace(one, components={}) for row, one in made.greedy.items()})
        return made

    found = evaluation(base=with_share(0.0, base), candidate=with_share(1.0, candidate))
    decision = decide({"held_out": found}, Gate(min_component_ratios={"format": 0.6}))
    assert (decision.outcome == Outcome.PASSED) is held


def test_every_look_at_a_held_out_set_makes_the_gate_stricter() -> None:
    gains = [1.0] * 12 + [0.0] * 60 + [-1.0] * 3
    found = {"held_out": evaluation(base=arm([0.0] * 75), candidate=arm(gains))}
    first, tenth = (decide(found, Gate(min_gain=0.03), candidates=candidates) for candidates in (1, 10))
    assert (first.confidence, tenth.confidence) == (0.95, 0.995)
    assert tenth.lower_bound < first.lower_bound
    assert (first.outcome, tenth.outcome) == (Outcome.PASSED, Outcome.REJECTED)


@pytest.mark.parametrize("name", ["held_out", "guard-old"])
@pytest.mark.parametrize(("rewards", "groups"), [([1.0], []), ([1.0] * 50, ["one document"] * 50)])
def test_one_prompt_or_group_shows_nothing_however_good(name: str, rewards: list[float], groups: list[str]) -> None:
    enough = evaluation(base=arm([0.0, 0.0]), candidate=arm([1.0, 1.0]))
    alone = evaluation(base=arm([0.0] * len(rewards)), candidate=arm(rewards, groups=groups))
    assert decide({"held_out": enough, "guard-old": enough}, Gate()).outcome == Outcome.PASSED
    with pytest.raises(RunFailed, match=f"nothing can be shown with {name}"):
        decide({"held_out": enough, "guard-old": enough} | {name: alone}, Gate())


def test_prompts_of_one_group_are_no_independent_evidence() -> None:
    groups = [f"document {number // 20}" for number in range(100)]
    gains = [float(number // 20 != 0) for number in range(100)]
    alone = evaluation(base=arm([0.0] * 100), candidate=arm(gains))
    grouped = evaluation(base=arm([0.0] * 100), candidate=arm(gains, groups=groups))
    bounds = [decide({"held_out": found}, Gate()).lower_bound for found in (alone, grouped)]
    assert bounds[1] < bounds[0] - 0.1


@given(st.lists(st.tuples(REWARDS, REWARDS), min_size=1, max_size=30))
def test_a_missing_grade_never_helps_the_candidate(pairs: list[tuple[float | None, float | None]]) -> None:
    base, candidate = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    found = paired_gains(evaluation(base=arm(base), candidate=arm(candidate)))
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


def test_a_gain_says_how_much_of_it_is_worst_case() -> None:
    decision = decided([0.0] * 50, [1.0] * 49 + [None])
    assert decision.mean_gain == pytest.approx(0.98)
    assert decision.graded_gain == 1.0
    assert decision.reason.endswith("(2.0 % of the pairs lack a grade and count by worst case; +1.000 without them)")
    assert "worst case" not in decided([0.0] * 50, [1.0] * 50).reason


def test_nothing_graded_is_all_missing() -> None:
    nothing = evaluation(base=arm([None, None]), candidate=arm([None, None]))
    assert paired_gains(nothing) == PairedGains((0.0, 0.0), 1.0, ("row 0", "row 1"))


def test_the_prompt_is_the_unit_of_sampled_rewards() -> None:
    made = Arm()
    made.add(SAMPLED, [graded(0, 1.0, 0), graded(0, 0.0, 1), graded(0, None, 2)])
    assert made.reward(0, SAMPLED) == 0.5
    assert made.sampled_successes(0, 1.0) == pytest.approx(1 / 3)
    assert made.invalid_share() == pytest.approx(1 / 3)


@given(st.lists(st.tuples(st.integers(0, 99), REWARDS, st.text(max_size=20)), max_size=20))
def test_graded_completions_read_back(rows: list[tuple[int, float | None, str]]) -> None:
    completions = [graded(row, reward) for row, reward, _ in rows]
    assert decode_graded(encode_graded(completions)) == completions
    assert encode_graded(completions) == encode_graded(completions)

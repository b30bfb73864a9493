"""Whose fault decides: a wrong completion, an invalid grade, and what an invalid one is filled with."""

import json
import math
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.reward_spec import RewardSpec
from rft_rewards.grade import Grade, Invalid, Score
from rft_rewards.sample import Sample
from rft_runtime.grading import (
    Graded,
    TransientFailure,
    components,
    grade_batch,
    grade_event,
    invalid_reason,
    must_be_retried,
    results,
    without_components,
)
from rft_runtime.reward_events import read_event

SPEC = RewardSpec(name="mine", grader="math", floor=-1.0, ceiling=1.0)


def by_text(sample: Sample) -> Grade:
    """Do what the completion says."""
    completion = sample.completion
    if completion == "transient":
        return Invalid("judge-throttled", transient=True)
    if completion == "invalid":
        return Invalid("reference-missing")
    if completion == "raise":
        raise KeyError("secret text of the prompt")
    return Score(float(completion))


def item(completion: str, mark: JsonObject | None = None, *, prompt: str = "q", name: str = "r") -> JsonObject:
    turns: list[JsonValue] = [{"role": "user", "content": prompt}, {"role": "assistant", "content": completion}]
    return {"id": name, "messages": turns, "metadata": {"rft": mark} if mark else {}}


def mark(row: int = 0, **more: JsonValue) -> JsonObject:
    return {"run": "run-1", "split": "train", "row": row, **more}


def grade(*items: JsonValue, grader: Callable[[Sample], Grade] = by_text) -> list[Graded]:
    return grade_event(read_event(list(items)), grader, SPEC)


def test_values_are_mapped_to_floor_and_ceiling() -> None:
    assert [graded.reward for graded in grade(item("0"), item("0.25"), item("1"))] == [-1.0, -0.5, 1.0]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.tuples(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300)).filter(lambda ends: ends[0] < ends[1]),
    st.floats(0, 1),
)
def test_no_reward_is_a_hair_beyond_its_range(ends: tuple[float, float], value: float) -> None:
    spec = RewardSpec(name="mine", grader="math", floor=ends[0], ceiling=ends[1])
    items = read_event([item(repr(each)) for each in (0.0, value, 1.0)])
    lowest, between, highest = (graded.reward for graded in grade_event(items, by_text, spec))
    assert (lowest, highest) == ends
    assert lowest <= between <= highest


def test_a_range_beyond_floats_is_refused_before_anything_leaves() -> None:
    spec = RewardSpec(name="mine", grader="math", floor=-math.inf, ceiling=1.0)
    with pytest.raises(ValueError, match=r"^response: result 0 holds a number that is not finite$"):
        results(grade_event(read_event([item("0.5")]), by_text, spec))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.floats(0, 1), st.integers(1, 15))
def test_the_mean_of_equal_mates_is_their_value_to_the_last_bit(value: float, mates: int) -> None:
    """A group that differs in its last bit would have a spread, and the filled rollout an advantage."""
    graded = grade(*(item(repr(value), mark(1)) for _ in range(mates)), item("invalid", mark(1)))
    assert len({entry.reward for entry in graded}) == 1


class Together:
    """Grades an event together, and fails over all of it when one sample tells it to."""

    def grade_all(self, samples: Sequence[Sample], /) -> list[Grade]:
        if any(sample.completion == "lose" for sample in samples):
            return []
        return [by_text(sample) for sample in samples]


@pytest.mark.parametrize("fault", ["raise", "lose"])
@pytest.mark.parametrize("place", range(5))
def test_a_sample_that_makes_a_grader_of_whole_events_fail_stands_alone(fault: str, place: int) -> None:
    items = [item(text, mark(row)) for row, text in enumerate(["1", "0.5", "0", "1"])]
    items.insert(place, item(fault, mark(9)))
    graded = grade_event(read_event(list(items)), Together(), SPEC)
    assert [entry.value for entry in graded if entry is not graded[place]] == [1, 0.5, 0, 1]
    assert graded[place].reason in ("grader-raised-keyerror", "grader-lost-count")


@pytest.mark.parametrize("name", ["", "x" * 65, "two\nlines", "\ud800", "\x00", 7, None])
def test_a_component_is_left_out_when_its_name_is_no_short_line(name: str) -> None:
    (response,) = results(grade(item("x"), grader=lambda *_: Score(0.5, components={name: 1.0, "fine": 1.0})))
    assert components(response) == {"fine": 1.0}
    json.dumps(response, ensure_ascii=False).encode()


def test_an_invalid_rollout_gets_the_mean_of_its_valid_mates_in_the_event() -> None:
    graded = grade(
        item("1", mark(1)), item("invalid", mark(1)), item("0", mark(1)), item("0.5", mark(1)), item("0", mark(2))
    )
    assert graded[1].reward == pytest.approx(0.0)
    assert (graded[1].value, graded[1].reason, graded[1].filled) == (None, "reference-missing", "mates")


def test_without_marks_mates_are_rollouts_of_the_same_prompt() -> None:
    graded = grade(item("1"), item("invalid"), item("0", prompt="another"))
    assert (graded[1].reward, graded[1].filled) == (1.0, "mates")


def test_without_mates_the_rows_mean_under_the_base_model_fills() -> None:
    graded = grade(item("1", mark(1)), item("invalid", mark(2, base=0.25)))
    assert (graded[1].reward, graded[1].filled) == (0.25, "base")


@pytest.mark.parametrize("base", [5.0, -1.5, math.nan])
def test_a_mean_outside_the_rewards_range_does_not_fill(base: float) -> None:
    graded = grade(item("1", mark(1)), item("invalid", mark(2, base=base)))
    assert (graded[1].reward, graded[1].filled) == (-1.0, "floor")


def test_without_mates_and_mean_the_floor_fills() -> None:
    graded = grade(item("1", mark(1)), item("invalid", mark(2)))
    assert (graded[1].reward, graded[1].filled) == (-1.0, "floor")


@pytest.mark.parametrize(
    "more", [{"split": "validation"}, {"phase": "base"}, {"phase": "probe"}, {"split": "held_out"}]
)
def test_validation_and_the_platforms_own_calls_are_never_filled(more: JsonObject) -> None:
    graded = grade(item("1", mark(1) | more), item("invalid", mark(1, base=0.5) | more))
    assert (graded[1].reward, graded[1].filled) == (-1.0, "floor")


def test_validation_rollouts_are_nobodys_mates() -> None:
    graded = grade(item("1", mark(1, split="validation")), item("invalid", mark(1)))
    assert graded[1].filled == "floor"


def test_what_a_grader_raises_is_invalid_for_that_sample_only_and_never_quoted() -> None:
    graded = grade(item("1", mark(1)), item("raise", mark(2, phase="base")), item("0", mark(3)))
    assert [entry.reason for entry in graded] == [None, "grader-raised-keyerror", None]
    assert "secret" not in json.dumps(results(graded))


def deep() -> JsonValue:
    value: JsonValue = 0
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize("reference", [deep(), math.nan, "\ud800"], ids=["deep", "nan", "surrogate"])
def test_a_strange_reference_harms_its_own_sample_only(reference: JsonValue) -> None:
    for grader in ("math", "json_fields"):
        strange = item('{"a": 1}') | {"reference_answer": reference}
        good = item('#### 72 {"a": 72}') | {"reference_answer": {"answer": 72} if grader == "math" else {"a": 72}}
        response = grade_batch(RewardSpec(name="mine", grader=grader), [strange, good, strange])
        assert [entry["aggregate_reward_score"] for entry in response] == [0, 1, 0]


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.1, 1.1, True, None, "1"])
def test_a_score_outside_its_range_is_invalid(value: float) -> None:
    (graded,) = grade(item("x"), grader=lambda *_: Score(value))
    assert graded.reason is not None
    assert graded.reward == SPEC.floor


@pytest.mark.parametrize("returned", [None, 1.0, "ok", {"value": 1}])
def test_what_is_no_grade_is_invalid(returned: object) -> None:
    (graded,) = grade(item("x"), grader=lambda *_: returned)  # type: ignore[arg-type]  # an author's mistake
    assert graded.reason is not None


def test_a_sample_without_an_assistant_turn_is_invalid_in_its_place() -> None:
    graded = grade(item("1"), {"id": "x"}, 7, item("0"))
    assert [entry.item.id for entry in graded] == ["r", "x", "sample-2", "r"]
    assert [entry.reason for entry in graded] == [None, "no-assistant-turn", "no-assistant-turn", None]


@pytest.mark.parametrize("samples", [["transient"], ["transient", "transient"], ["transient", "invalid"]])
def test_an_event_raises_when_nothing_is_valid_and_a_retry_may_cure_it(samples: list[str]) -> None:
    graded = grade(*(item(text) for text in samples))
    assert must_be_retried(graded)
    with pytest.raises(TransientFailure, match=f"none of {len(samples)} samples"):
        results(graded)


@pytest.mark.parametrize("samples", [[], ["invalid"], ["invalid", "raise"], ["transient", "0"], ["invalid", "0"]])
def test_an_event_does_not_raise_otherwise(samples: list[str]) -> None:
    assert len(results(grade(*(item(text) for text in samples)))) == len(samples)


def test_components_are_finite_at_most_sixteen_and_never_look_like_invalid() -> None:
    parts = {"nan": math.nan, "invalid": 1.0, "invalid.reason": 1.0} | {f"c{number}": number for number in range(20)}
    graded = grade(item("x"), grader=lambda *_: Score(1.0, "", parts))
    (response,) = results(graded)
    assert components(response) == {f"c{number}": float(number) for number in range(16)}
    assert invalid_reason(response) is None


def test_only_the_platforms_own_callers_are_told_the_reason() -> None:
    job, platform = results(grade(item("invalid", mark(1)), item("invalid", mark(1, phase="base"))))
    assert job["metrics_list"] == [{"name": "invalid", "value": 1.0, "type": "Metric"}]
    assert (invalid_reason(job), invalid_reason(platform)) == ("unknown", "reference-missing")
    assert components(platform) == {}


def test_a_response_without_components_still_says_what_is_invalid() -> None:
    response = results(grade(item("invalid", mark(1, phase="base")), item("0.5", mark(2))))
    short = without_components(response)
    assert [invalid_reason(entry) for entry in short] == ["reference-missing", None]
    assert [entry["aggregate_reward_score"] for entry in short] == [
        entry["aggregate_reward_score"] for entry in response
    ]


MARKS = st.none() | st.builds(
    lambda row, split, phase: {"run": "r", "split": split, "row": row} | ({"phase": phase} if phase else {}),
    st.integers(0, 2),
    st.sampled_from(["train", "validation"]),
    st.sampled_from([None, "base"]),
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(["0", "0.5", "1", "invalid", "raise", "transient"]), MARKS), max_size=12))
def test_every_event_gets_a_result_a_sample_in_order_and_in_range(samples: list[tuple[str, JsonObject | None]]) -> None:
    items = [item(text, where, name=f"r{place}") for place, (text, where) in enumerate(samples)]
    try:
        response = results(grade(*items))
    except TransientFailure:
        assert not any(text[0] in "01" for text, _ in samples)
        return
    assert [entry["id"] for entry in response] == [entry["id"] for entry in items]
    for entry, (text, _) in zip(response, samples, strict=True):
        reward = entry["aggregate_reward_score"]
        assert isinstance(reward, float)
        assert SPEC.floor <= reward <= SPEC.ceiling
        assert (invalid_reason(entry) is None) == (text[0] in "01")


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(["0", "0.5", "1"]), min_size=1, max_size=7))
def test_a_fill_moves_no_groups_mean(valid: list[str]) -> None:
    graded = grade(*(item(text, mark(1)) for text in valid), item("invalid", mark(1)))
    rewards = [entry.reward for entry in graded]
    assert rewards[-1] == pytest.approx(sum(rewards[:-1]) / len(valid))


def test_a_batch_of_any_size_is_graded_like_an_event() -> None:
    turns: list[JsonValue] = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "#### 72"}]
    event: JsonValue = [{"id": str(place), "messages": turns, "reference_answer": place} for place in range(100)]
    response = grade_batch(RewardSpec(name="gsm8k", grader="math"), event)
    assert [entry["id"] for entry in response if entry["aggregate_reward_score"] == 1.0] == ["72"]


def test_a_batch_of_a_reward_with_an_unknown_grader_is_refused() -> None:
    with pytest.raises(ValueError, match="no grader 'magic'"):
        grade_batch(RewardSpec(name="gsm8k", grader="magic"), [])

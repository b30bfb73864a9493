"""Grades made of grades."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.json_value import JsonObject
from rft_contract.reward_file import read_reward
from rft_contract.reward_needs import graders_of, services_of
from rft_contract.reward_spec import RewardSpec
from rft_rewards.batch import grade_all
from rft_rewards.compose import compose
from rft_rewards.grade import AnyGrader, Grade, Invalid, Score
from rft_rewards.registry import build, build_grader
from rft_rewards.sample import Sample
from rft_runtime.grading import grade_batch

CASES = json.loads((Path(__file__).parents[1] / "cases" / "compose.json").read_text(encoding="utf-8"))
VALUES = st.floats(0, 1)


def fixed(name: str, options: JsonObject) -> AnyGrader:
    """Build a grader that reads its value from the sample's metadata, else a real one."""
    if name != "fixed":
        return build_grader(name, options)

    def grade(sample: Sample) -> Grade:
        value: Any = sample.metadata[str(options["part"])]
        if isinstance(value, str):
            return Invalid(value.rstrip("!"), transient=value.endswith("!"))
        return Score(value, "fixed", {"inner": value / 2})

    return grade


def graded(graders: dict[str, Any], values: dict[str, Any], **options: Any) -> Grade:
    parts: JsonObject = {name: {"grader": "fixed", "options": {"part": name}, **part} for name, part in graders.items()}
    metadata = {name: value for name, value in values.items() if value != "raise"}
    (grade,) = grade_all(compose(build=fixed, graders=parts, **options), [Sample("", metadata=metadata)])
    return grade


def value_of(graders: dict[str, Any], values: dict[str, Any], **options: Any) -> float:
    grade = graded(graders, values, **options)
    assert isinstance(grade, Score), grade
    return grade.value


@pytest.mark.parametrize("case", CASES["graded"], ids=lambda case: case["why"])
def test_cases(case: dict[str, Any]) -> None:
    grade = graded(case["graders"], case["values"], **({"steps": case["steps"]} if "steps" in case else {}))
    if "invalid" in case:
        assert isinstance(grade, Invalid)
        assert grade.reason == case["invalid"]
    else:
        assert isinstance(grade, Score)
        assert grade.value == pytest.approx(case["score"])


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["why"])
def test_refused_options_are_named(case: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as caught:
        compose(build=fixed, **case["options"])
    assert case["words"] in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(max_examples=200)
@given(st.lists(VALUES, min_size=3, max_size=3), st.lists(VALUES, min_size=3, max_size=3), st.integers(1, 100))
def test_a_lower_level_never_outweighs_a_higher_one(one: list[float], other: list[float], steps: int) -> None:
    graders: dict[str, Any] = {"a": {}, "b": {"level": 2}, "c": {"level": 3}}
    first, second = (value_of(graders, dict(zip("abc", values, strict=True)), steps=steps) for values in (one, other))

    def reached(values: list[float]) -> tuple[float, ...]:
        return int(values[0] * steps + 1e-9), int(values[1] * steps + 1e-9), values[2]

    above, below = reached(one), reached(other)
    if above[:2] != below[:2]:
        assert (first > second) == (above > below)
        assert first != second
    else:
        assert (first - second) * (above[2] - below[2]) >= 0


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(VALUES, st.floats(0.01, 100)), min_size=1))
def test_the_whole_lies_between_its_parts(parts: dict[str, tuple[float, float]]) -> None:
    graders = {name: {"weight": weight} for name, (_, weight) in parts.items()}
    values = {name: value for name, (value, _) in parts.items()}
    assert min(values.values()) - 1e-12 <= value_of(graders, values) <= max(values.values()) + 1e-12


@given(st.sampled_from([0, 1]), st.lists(st.tuples(st.floats(0.001, 1000), st.integers(1, 3)), min_size=1, max_size=9))
def test_perfect_is_exactly_1_and_nothing_exactly_0(value: int, parts: list[tuple[float, int]]) -> None:
    levels = sorted({level for _, level in parts})
    graders = {
        f"p{number}": {"weight": weight, "level": levels.index(level) + 1}
        for number, (weight, level) in enumerate(parts)
    }
    assert value_of(graders, dict.fromkeys(graders, value)) == value


def test_components_of_every_part_stay_visible_under_its_name() -> None:
    grade = graded({"b": {}, "a": {"gate": 0.5}}, {"a": 0.5, "b": 1.0})
    assert isinstance(grade, Score)
    assert list(grade.components.items()) == [("b", 1.0), ("a", 0.5), ("b.inner", 0.5), ("a.inner", 0.25)]
    many = [f"p{number}" for number in range(16)]
    grade = graded({name: {} for name in many}, dict.fromkeys(many, 1.0))
    assert isinstance(grade, Score)
    assert list(grade.components) == many


def test_what_a_gate_refuses_is_not_shown_to_the_graders_after_it() -> None:
    shown: list[list[str]] = []

    class Counting:
        def grade_all(self, samples: Sequence[Sample], /) -> list[Grade]:
            shown.append([sample.completion for sample in samples])
            return [Score(1.0)] * len(samples)

    def building(name: str, options: JsonObject) -> AnyGrader:
        return Counting() if name == "judge" else fixed(name, options)

    grader = compose(
        build=building,
        graders={
            "style": {"grader": "judge"},
            "layout": {"grader": "fixed", "options": {"part": "layout"}, "gate": 1},
        },
    )
    samples = [Sample(name, metadata={"layout": value}) for name, value in (("x", 1), ("y", 0), ("z", 1))]
    grades = grade_all(grader, samples)
    assert shown == [["x", "z"]]
    assert [grade.value for grade in grades if isinstance(grade, Score)] == [1, 0, 1]


def test_a_part_that_grades_whole_events_sees_the_event_and_one_that_raises_spoils_only_its_sample() -> None:
    grader = compose(
        build=fixed, graders={"a": {"grader": "fixed", "options": {"part": "a"}}, "b": {"grader": "novelty"}}
    )
    samples = [Sample(text, metadata=values) for text, values in (("same", {"a": 1}), ("same", {"a": 1}), ("same", {}))]
    first, second, third = grade_all(grader, samples)
    assert isinstance(first, Score)
    assert first == second
    assert first.components["b.mates"] == 2
    assert first.value == 0.5
    assert third == Invalid("grader-raised-keyerror")


def test_a_composition_within_a_composition() -> None:
    inner: JsonObject = {"graders": {"answer": {"grader": "math"}, "again": {"grader": "math"}}}
    spec = RewardSpec(
        name="nested", grader="compose", options={"graders": {"both": {"grader": "compose", "options": inner}}}
    )
    (grade,) = grade_all(build(spec), [Sample("#### 7", "7")])
    assert isinstance(grade, Score)
    assert (grade.value, grade.components["both.answer"]) == (1.0, 1.0)
    assert graders_of(spec) == ("compose", "math")


def test_the_rewards_range_is_the_specs_and_a_refused_completion_gets_its_floor() -> None:
    spec = read_reward(
        {
            "name": "mine",
            "range": [-1, 1],
            "graders": {
                "length": {"grader": "length", "options": {"at_most": 5, "buffer": 0}, "gate": 1},
                "answer": {"grader": "math"},
            },
        }
    )
    texts = ["#### 7", "seven is what comes out of it all: #### 7", "#### 8"]
    event: Any = [
        {"id": text, "messages": [{"role": "assistant", "content": text}], "metadata": {"reference_answer": "7"}}
        for text in texts
    ]
    response = grade_batch(spec, event)
    assert [item["aggregate_reward_score"] for item in response] == [1.0, -1.0, -1.0]
    assert [metric["name"] for metric in response[0]["metrics_list"]][:3] == ["invalid", "length", "answer"]  # type: ignore[index, union-attr, call-overload]


def test_what_a_reward_needs_is_told_from_its_spec() -> None:
    parts: JsonObject = {
        "style": {"grader": "judge"},
        "right": {"grader": "verified_judge", "options": {"verify": {"grader": "code"}}},
    }
    spec = RewardSpec(name="mine", grader="compose", options={"graders": parts})
    assert graders_of(spec) == ("compose", "judge", "verified_judge", "code")
    assert {"judge", "runner", "deadline"} <= services_of(spec)
    schema: JsonObject = {"properties": {"grader": {"grader": "code"}}}
    assert graders_of(RewardSpec(name="mine", grader="json_schema", options={"schema": schema})) == ("json_schema",)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "got list, wanted a mapping"),
        ({"name": "a", "range": [0, 1], "grader": "math", "option": {}}, "got the key 'option'"),
        ({"range": [0, 1], "grader": "math"}, "name: got None"),
        ({"name": "a", "grader": "math"}, "range: got None, wanted [floor, ceiling]"),
        ({"name": "a", "range": [0], "grader": "math"}, "range: got [0]"),
        ({"name": "a", "range": [0, True], "grader": "math"}, "range: got [0, True]"),
        ({"name": "a", "range": [0, float("nan")], "grader": "math"}, "range: got [0, nan]"),
        ({"name": "a", "range": [1, 0], "grader": "math"}, "floor 1.0 must lie below ceiling 0.0"),
        ({"name": "A", "range": [0, 1], "grader": "math"}, "reward name: got 'A'"),
        ({"name": "a", "range": [0, 1]}, "either grader"),
        ({"name": "a", "range": [0, 1], "grader": "math", "graders": {}}, "either grader"),
        ({"name": "a", "range": [0, 1], "graders": {}, "options": {}}, "options: each of the graders"),
        ({"name": "a", "range": [0, 1], "grader": "math", "steps": 3}, "grader: got 'math'"),
    ],
)
def test_a_rewards_file_that_cannot_be_is_refused(value: Any, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_reward(value)
    assert words in str(caught.value)

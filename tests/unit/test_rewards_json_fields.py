"""The json_fields grader."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_rewards.grade import Invalid, Score
from rft_rewards.json_fields import json_fields
from rft_rewards.sample import Sample

CASES = json.loads((Path(__file__).parents[1] / "cases" / "json_fields.json").read_text(encoding="utf-8"))
QUICK = settings(max_examples=60, deadline=None, derandomize=True)

SCALARS = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(-1e9, 1e9) | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=6), VALUES, min_size=1, max_size=5)


@pytest.mark.parametrize("case", CASES["graded"], ids=lambda case: f"{case['why']}: {case['completion'][:40]!r}")
def test_completions_of_the_table(case: dict[str, Any]) -> None:
    grade = json_fields(**case.get("options", {}))(Sample(case["completion"], case["reference"]))
    assert isinstance(grade, Score)
    assert grade.value == pytest.approx(case["score"]), grade.explanation


@pytest.mark.parametrize("case", CASES["invalid"], ids=lambda case: repr(case["reference"]))
def test_bad_references_are_invalid_not_wrong(case: dict[str, Any]) -> None:
    assert json_fields()(Sample('{"a": 1}', case["reference"])) == Invalid(case["reason"])


def test_a_reference_with_nan_is_invalid() -> None:
    assert json_fields()(Sample('{"a": 1}', {"a": float("nan")})) == Invalid("reference-not-an-object")


def test_a_reference_without_a_declared_field_is_invalid() -> None:
    assert json_fields(fields=["a", "b"])(Sample('{"a": 1}', {"a": 1})) == Invalid("reference-lacks-a-field")


def test_declared_fields_are_components() -> None:
    grade = json_fields(fields=["a", "b"])(Sample('{"a": 1, "b": 3, "c": 4}', {"a": 1, "b": 2}))
    assert isinstance(grade, Score)
    assert grade.components == {"readable": 1, "unknown_fields": 1, "a": 1, "b": 0}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("fields", []),
        ("fields", "name"),
        ("fields", ["a", "a"]),
        ("fields", [1]),
        ("fields", [""]),
        ("fields", [f"f{number}" for number in range(15)]),
        ("fields", {}),
        ("fields", {"a": 0}),
        ("fields", {"a": -1}),
        ("fields", {"a": float("nan")}),
        ("fields", {"a": 10**400}),
        ("fields", {"a": True}),
        ("fields", {"a": "2"}),
        ("fields", {1: 2}),
        ("lists", "bag"),
        ("strings", None),
        ("extra", True),
    ],
)
def test_illegal_options_are_named(option: str, value: object) -> None:
    options: dict[str, Any] = {option: value}
    with pytest.raises(ValueError, match=f"^{option}: "):
        json_fields(**options)


@QUICK
@given(OBJECTS, st.sampled_from(["{}", "```json\n{}\n```", "Here: {}."]), st.sampled_from(["sequence", "set"]))
def test_the_reference_itself_is_perfect(gold: dict[str, Any], frame: str, lists: str) -> None:
    for strings in ("loose", "exact"):
        grade = json_fields(lists=lists, strings=strings)(Sample(frame.replace("{}", json.dumps(gold)), gold))
        assert isinstance(grade, Score)
        assert grade.value == 1, grade.explanation


@QUICK
@given(OBJECTS, OBJECTS)
def test_scores_stay_between_wrong_and_perfect(gold: dict[str, Any], answer: dict[str, Any]) -> None:
    grade = json_fields()(Sample(json.dumps(answer), gold))
    assert isinstance(grade, Score)
    assert 0 <= grade.value <= 1


@QUICK
@given(OBJECTS, st.text(min_size=7, max_size=9), SCALARS)
def test_a_guessed_field_never_pays(gold: dict[str, Any], name: str, value: object) -> None:
    grade = json_fields()(Sample(json.dumps(gold | {name: value}), gold))
    assert isinstance(grade, Score)
    assert grade.value < 1


@QUICK
@given(OBJECTS, OBJECTS, st.sampled_from(["sequence", "set"]), st.sampled_from(["\n", " or ", "```\n```json\n"]))
def test_offering_two_objects_never_pays(gold: dict[str, Any], other: dict[str, Any], lists: str, join: str) -> None:
    if gold != other:
        for pair in ((gold, other), (other, gold)):
            text = join.join(map(json.dumps, pair))
            for completion in (text, f"```json\n{text}\n```"):
                grade = json_fields(lists=lists)(Sample(completion, gold))
                assert isinstance(grade, Score)
                assert grade.value == 0


@QUICK
@given(st.lists(SCALARS | OBJECTS, min_size=1, max_size=8), st.randoms(use_true_random=False), SCALARS)
def test_sets_have_no_order_and_padding_costs(items: list[Any], chance: Any, more: object) -> None:
    shuffled = list(items)
    chance.shuffle(shuffled)
    for extra in ("penalty", "ignore"):
        grader = json_fields(lists="set", extra=extra)
        perfect = grader(Sample(json.dumps({"l": shuffled}), {"l": items}))
        padded = grader(Sample(json.dumps({"l": [more, *shuffled]}), {"l": items}))
        assert isinstance(perfect, Score) and isinstance(padded, Score)
        assert perfect.value == 1
        assert padded.value == pytest.approx(len(items) / (len(items) + 1))


@QUICK
@given(
    st.dictionaries(st.sampled_from("abcdef"), st.floats(0.001, 1000), min_size=1), st.sets(st.sampled_from("abcdef"))
)
def test_a_field_earns_its_share_of_the_weights(weights: dict[str, float], right: set[str]) -> None:
    gold: dict[str, Any] = dict.fromkeys("abcdef", 1)
    answer = {name: int(name in right) for name in gold}
    grade = json_fields(fields=weights)(Sample(json.dumps(answer), gold))
    assert isinstance(grade, Score)
    earned = sum(weight for name, weight in weights.items() if name in right)
    assert grade.value == pytest.approx(earned / sum(weights.values()))


@QUICK
@given(st.text(alphabet=st.characters() | st.sampled_from('{}[]":,`\n123eNaN'), max_size=80))
def test_any_text_is_graded(completion: str) -> None:
    grade = json_fields()(Sample(completion, {"a": 1}))
    assert isinstance(grade, Score)


@pytest.mark.parametrize(
    "unit",
    ["{", '{"a":', "```json\n{", "{}", "```\n", '{"a":1}', "[{", '{"a":[', '{"a":"', "[\n", ":[1]\n", "```\n[\n"],
)
def test_work_stays_linear_in_the_text(unit: str) -> None:
    """A quadratic reading of a million characters would take hours, so finishing is the assertion."""
    grade = json_fields()(Sample(unit * (1_000_000 // len(unit)), {"a": 1}))
    assert isinstance(grade, Score)
    assert grade.value == 0


def test_comparing_texts_stays_linear() -> None:
    """Sorting the marks of one letter takes quadratic time, unless there is an end to them."""
    completion = json.dumps({"a": "\u0301\u0323" * 500_000, "l": ["\u0301\u0323" * 500_000]}, ensure_ascii=False)
    for lists in ("sequence", "set"):
        grade = json_fields(lists=lists)(Sample(completion, {"a": "b", "l": ["b"]}))
        assert isinstance(grade, Score)
        assert grade.value == 0

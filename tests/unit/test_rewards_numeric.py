"""The numeric grader."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_rewards.grade import Invalid, Score
from rft_rewards.numeric import numeric
from rft_rewards.sample import Sample

CASES = json.loads((Path(__file__).parents[1] / "cases" / "numeric.json").read_text(encoding="utf-8"))
QUICK = settings(max_examples=100, deadline=None, derandomize=True)


@pytest.mark.parametrize("case", CASES["graded"], ids=lambda case: f"{case['why']}: {case['completion'][:40]!r}")
def test_completions_of_the_table(case: dict[str, Any]) -> None:
    grade = numeric(**case["options"])(Sample(case["completion"], case["reference"]))
    assert isinstance(grade, Score)
    assert grade.value == case["score"], grade.explanation


@pytest.mark.parametrize("case", CASES["invalid"], ids=lambda case: repr(case["reference"]))
def test_bad_references_are_invalid_not_wrong(case: dict[str, Any]) -> None:
    assert numeric(rel=0.5)(Sample("#### 5", case["reference"])) == Invalid(case["reason"])


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("places, rel, abs", {}),
        ("places", {"places": 2.0}),
        ("places", {"places": True}),
        ("places", {"places": 1000}),
        ("rel", {"rel": 1}),
        ("rel", {"rel": -0.1}),
        ("rel", {"rel": "0.1"}),
        ("abs", {"abs": float("nan")}),
        ("abs", {"abs": float("inf")}),
        ("abs", {"abs": True}),
        ("sign", {"abs": 0, "sign": "any"}),
        ("scale", {"abs": 0, "scale": "dozen"}),
        ("scale", {"abs": 0, "scale": 1000}),
        ("percent", {"abs": 0, "percent": None}),
        ("marker", {"abs": 0, "marker": " "}),
        ("separators", {"abs": 0, "separators": "auto"}),
        ("accounting", {"abs": 0, "accounting": 1}),
    ],
)
def test_illegal_options_are_named(option: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{option}: got .*wanted "):
        numeric(**options)


def test_components_show_what_needed_the_tolerance() -> None:
    near, exact, silent = (numeric(rel=0.1)(Sample(text, 100)) for text in ("#### 101", "#### 100", "hm"))
    assert isinstance(near, Score)
    assert isinstance(exact, Score)
    assert isinstance(silent, Score)
    assert (near.value, near.components) == (1, {"answered": 1, "exact": 0})
    assert (exact.value, exact.components) == (1, {"answered": 1, "exact": 1})
    assert (silent.value, silent.components) == (0, {"answered": 0, "exact": 0})


VALUES = st.integers(-(10**9), 10**9)
SHARES = st.integers(0, 999).map(lambda thousandths: thousandths / 1000)


@QUICK
@given(VALUES, VALUES, SHARES)
def test_rel_is_the_share_of_the_gold_exactly(gold: int, answer: int, rel: float) -> None:
    grade = numeric(rel=rel)(Sample(f"#### {answer}", gold))
    assert isinstance(grade, Score)
    near = abs(answer - gold) <= Fraction(round(rel * 1000), 1000) * abs(gold)
    assert grade.value == (near and answer * gold >= 0)


@QUICK
@given(VALUES, st.integers(-12, 12).filter(bool), st.sampled_from([{"rel": 0.5}, {"scale": "million", "rel": 0.5}]))
def test_no_power_of_ten_is_forgiven(gold: int, power: int, options: dict[str, Any]) -> None:
    grade = numeric(**options)(Sample(f"#### {gold}e{power}", gold))
    assert isinstance(grade, Score)
    assert grade.value == (gold == 0)


@QUICK
@given(st.text(alphabet=st.characters() | st.sampled_from("#\\boxed{}$0123456789,./-e*%<answer>: \n"), max_size=80))
def test_any_text_is_graded(completion: str) -> None:
    for reference in (completion, 72):
        grade = numeric(places=2, scale="million", percent="ratio", accounting=True)(Sample(completion, reference))
        assert isinstance(grade, Invalid) or grade.value in (0, 1)

"""The repetition grader."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_rewards.grade import Score
from rft_rewards.repetition import repetition
from rft_rewards.sample import Sample
from tests.unit.scoring import scorer

CASES = json.loads((Path(__file__).parents[1] / "cases" / "repetition.json").read_text(encoding="utf-8"))
QUICK = settings(max_examples=100, deadline=None, derandomize=True)
MEGABYTE = 1_000_000
score = scorer(repetition)


@pytest.mark.parametrize("case", CASES["graded"], ids=lambda case: f"{case['why']}: {case['completion'][:40]!r}")
def test_completions_of_the_table(case: dict[str, Any]) -> None:
    assert score(case["completion"], case["reference"], **case["options"]) == pytest.approx(case["score"])


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("n", {"n": 0}),
        ("n", {"n": 17}),
        ("n", {"n": True}),
        ("free", {"free": -0.1}),
        ("free", {"free": "0.1"}),
        ("zero_at", {"zero_at": 1.5}),
        ("zero_at", {"free": 0.5, "zero_at": 0.5}),
        ("zero_at", {"zero_at": float("inf")}),
    ],
)
def test_illegal_options_are_named(option: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{option}: ") as caught:
        repetition(**options)
    assert "\n" not in str(caught.value)


def test_the_share_of_repeats_is_a_component() -> None:
    grade = repetition(n=1)(Sample("a b a b"))
    assert isinstance(grade, Score)
    assert grade.components == {"repeated": 0.5}


@QUICK
@given(
    st.lists(st.sampled_from(["red", "green", "blue", "mauve", ",", "!"]), min_size=6, max_size=20), st.integers(2, 12)
)
def test_saying_it_again_never_pays(pieces: list[str], times: int) -> None:
    once = " ".join([*pieces, "end"])
    again = " ".join([once] * times)
    assert score(again, free=0, zero_at=1) < score(once, free=0, zero_at=1) or score(again) == 0


@QUICK
@given(st.text(max_size=200))
def test_any_text_is_graded(completion: str) -> None:
    score(completion)


@pytest.mark.parametrize(
    "unit", ["a", "a ", "ha", "!", "! ", "你", "\ufdfa", "\u0301\u0327", "the cat sat ", "\n", "_", "1. go "]
)
def test_work_stays_linear_in_the_text(unit: str) -> None:
    """A quadratic reading of a megabyte would take hours, so finishing is the assertion."""
    assert score(unit * (MEGABYTE // len(unit.encode("utf-8")))) == 0

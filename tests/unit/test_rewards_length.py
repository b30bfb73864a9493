"""The length grader."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_rewards.grade import Score
from rft_rewards.length import length
from rft_rewards.sample import Sample
from tests.unit.scoring import scorer

CASES = json.loads((Path(__file__).parents[1] / "cases" / "length.json").read_text(encoding="utf-8"))
QUICK = settings(max_examples=100, deadline=None, derandomize=True)
MEGABYTE = 1_000_000
score = scorer(length)


@pytest.mark.parametrize("case", CASES["graded"], ids=lambda case: f"{case['why']}: {case['completion'][:40]!r}")
def test_completions_of_the_table(case: dict[str, Any]) -> None:
    assert score(case["completion"], case["reference"], **case["options"]) == pytest.approx(case["score"])


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("at_most", {"buffer": 5}),
        ("at_most", {"at_most": 0, "buffer": 5}),
        ("at_most", {"at_most": 2.5, "buffer": 5}),
        ("at_least", {"at_least": True, "buffer": 5}),
        ("at_least", {"at_least": 9, "at_most": 8, "buffer": 5}),
        ("buffer", {"at_most": 9, "buffer": -1}),
        ("buffer", {"at_most": 9, "buffer": None}),
        ("unit", {"at_most": 9, "buffer": 1, "unit": "tokens"}),
        ("reasoning", {"at_most": 9, "buffer": 1, "reasoning": "yes"}),
    ],
)
def test_illegal_options_are_named(option: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{option}: ") as caught:
        length(**options)
    assert "\n" not in str(caught.value)


def test_reasoning_counts_only_when_asked() -> None:
    sample = Sample("one two", with_reasoning="<think>three four</think>one two")
    without, within = length(at_most=3, buffer=0)(sample), length(at_most=3, buffer=0, reasoning=True)(sample)
    assert isinstance(without, Score)
    assert isinstance(within, Score)
    assert (without.value, within.value) == (1, 0)


@QUICK
@given(st.integers(1, 200), st.integers(1, 100), st.integers(1, 100))
def test_it_is_the_soft_overlong_punishment_moved_by_one(words: int, buffer: int, limit: int) -> None:
    """DAPO: 0 up to the limit, (limit - length) / buffer within the buffer, -1 beyond."""
    punishment = 0.0 if words <= limit else (limit - words) / buffer if words <= limit + buffer else -1.0
    assert score("w " * words, at_most=limit, buffer=buffer) == pytest.approx(1 + punishment)


@QUICK
@given(st.text(max_size=200), st.sampled_from(["words", "characters"]))
def test_any_text_is_graded(completion: str, unit: str) -> None:
    score(completion, at_least=2, at_most=20, buffer=7, unit=unit)


@pytest.mark.parametrize("unit_of_length", ["words", "characters"])
@pytest.mark.parametrize("unit", ["a ", "你", "'a", "a-", "\u0301", "a\u200b\u200b", "\n", "a'a'a'"])
def test_work_stays_linear_in_the_text(unit: str, unit_of_length: str) -> None:
    """A quadratic reading of a megabyte would take hours, so finishing is the assertion."""
    assert score(unit * (MEGABYTE // len(unit.encode("utf-8"))), at_most=100, buffer=100, unit=unit_of_length) == 0

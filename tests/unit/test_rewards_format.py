"""The format grader."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_rewards.format import format
from rft_rewards.grade import Score
from rft_rewards.sample import Sample
from tests.unit.scoring import scorer

CASES = json.loads((Path(__file__).parents[1] / "cases" / "format.json").read_text(encoding="utf-8"))
QUICK = settings(max_examples=100, deadline=None, derandomize=True)
MEGABYTE = 1_000_000
score = scorer(format)


@pytest.mark.parametrize("case", CASES["graded"], ids=lambda case: f"{case['why']}: {case['completion'][:40]!r}")
def test_completions_of_the_table(case: dict[str, Any]) -> None:
    assert score(case["completion"], case["reference"], **case["options"]) == pytest.approx(case["score"])


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("required", {}),
        ("required", {"required": "a"}),
        ("required", {"required": [""]}),
        ("required", {"required": ["["]}),
        ("required", {"required": ["(a)\\1"]}),
        ("required", {"required": ["(?=a)"]}),
        (
            "forbidden",
            {
                "forbidden": [
                    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                ]
            },
        ),
        ("forbidden", {"forbidden": ["a", "a"]}),
        ("forbidden", {"forbidden": [1]}),
        ("sections", {"sections": ["A", "## a:"]}),
        ("sections", {"sections": ["##"]}),
        ("blocks", {"blocks": ["think it"]}),
        ("blocks", {"blocks": ["think", "THINK"]}),
        ("outside", {"blocks": ["a"], "outside": 1}),
        ("partial", {"blocks": ["a"], "partial": None}),
    ],
)
def test_illegal_options_are_named(option: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{option}: ") as caught:
        format(**options)
    assert "\n" not in str(caught.value)


def test_blocks_are_looked_for_in_the_whole_turn_and_patterns_in_the_answer() -> None:
    sample = Sample("4", with_reasoning="<think>two and two</think>4")
    grade = format(blocks=["think"], outside=True, required=["^4$"], forbidden=["two"])(sample)
    assert isinstance(grade, Score)
    assert grade.value == 1
    assert grade.components == {"required": 1, "forbidden": 1, "blocks": 1}


@QUICK
@given(st.text(max_size=200))
def test_any_text_is_graded(completion: str) -> None:
    score(completion, required=["a+"], sections=["A", "B"], blocks=["think", "answer"], partial=True)


@QUICK
@given(st.lists(st.sampled_from(["<a>", "</a>", "<b>", "</b>", "word"]), max_size=8))
def test_only_the_asked_blocks_pass(pieces: list[str]) -> None:
    """Of all rows of tags and words, exactly those with one word or more in each block, and none outside."""
    kept = [piece for place, piece in enumerate(pieces) if piece != "word" or pieces[place - 1 : place] != ["word"]]
    wanted = kept == ["<a>", "word", "</a>", "<b>", "word", "</b>"]
    assert score(" ".join(pieces), blocks=["a", "b"]) == wanted


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*b", "(?:a?){500}a{500}", "(x+x+)+y", "(?s).*a.*a.*a.*b", "^(\\w+\\s?)*$"]
)
@pytest.mark.parametrize("unit", ["a", "x", "a ", "\ud800", "\x00"])
def test_no_pattern_hangs_on_a_megabyte(pattern: str, unit: str) -> None:
    """A backtracking engine would take longer than the universe is old, so finishing is the assertion."""
    score(unit * MEGABYTE + "!", required=[pattern])


@pytest.mark.parametrize(
    "unit", ["<think>", "</think><think>", "<", "A:\n", "## A\n", "B", "\n", "<answer>a</answer>", "**"]
)
def test_work_stays_linear_in_the_text(unit: str) -> None:
    """A quadratic reading of a megabyte would take hours, so finishing is the assertion."""
    assert score(unit * (MEGABYTE // len(unit.encode("utf-8"))), sections=["A", "B"], blocks=["think", "answer"]) == 0

"""The text grader."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_rewards.grade import Invalid, Score
from rft_rewards.sample import Sample
from rft_rewards.text import text
from tests.unit.scoring import scorer

CASES = json.loads((Path(__file__).parents[1] / "cases" / "text.json").read_text(encoding="utf-8"))
QUICK = settings(max_examples=100, deadline=None, derandomize=True)
MEGABYTE = 1_000_000
score = scorer(text)


@pytest.mark.parametrize("case", CASES["graded"], ids=lambda case: f"{case['why']}: {case['completion'][:40]!r}")
def test_completions_of_the_table(case: dict[str, Any]) -> None:
    assert score(case["completion"], case["reference"], **case["options"]) == pytest.approx(case["score"])


@pytest.mark.parametrize("case", CASES["invalid"], ids=lambda case: repr(case["reference"]))
@pytest.mark.parametrize("metric", ["exact", "contains", "rouge_l", "edit"])
def test_bad_references_are_invalid_not_wrong(case: dict[str, Any], metric: str) -> None:
    assert text(metric=metric)(Sample("Paris", case["reference"])) == Invalid(case["reason"])


def test_endless_references_are_invalid() -> None:
    assert text(metric="edit")(Sample("a", "a" * 20_001)) == Invalid("reference-too-long")
    assert text(metric="exact")(Sample("a", ["a"] * 65)) == Invalid("reference-not-a-text")


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("metric", {"metric": "bleu"}),
        ("metric", {"metric": None}),
        ("metric", {"metric": ["exact"]}),
        ("case_sensitive", {"metric": "exact", "case_sensitive": 1}),
        ("punctuation", {"metric": "exact", "punctuation": "drop"}),
        ("extra_words", {"metric": "exact", "extra_words": 3}),
        ("extra_words", {"metric": "contains", "extra_words": -1}),
        ("extra_words", {"metric": "contains", "extra_words": True}),
    ],
)
def test_illegal_options_are_named(option: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{option}: ") as caught:
        text(**options)
    assert "\n" not in str(caught.value)


@QUICK
@given(
    st.text(max_size=60).filter(lambda gold: any(map(str.isalnum, gold))),
    st.sampled_from(["exact", "contains", "rouge_l", "edit"]),
)
def test_the_reference_itself_is_perfect(gold: str, metric: str) -> None:
    grade = text(metric=metric)(Sample(gold, gold))
    assert grade == Invalid("reference-empty") or (isinstance(grade, Score) and grade.value == pytest.approx(1))


@QUICK
@given(st.text(max_size=80), st.text(max_size=80), st.sampled_from(["exact", "contains", "rouge_l", "edit"]))
def test_any_text_is_graded(completion: str, gold: str, metric: str) -> None:
    grade = text(metric=metric)(Sample(completion, f"a{gold}"))
    assert isinstance(grade, Score)
    assert 0 <= grade.value <= 1


@QUICK
@given(
    st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=6),
    st.lists(st.sampled_from("klmnopqrst"), min_size=1, max_size=30),
    st.data(),
)
def test_hiding_the_reference_among_other_words_costs_them(
    gold: list[str], other: list[str], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(other)))
    hidden = " ".join(other[:place] + gold + other[place:])
    assert score(hidden, " ".join(gold), metric="contains") == pytest.approx(len(gold) / (len(gold) + len(other)))


@QUICK
@given(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=12),
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=12),
)
def test_rouge_l_is_the_textbook_formula(gold: list[str], answer: list[str]) -> None:
    common = [[0] * (len(answer) + 1) for _ in range(len(gold) + 1)]
    for row, left in enumerate(gold):
        for column, right in enumerate(answer):
            common[row + 1][column + 1] = (
                common[row][column] + 1 if left == right else max(common[row][column + 1], common[row + 1][column])
            )
    precision, recall = common[-1][-1] / len(answer), common[-1][-1] / len(gold)
    wanted = 2 * precision * recall / (precision + recall) if common[-1][-1] else 0
    if len(answer) <= 10 * len(gold):
        assert score(" ".join(answer), " ".join(gold), metric="rouge_l") == pytest.approx(wanted)


@pytest.mark.parametrize("metric", ["exact", "contains", "rouge_l", "edit"])
@pytest.mark.parametrize(
    "unit", ["a", "word ", "\u0301\u0327", "\ufdfa", "é", "你", ".", "\ud800", "the answer is here "]
)
def test_work_stays_linear_in_the_text(unit: str, metric: str) -> None:
    """A quadratic reading of a megabyte would take hours, so finishing is the assertion."""
    completion = unit * (MEGABYTE // len(unit.encode("utf-8", "replace")))
    assert score(completion, "the answer is here " * 500, metric=metric) < 0.05

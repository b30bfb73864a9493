"""The label grader."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_rewards.grade import Invalid, Score
from rft_rewards.label import label
from rft_rewards.sample import Sample

CASES = json.loads((Path(__file__).parents[1] / "cases" / "label.json").read_text(encoding="utf-8"))
QUICK = settings(max_examples=150, deadline=None, derandomize=True)
LABELS = ["billing", "delivery", "account access"]


@pytest.mark.parametrize("case", CASES["graded"], ids=lambda case: f"{case['why']}: {case['completion'][:40]!r}")
def test_completions_of_the_table(case: dict[str, Any]) -> None:
    grade = label(**case["options"])(Sample(case["completion"], case["reference"]))
    assert isinstance(grade, Score)
    assert grade.value == case["score"], grade.explanation


@pytest.mark.parametrize("case", CASES["invalid"], ids=lambda case: repr(case["reference"]))
def test_bad_references_are_invalid_not_wrong(case: dict[str, Any]) -> None:
    assert label(labels=LABELS)(Sample("billing", case["reference"])) == Invalid(case["reason"])


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("labels", {"labels": []}),
        ("labels", {"labels": ["one"]}),
        ("labels", {"labels": "abc"}),
        ("labels", {"labels": ["a", 1]}),
        ("labels", {"labels": ["a", " "]}),
        ("labels", {"labels": ["a", "--"]}),
        ("labels", {"labels": ["out-of-scope", "Out of Scope"]}),
        ("max_words", {"labels": LABELS, "max_words": 0}),
        ("max_words", {"labels": LABELS, "max_words": True}),
        ("max_words", {"labels": LABELS, "max_words": "8"}),
        ("case_sensitive", {"labels": LABELS, "case_sensitive": 1}),
    ],
)
def test_illegal_options_are_named(option: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{option}: "):
        label(**options)


@QUICK
@given(
    st.sampled_from(LABELS), st.sampled_from(LABELS), st.sampled_from(["{}", "{}.", "Label: {}", "**{}**", "\n{}\n"])
)
def test_naming_one_label_pays_when_it_is_the_reference(gold: str, named: str, frame: str) -> None:
    grade = label(labels=LABELS)(Sample(frame.format(named.upper()), gold))
    assert isinstance(grade, Score)
    assert grade.value == (gold == named)


@QUICK
@given(st.permutations(LABELS), st.integers(2, 3), st.sampled_from([", ", " ", "\n", " or ", "/"]))
def test_naming_several_labels_never_pays(order: list[str], count: int, join: str) -> None:
    for gold in LABELS:
        grade = label(labels=LABELS)(Sample(join.join(order[:count]), gold))
        assert isinstance(grade, Score)
        assert grade.value == 0


@QUICK
@given(st.text(max_size=200))
def test_any_text_is_graded(completion: str) -> None:
    grade = label(labels=LABELS)(Sample(completion, "billing"))
    assert isinstance(grade, Score)
    assert grade.value in (0, 1)

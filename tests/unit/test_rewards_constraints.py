"""The constraints grader."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_rewards.constraints import constraints
from rft_rewards.grade import Invalid, Score
from rft_rewards.sample import Sample
from tests.unit.scoring import scorer

CASES = json.loads((Path(__file__).parents[1] / "cases" / "constraints.json").read_text(encoding="utf-8"))
QUICK = settings(max_examples=100, deadline=None, derandomize=True)
MEGABYTE = 1_000_000
score = scorer(constraints)


@pytest.mark.parametrize("case", CASES["graded"], ids=lambda case: f"{case['why']}: {case['completion'][:40]!r}")
def test_completions_of_the_table(case: dict[str, Any]) -> None:
    assert score(case["completion"], case["reference"], **case["options"]) == pytest.approx(case["score"])


@pytest.mark.parametrize("case", CASES["invalid"], ids=lambda case: repr(case["reference"])[:80])
def test_bad_references_are_invalid_not_wrong(case: dict[str, Any]) -> None:
    assert constraints()(Sample("words", case["reference"])) == Invalid(case["reason"])


@pytest.mark.parametrize("case", CASES["invalid"], ids=lambda case: repr(case["reference"])[:80])
def test_what_is_invalid_in_a_row_is_an_error_in_the_option(case: dict[str, Any]) -> None:
    reference = case["reference"]
    if isinstance(reference, dict) and "constraints" in reference:
        with pytest.raises(ValueError, match=r"^constraints: ") as caught:
            constraints(constraints=reference["constraints"])
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("partial", [1, None, "yes"])
def test_illegal_options_are_named(partial: Any) -> None:
    with pytest.raises(ValueError, match=r"^partial: "):
        constraints(partial=partial)


def test_shares_by_kind_are_components() -> None:
    rules: list[Any] = [
        {"kind": "words", "exactly": 1},
        {"kind": "words", "exactly": 2},
        {"kind": "case", "style": "lower"},
    ]
    grade = constraints(constraints=rules)(Sample("two words"))
    assert isinstance(grade, Score)
    assert grade.components == {"fulfilled": pytest.approx(2 / 3), "words": 0.5, "case": 1}
    assert grade.explanation == "broken: words"


@QUICK
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["kind", "constraints", "at_least", "text", "texts", "code", "style"]),
                inner,
                max_size=3,
            )
        ),
        max_leaves=10,
    )
)
def test_any_reference_is_read(reference: Any) -> None:
    assert isinstance(constraints()(Sample("words", {"constraints": reference})), (Score, Invalid))


ALL_KINDS: list[Any] = [
    *({"kind": kind, "at_least": 1} for kind in ("words", "characters", "sentences", "paragraphs", "lines", "bullets")),
    *({"kind": kind, "at_least": 1} for kind in ("numbered", "headings", "placeholders", "capital_words")),
    {"kind": "keyword", "text": "cat dog"},
    {"kind": "keywords", "texts": ["cat", "dog"], "present": "all"},
    {"kind": "substring", "text": "aab"},
    {"kind": "case", "style": "title"},
    {"kind": "case", "style": "upper"},
    {"kind": "starts_with", "text": "cat"},
    {"kind": "ends_with", "text": "cat"},
    {"kind": "one_of", "texts": ["cat"]},
    {"kind": "sections", "names": ["A", "B"]},
    {"kind": "json"},
    {"kind": "language", "code": "en"},
]


@QUICK
@given(st.text(max_size=200))
def test_any_text_is_graded(completion: str) -> None:
    score(completion, constraints=ALL_KINDS)


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a ",
        "A. ",
        "[",
        "[a",
        "[[1],",
        "1. ",
        "- a\n",
        "A:\n",
        "...",
        "\n",
        "\u0301\u0327",
        "你",
        "\ud800",
        "{",
        "#",
        "```\n",
    ],
)
def test_work_stays_linear_in_the_text(unit: str) -> None:
    """A quadratic reading of a megabyte would take hours, so finishing is the assertion."""
    completion = unit * (MEGABYTE // len(unit.encode("utf-8", "replace")))
    assert score(completion, constraints=ALL_KINDS) < 0.5

"""The grounded grader."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_rewards.grade import Grade, Invalid, Score
from rft_rewards.grounded import grounded
from rft_rewards.sample import Sample

CASES = json.loads((Path(__file__).parents[1] / "cases" / "grounded.json").read_text(encoding="utf-8"))
QUICK = settings(max_examples=100, deadline=None, derandomize=True)
MEGABYTE = 1_000_000


def graded(case: dict[str, Any], completion: str) -> Grade:
    sample = Sample(completion, case.get("reference"), prompt=case.get("prompt", []), metadata=case.get("metadata", {}))
    return grounded(**case["options"])(sample)


@pytest.mark.parametrize("case", CASES["graded"], ids=lambda case: f"{case['why']}: {case['completion'][:40]!r}")
def test_completions_of_the_table(case: dict[str, Any]) -> None:
    grade = graded(case, case["completion"])
    assert isinstance(grade, Score)
    assert grade.value == pytest.approx(case["score"]), grade.explanation


@pytest.mark.parametrize("case", CASES["invalid"], ids=repr)
def test_a_row_without_context_is_invalid_not_wrong(case: dict[str, Any]) -> None:
    assert graded(case, "anything") == Invalid(case["reason"])


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("source", {"source": "web"}),
        ("field", {"source": "metadata"}),
        ("field", {"source": "metadata", "field": " "}),
        ("field", {"field": "a b"}),
        ("field", {"field": 1}),
        ("min_words", {"min_words": 0}),
        ("min_quotes", {"min_quotes": 0}),
        ("min_quotes", {"min_quotes": 65}),
        ("min_citations", {"min_citations": -1}),
        ("attributed", {"attributed": 1}),
        ("max_share", {"max_share": 2}),
    ],
)
def test_illegal_options_are_named(option: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{option}: ") as caught:
        grounded(**options)
    assert "\n" not in str(caught.value)


CONTEXT = " ".join(f"word{number}" for number in range(200))


def score(completion: str, **options: Any) -> float:
    grade = grounded(**options)(Sample(completion, prompt=[{"role": "user", "content": CONTEXT}]))
    assert isinstance(grade, Score)
    assert 0 <= grade.value <= 1
    return grade.value


def test_counts_are_components() -> None:
    sample = Sample('"word1 word2 word3 word4 word5" [1] [9]', prompt=[{"role": "user", "content": CONTEXT}])
    grade = grounded()(sample)
    assert isinstance(grade, Score)
    assert grade.components == {"quotes": 1, "supported": 1, "citations": 2, "known": 1}


@QUICK
@given(st.integers(0, 190), st.integers(5, 10), st.sampled_from(['"{}"', "“{}”", "«{}»", "> {}"]))
def test_every_true_quotation_pays(start: int, length: int, marks: str) -> None:
    quote = " ".join(CONTEXT.split()[start : start + length])
    assert score("It says:\n" + marks.format(quote)) == 1


@QUICK
@given(st.integers(0, 190), st.integers(5, 10), st.data())
def test_a_changed_word_never_pays(start: int, length: int, data: st.DataObject) -> None:
    quote = CONTEXT.split()[start : start + length]
    quote[data.draw(st.integers(0, len(quote) - 1))] = "sword"
    assert score(f'It says: "{" ".join(quote)}"') == 0


def test_many_quotations_are_refused() -> None:
    words = CONTEXT.split()
    assert score(" ".join(f'"{" ".join(words[start : start + 5])}"' for start in range(100)), max_share=1) == 0


@QUICK
@given(st.text(alphabet=st.characters() | st.sampled_from('"[]>.1 '), max_size=200))
def test_any_text_is_graded(completion: str) -> None:
    score(completion)


@pytest.mark.parametrize(
    "unit",
    [
        '"',
        '""',
        "> a\n",
        '"a b c d e" [1] ',
        "[",
        "[1]",
        "[1,",
        "...",
        "a b c d e ... ",
        "\u0301\u0327",
        "\n",
        "> ",
        "[1",
        "“",
    ],
)
def test_work_stays_linear_in_the_text(unit: str) -> None:
    """A quadratic reading of a megabyte would take hours, so finishing is the assertion."""
    assert score(unit * (MEGABYTE // len(unit.encode("utf-8")))) == 0

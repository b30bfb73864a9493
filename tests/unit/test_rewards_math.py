"""The math grader: a table of real mistakes, and properties over every way to write a number."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_rewards.grade import Invalid, Score
from rft_rewards.math import math
from rft_rewards.sample import Sample

CASES = json.loads((Path(__file__).parents[1] / "cases" / "math.json").read_text(encoding="utf-8"))
QUICK = settings(max_examples=150, deadline=None, derandomize=True)


@pytest.mark.parametrize("case", CASES["graded"], ids=lambda case: f"{case['why']}: {case['completion'][:40]!r}")
def test_completions_of_the_table(case: dict[str, Any]) -> None:
    grade = math(**case.get("options", {}))(Sample(case["completion"], case["reference"]))
    assert isinstance(grade, Score)
    assert grade.value == case["score"], grade.explanation


@pytest.mark.parametrize("case", CASES["outputs"], ids=lambda case: repr(case["completion"][-40:]))
def test_realistic_outputs(case: dict[str, Any]) -> None:
    grade = math()(Sample(case["completion"], case["reference"]))
    assert isinstance(grade, Score)
    assert grade.value == case["score"], grade.explanation


@pytest.mark.parametrize("case", CASES["invalid"], ids=lambda case: repr(case["reference"]))
def test_bad_references_are_invalid_not_wrong(case: dict[str, Any]) -> None:
    assert math()(Sample("#### 72", case["reference"])) == Invalid(case["reason"])


@pytest.mark.parametrize(
    "reference", [float("nan"), float("inf"), 10**5000, 5e-324], ids=["nan", "inf", "huge", "tiny"]
)
def test_unbounded_references_are_invalid(reference: float) -> None:
    assert math()(Sample("#### 72", reference)) == Invalid("reference-not-a-number")


@pytest.mark.parametrize(
    "options",
    [
        {"marker": ""},
        {"marker": 7},
        {"accounting": "yes"},
        {"scale_words": 1},
        {"separators": "german"},
        {"separators": None},
    ],
)
def test_illegal_options_are_named(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        math(**options)


def grouped(value: int, separator: str) -> str:
    return f"{value:,}".replace(",", separator)


NUMBERS = st.builds(Fraction, st.integers(-(10**12), 10**12), st.sampled_from([1, 1, 1, 2, 4, 5, 10, 100, 1000]))


def decimal(value: Fraction) -> str:
    """Write a value whose denominator divides 1000 exactly."""
    thousandths = int(abs(value) * 1000)
    text = f"{thousandths // 1000}.{thousandths % 1000:03d}".rstrip("0").rstrip(".")
    return "-" * (value < 0) + text


def renderings(value: Fraction) -> list[str]:
    """Write a value in every way that is read."""
    plain = decimal(value)
    sign, size = ("-", plain[1:]) if value < 0 else ("", plain)
    whole, _, decimals = size.partition(".")
    tail = f".{decimals}" if decimals else ""
    ways = [
        plain,
        f"{plain}.0" if not tail else f"{plain}0",
        f"{sign}${size}",
        f"${sign}{size}",
        f"{plain} dollars",
        f"{plain}%",
        f"{plain} €",
        plain.replace("-", "−"),
        plain.translate({ord(str(digit)): ord("０") + digit for digit in range(10)}),
        f"{plain}e0",
        f"{value.numerator}/{value.denominator}",
        f"\\frac{{{value.numerator}}}{{{value.denominator}}}" if value >= 0 else plain,
        *(f"{sign}{grouped(int(whole), separator)}{tail}" for separator in (",", " ", "\u202f", "_", "{,}")),
    ]
    if tail:
        ways.append(f"{sign}{tail}" if whole == "0" else f"{sign}{whole}{tail}00")
    return ways


SEPARATORS = {
    "english": (",", "."),
    "continental": (".", ","),
    "swiss": ("'", "."),
    "none": ("", "."),
}


@QUICK
@given(NUMBERS, st.sampled_from(sorted(SEPARATORS)), st.sampled_from(sorted(SEPARATORS)))
def test_each_notation_reads_its_own_numbers_and_never_guesses(value: Fraction, written: str, read: str) -> None:
    """What another notation reads in a number is its own value or nothing, never what was meant."""
    group, point = SEPARATORS[written]
    whole, _, decimals = decimal(value).removeprefix("-").partition(".")
    number = "-" * (value < 0) + grouped(int(whole), group) + (point + decimals if decimals else "")
    grade = math(separators=read)(Sample(f"#### {number}", int(value) if value.denominator == 1 else float(value)))
    assert isinstance(grade, Score)
    plain = number.replace("-", "")
    if written == read or plain.isdigit():
        assert grade.value == 1, number
    elif not plain.replace(".", "").isdigit() or SEPARATORS[read][1] != ".":
        assert grade.value == 0, number


FRAMES = [
    "#### {}",
    "####{}",
    "Some steps: 3 + 4 = 7.\n#### {}\n",
    "#### **{}**",
    "#### {}.",
    "#### {}\n" + "and more text " * 40,
    "\\boxed{{{}}}",
    "Therefore $\\boxed{{{}}}$.",
    "<answer>{}</answer>",
    "The final answer is {}.",
    "**Answer:** {}",
    "So we get\n**{}**",
    "3 + 4 = 7\n{}",
    '{{"answer": "{}"}}',
    "The answer to the question is {}.",
    "The answer is that she needs {}",
]


@QUICK
@given(NUMBERS, st.data())
def test_every_rendering_of_the_value_is_right(value: Fraction, data: st.DataObject) -> None:
    completion = data.draw(st.sampled_from(FRAMES)).format(data.draw(st.sampled_from(renderings(value))))
    grade = math()(Sample(completion, decimal(value)))
    assert isinstance(grade, Score)
    assert grade.value == 1, (completion, grade.explanation)


@QUICK
@given(NUMBERS, NUMBERS, st.data())
def test_no_rendering_of_another_value_is_right(value: Fraction, other: Fraction, data: st.DataObject) -> None:
    completion = data.draw(st.sampled_from(FRAMES)).format(data.draw(st.sampled_from(renderings(other))))
    grade = math()(Sample(completion, decimal(value)))
    assert isinstance(grade, Score)
    assert grade.value == (value == other), completion


@QUICK
@given(NUMBERS, NUMBERS.filter(bool), st.sampled_from([" or ", ", ", " and ", "; ", "\n#### ", " #### ", " to "]))
def test_naming_two_values_never_pays(value: Fraction, difference: Fraction, join: str) -> None:
    gold, other = decimal(value), decimal(value + difference)
    for pair in ((gold, other), (other, gold)):
        grade = math()(Sample("#### " + join.join(pair), gold))
        assert isinstance(grade, Score)
        assert grade.value == 0


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.text(alphabet=st.characters() | st.sampled_from("#\\boxed{}$0123456789,./-e*<answer>: \n"), max_size=80))
def test_any_text_is_graded(completion: str) -> None:
    for reference in (completion, 72):
        grade = math()(Sample(completion, reference))
        assert isinstance(grade, Invalid) or grade.value in (0, 1)


UNITS = ["#### ", "\\boxed{", "{", "<answer>", "answer is ", "**", "1 ", "1,", "9", "- ", "= ", "1/", "(", "½", "a "]
UNITS += ['"answer": ', '"answer": "', "the answer to the ", "answer in ", "x or ", "maybe ", "**a b ", "$(", "5 h "]
UNITS += ["#### 1" + " " * 185 + "zz 2 ", "#### 1" + "[" * 185 + "z ", "#### " + "½" * 190]
UNITS += ["####5" + "a" * 190 + "1 ", "\\boxed{\\frac{" + " " * 190 + "}}", "#### 1" + " (" * 90 + "x 2 "]


@pytest.mark.parametrize("unit", UNITS)
def test_work_stays_linear_in_the_text(unit: str) -> None:
    """A quadratic reading of a million characters would take hours, so finishing is the assertion."""
    grade = math()(Sample(unit * (1_000_000 // len(unit)), 72))
    assert isinstance(grade, Score)
    assert grade.value == 0

"""The math_latex grader, with math-verify and its helper process."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rft_rewards.grade import Invalid, Score
from rft_rewards.latex_equality import HelperLost, LatexEquality, Verdict
from rft_rewards.math_latex import math_latex
from rft_rewards.sample import Sample

pytest.importorskip("math_verify")

CASES = json.loads((Path(__file__).parents[1] / "cases" / "math_latex.json").read_text(encoding="utf-8"))
GRADE = math_latex()
MARKED = math_latex(marker="RESULT:")
TOWER = "9^{9^{9^{9}}}"
HOSTILE = [TOWER, "(x+1)^{5000}", r"\sqrt{" * 12 + "x" + "}" * 12 + "^{99999999}", "x^{" * 15 + "9" + "}" * 15]


@pytest.fixture(scope="module")
def equality() -> Iterator[LatexEquality]:
    """A helper with little patience."""
    helper = LatexEquality(seconds=0.3)
    yield helper
    helper.close()


@pytest.mark.parametrize("case", CASES["graded"], ids=lambda case: f"{case['why']}: {case['completion'][:40]!r}")
def test_completions_of_the_table(case: dict[str, Any]) -> None:
    grader = MARKED if case.get("options") else GRADE
    grade = grader(Sample(case["completion"], case["reference"]))
    assert isinstance(grade, Score)
    assert grade.value == case["score"], grade.explanation


@pytest.mark.parametrize("case", CASES["invalid"], ids=lambda case: repr(case["reference"])[:40])
def test_bad_references_are_invalid_not_wrong(case: dict[str, Any]) -> None:
    assert GRADE(Sample("\\boxed{x}", case["reference"])) == Invalid(case["reason"])


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("marker", {"marker": ""}),
        ("seconds", {"seconds": 0}),
        ("seconds", {"seconds": True}),
        ("seconds", {"seconds": 61}),
    ],
)
def test_illegal_options_are_named(option: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{option}: got .*wanted "):
        math_latex(**options)


def test_hostile_expressions_are_wrong_in_bounded_time() -> None:
    grader = math_latex(seconds=0.3)
    for expression in HOSTILE:
        started = time.monotonic()
        grade = grader(Sample(f"\\boxed{{{expression}}}", r"\pi"))
        assert isinstance(grade, Score)
        assert grade.value == 0
        assert time.monotonic() - started < 60, "the kernel's limit did not hold"
    assert grader(Sample(r"\boxed{\frac{2\pi}{2}}", r"\pi")) == GRADE(Sample(r"\boxed{\pi}", r"\pi"))


def test_a_killed_worker_costs_its_own_question_alone(equality: LatexEquality) -> None:
    verdicts = [equality.ask(r"\pi", answer) for answer in (r"\pi", TOWER, r"2\pi", TOWER + "+1", r"\frac{2\pi}{2}")]
    assert verdicts == [Verdict.EQUAL, Verdict.KILLED, Verdict.DIFFERENT, Verdict.KILLED, Verdict.EQUAL]


def test_memory_is_bounded(equality: LatexEquality) -> None:
    assert equality.ask(r"\pi", "10^{10^{10}}") is not Verdict.EQUAL
    assert equality.ask(r"\pi", r"\pi") is Verdict.EQUAL


def test_a_lost_helper_is_started_again(equality: LatexEquality) -> None:
    assert equality.ask("x", "x") is Verdict.EQUAL
    assert equality._helper is not None
    os.killpg(equality._helper.pid, 9)
    assert equality.ask("x+1", "1+x") is Verdict.EQUAL


def test_a_helper_that_cannot_start_is_the_graders_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(HelperLost):
        LatexEquality(seconds=1).ask("x", "x")
    assert math_latex()(Sample(r"\boxed{x}", "x")) == Invalid("helper-lost", transient=True)


def test_the_helper_sees_no_credentials_and_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    helper = LatexEquality(seconds=1)
    assert helper.ask("x", "x") is Verdict.EQUAL
    assert helper._helper is not None
    pid = helper._helper.pid
    assert b"secret" not in Path(f"/proc/{pid}/environ").read_bytes()
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert len(workers) == 1
    helper.close()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{process}").exists() for process in (pid, *workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(Path(f"/proc/{process}").exists() for process in (pid, *workers))


UNITS = [
    "\\boxed{x",
    "\\boxed{x}",
    "$x$ and ",
    "the answer is $x$, ",
    "{",
    "\\frac{",
    "#### (",
    "<answer>$",
    "\\text{ or }",
]


@pytest.mark.parametrize("unit", UNITS)
def test_work_stays_linear_in_the_text(unit: str) -> None:
    grade = GRADE(Sample(unit * (1_000_000 // len(unit)), "y"))
    assert isinstance(grade, Score)
    assert grade.value == 0

"""The code grader, with a runner that executes harmless programs in this process."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.json_value import JsonObject
from rft_rewards import killable
from rft_rewards.batch import grade_all
from rft_rewards.code import code
from rft_rewards.deadline import Deadline
from rft_rewards.grade import Grade, Invalid, Score
from rft_rewards.killable import KILLED, call_each
from rft_rewards.program_text import LONGEST_PROGRAM, read_program
from rft_rewards.runner import Job, Ran, RunnerLost, RunnerUnreachable
from rft_rewards.sample import Sample
from rft_runner.program import answers

CASES = json.loads((Path(__file__).parents[1] / "cases" / "code.json").read_text(encoding="utf-8"))
QUICK = settings(max_examples=100, deadline=None, derandomize=True)
SQUARES: JsonObject = {"entry_point": "f", "cases": [{"args": [n], "expected": n * n} for n in (2, 3)]}
RIGHT = Sample("def f(x): return x * x", SQUARES)
WRONG = Sample("def f(x): return -x", SQUARES)


class InProcess:
    """A runner that executes programs here and keeps what it was asked."""

    def __init__(self, fate: Callable[[Sequence[Job]], None] = lambda jobs: None) -> None:
        self.asked: list[list[Job]] = []
        self._fate = fate

    def run(self, jobs: Sequence[Job], /, *, seconds: float) -> list[Ran | None]:
        self.asked.append(list(jobs))
        self._fate(jobs)
        return [Ran(tuple(answers(job.to_json()))[1:], 0.001) for job in jobs]


class Scripted:
    """A runner whose results are given, round by round."""

    def __init__(self, *rounds: list[Ran | None]) -> None:
        self._rounds = list(rounds)
        self.asked: list[list[Job]] = []

    def run(self, jobs: Sequence[Job], /, *, seconds: float) -> list[Ran | None]:
        self.asked.append(list(jobs))
        return self._rounds.pop(0)


def grade(*samples: Sample, runner: Any = None, deadline: Deadline | None = None, **options: Any) -> list[Grade]:
    return grade_all(code(runner=runner or InProcess(), deadline=deadline or Deadline(60), **options), samples)


def fenced(program: str) -> str:
    return f"```python\n{program}\n```"


@pytest.mark.parametrize("case", CASES["read"], ids=lambda case: case["why"])
def test_the_program_in_a_completion(case: dict[str, Any]) -> None:
    assert read_program(case["completion"], "f") == case["program"]


@QUICK
@given(st.text(alphabet="`~ \n\tdef(x):=python#@", max_size=400))
def test_any_text_is_read(completion: str) -> None:
    program = read_program(completion, "f")
    assert program is None or "f" in program


FILLERS = ["`", "``` ", " ", "\t\n", "def f(", "a.", "import a", "f = ", "a: ", "x, ", "~~~\n"]


@pytest.mark.parametrize("filler", FILLERS)
def test_a_megabyte_of_anything_is_read(filler: str) -> None:
    # Were the cost to grow with the square of the length, this would not end.
    assert read_program(filler * (2**20 // len(filler)) + "`", "g") is None


@pytest.mark.parametrize("case", CASES["graded"], ids=lambda case: case["why"])
def test_cases_of_the_table(case: dict[str, Any]) -> None:
    reference: JsonObject = {
        "entry_point": "f",
        "cases": [{"args": args, "expected": value} for args, value in case["cases"]],
    }
    reference |= {key: case[key] for key in ("prelude", "observe") if key in case}
    (found,) = grade(Sample(fenced(case["program"]), reference), **case.get("options", {}))
    assert isinstance(found, Score)
    assert found.value == case["score"], found.explanation


@pytest.mark.parametrize("case", CASES["tested"], ids=lambda case: case["why"])
def test_tests_of_the_table(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rft_rewards.code._TEST_SECONDS", 0.5)
    reference = {"entry_point": "f"} | {key: case[key] for key in ("test", "prelude", "observe") if key in case}
    metadata = {"rft_gold": fenced(case["gold"])} if "gold" in case else {}
    runner = InProcess()
    (found,) = grade(Sample(fenced(case["program"]), reference, metadata=metadata), runner=runner)
    assert isinstance(found, Score), found
    assert found.value == case["score"], found.explanation
    assert len(runner.asked) == case.get("calls", len(runner.asked))


@pytest.mark.parametrize("case", CASES["invalid"], ids=lambda case: case["why"])
def test_what_judges_nothing_is_invalid_not_wrong(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rft_rewards.code._TEST_SECONDS", 0.5)
    metadata = {"rft_gold": case["gold"]} if "gold" in case else {}
    found = grade(Sample("def f(*args): return 1", case["reference"], metadata=metadata), RIGHT)
    assert found == [Invalid(case["reason"]), Score(1.0, "2 of 2 cases (2 right)", {"answers": 1.0})]


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("seconds", {"seconds": 0}),
        ("seconds", {"seconds": 61}),
        ("seconds", {"seconds": True}),
        ("seconds", {"seconds": "3"}),
        ("memory_mib", {"memory_mib": 8}),
        ("memory_mib", {"memory_mib": 100.5}),
        ("compare", {"compare": "loosely"}),
        ("partial", {"partial": 1}),
    ],
)
def test_illegal_options_are_named(option: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{option}: got .*, wanted "):
        code(runner=InProcess(), deadline=Deadline(), **options)


def test_no_program_and_a_long_one_are_wrong_without_the_runner() -> None:
    runner = InProcess()
    long = "def f(x): return x\n" + "#" * LONGEST_PROGRAM
    found = grade(Sample("I cannot.", SQUARES), Sample(fenced(long), SQUARES), runner=runner)
    assert [item.value for item in found if isinstance(item, Score)] == [0, 0]
    assert runner.asked == []


def test_a_batch_is_one_call_and_equal_programs_are_one_job() -> None:
    runner = InProcess()
    found = grade(RIGHT, WRONG, RIGHT, Sample("no program", SQUARES), RIGHT, runner=runner)
    assert [item.value for item in found if isinstance(item, Score)] == [1, 0, 1, 0, 1]
    assert [len(jobs) for jobs in runner.asked] == [2]


def test_suspended_calls_of_all_samples_go_out_together() -> None:
    test = """
def check(candidate):
    value = 0
    for _ in range(COUNT):
        value = candidate(value)
    assert value == COUNT
"""
    runner = InProcess()
    samples = [
        Sample("def f(x): return x + 1", {"entry_point": "f", "test": test.replace("COUNT", str(count))})
        for count in (1, 3, 5)
    ]
    found = grade(*samples, runner=runner)
    assert [item.value for item in found if isinstance(item, Score)] == [1, 1, 1]
    assert [len(jobs) for jobs in runner.asked] == [3, 2, 2, 1, 1]


def test_the_runner_is_never_told_what_judges() -> None:
    runner = InProcess()
    secret: JsonObject = {
        "entry_point": "f",
        "test": "SECRET = 'canary'\ndef check(candidate):\n    assert candidate(2) == 4",
    }
    cased: JsonObject = {"entry_point": "f", "cases": [{"args": [1], "expected": "canary"}]}
    gold = {"rft_gold": "def f(x):\n    'canary'\n    return x * x"}
    grade(Sample("def f(x): return x", secret, metadata=gold), Sample("def f(x): return x", cased), runner=runner)
    assert runner.asked
    assert "canary" not in json.dumps([job.to_json() for jobs in runner.asked for job in jobs])


def ends_its_environment(jobs: Sequence[Job]) -> None:
    if any("kill" in job.program for job in jobs):
        raise RunnerLost


def test_a_program_that_ends_its_environment_is_wrong_and_loses_nobody() -> None:
    runner = InProcess(ends_its_environment)
    samples = [Sample(f"def f(x): return x * x + {number}", SQUARES) for number in range(9)]
    samples[4] = Sample("def f(x): kill()", SQUARES)
    found = grade(*samples, runner=runner)
    assert [item.value for item in found if isinstance(item, Score)] == [1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert isinstance(found[4], Score)
    assert found[4].explanation == "ended-its-environment"
    assert len(runner.asked) < 20


def test_a_runner_that_is_unsound_or_unreachable_is_nobodys_fault() -> None:
    def lost(jobs: Sequence[Job]) -> None:
        raise RunnerLost

    def unreachable(jobs: Sequence[Job]) -> None:
        raise RunnerUnreachable

    for fate, calls in ((lost, 2), (unreachable, 1)):
        runner = InProcess(fate)
        assert grade(RIGHT, WRONG, runner=runner) == [Invalid("runner-unreachable", transient=True)] * 2
        assert len(runner.asked) == calls


def test_without_time_nothing_is_asked_and_nobody_is_blamed() -> None:
    runner = InProcess()
    assert grade(RIGHT, runner=runner, deadline=Deadline(0.5)) == [Invalid("out-of-time", transient=True)]
    assert runner.asked == []


def test_what_the_runner_put_off_is_asked_again() -> None:
    runner = Scripted([None, Ran(("v4", "v9"), 0.1)], [Ran(("v4",), 0.1)], [Ran(("v9",), 0.1)])
    assert [item.value for item in grade(RIGHT, WRONG, runner=runner) if isinstance(item, Score)] == [1, 1]
    assert [[len(job.calls) for job in jobs] for jobs in runner.asked] == [[2, 2], [2], [1]]


def test_what_is_put_off_for_ever_is_invalid() -> None:
    assert grade(RIGHT, runner=Scripted([None])) == [Invalid("out-of-time", transient=True)]


def test_a_slow_program_gets_its_whole_time_after_the_quick_ones() -> None:
    runner = Scripted(
        [Ran(("xtimeout", "xtimeout"), 1.0), Ran(("v4",), 0.1)], [Ran(("v0",), 0.1)], [Ran(("v4", "v9"), 1.5)]
    )
    found = grade(RIGHT, WRONG, runner=runner, seconds=3)
    assert [item.value for item in found if isinstance(item, Score)] == [1, 0.5]
    assert [[job.seconds for job in jobs] for jobs in runner.asked] == [[1, 1], [1], [2]]


def test_a_case_that_hangs_costs_only_itself() -> None:
    runner = Scripted([Ran(("xtimeout",), 1.0)], [Ran(("v9", "xtimeout"), 1.0)], [Ran(("xtimeout",), 1.0)])
    (found,) = grade(RIGHT, runner=runner, seconds=3)
    assert found == Score(0.5, "1 of 2 cases (1 right, 1 timeout)", {"answers": 1.0})
    two, three = runner.asked[0][0].calls
    assert [job.calls for jobs in runner.asked for job in jobs] == [(two, three), (three, two), (two,)]


def test_a_program_that_hangs_is_wrong_even_when_time_runs_out() -> None:
    hangs = Ran(("xtimeout", "xtimeout"), 1.0)
    for rounds in ([[hangs], [Ran(("xtimeout", "xtimeout"), 2.0)]], [[hangs], [None]]):
        (found,) = grade(RIGHT, runner=Scripted(*rounds), seconds=3)
        assert isinstance(found, Score)
        assert found.value == 0
        assert "timeout" in found.explanation


@QUICK
@given(
    st.lists(st.text(max_size=12) | st.sampled_from(["v", "vNaN", "r[]", 'r["a"]', 'r["StopIteration", "x"]', "xx"]))
)
def test_whatever_a_program_says_is_wrong_at_worst(said: list[str]) -> None:
    expecting: JsonObject = {
        "entry_point": "f",
        "cases": [{"args": [n], "expected": "never"} for n in range(len(said) + 1)],
    }
    lines = (*(text for text in said if text != 'v"never"'), "vtrue", *["xdied"] * (len(said) + 1))
    (found,) = grade(Sample("def f(x): pass", expecting), runner=Scripted([Ran(lines, 0.1)]))
    assert isinstance(found, Score)
    assert found.value == 0


def test_references_are_read_once() -> None:
    grader = code(runner=InProcess(), deadline=Deadline(60))
    calls: list[int] = []
    spied = killable.call_each

    def spy(functions: Sequence[Any], **limits: Any) -> list[object]:
        calls.append(len(functions))
        return spied(functions, **limits)

    reference: JsonObject = {"entry_point": "f", "cases": [{"args": [1], "expected": 1}], "prelude": "import math"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rft_rewards.code.call_each", spy)
        for _ in range(2):
            assert grade_all(grader, [Sample("def f(x): return x", reference)])[0] == Score(
                1.0, "1 of 1 cases (1 right)", {"answers": 1.0}
            )
    assert [count for count in calls if count] == [1]


def test_functions_that_hang_or_end_their_process_are_killed_alone() -> None:
    def hang() -> None:
        while True:
            time.sleep(1)

    def end() -> None:
        raise SystemExit

    def exhaust() -> int:
        return len(bytearray(2**36))

    results = call_each([lambda: 1, hang, lambda: "a", end, exhaust, lambda: [None]], seconds=0.3, memory_mib=64)
    assert results == [1, KILLED, "a", KILLED, KILLED, [None]]

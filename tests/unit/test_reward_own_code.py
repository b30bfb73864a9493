"""Rewards that are a Python function of their author's."""

import importlib
import json
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from rft_contract.reward_spec import FILE_NAME, RewardSpec
from rft_handlers import reward
from rft_rewards.batch import grade_all
from rft_rewards.deadline import Deadline
from rft_rewards.grade import Grade, Invalid, Score
from rft_rewards.own import own
from rft_rewards.sample import Sample
from rft_runtime.grading import invalid_reason

NUMBERS = count()
SOURCE = """
import os, time
from rft_rewards.grade import Invalid, Score
from rft_rewards.sample import Sample

calls = []

def score(sample: Sample) -> Score:
    calls.append(sample.completion)
    os.write(1, b"flood" * 1000)
    match sample.completion:
        case "hang":
            time.sleep(60)
        case "exit":
            os._exit(0)
        case "memory":
            return bytearray(2**33)
        case "deep":
            return score(sample)
        case "raise":
            raise KeyError("text of the data")
        case "nothing":
            return None
        case "number":
            return 1.0
        case "beyond":
            return Score(2.0)
        case "nan":
            return Score(float("nan"))
        case "throttled":
            return Invalid("service-throttled", transient=True)
        case "bad component":
            return Score(1.0, "", {"x": "y"})
        case "count":
            return Score(1.0, "", {"calls": float(len(calls))})
    return Score(float(sample.completion == sample.reference), "compared", {"length": 1.0 * len(sample.completion)})
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """Return what writes an author's module and says its name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(source: str) -> str:
        name = f"authors_reward_{next(NUMBERS)}"
        (tmp_path / f"{name}.py").write_text(source)
        importlib.invalidate_caches()
        return name

    yield write


def graded(name: str, completions: list[str], reference: Any = "right", **options: Any) -> list[Grade]:
    grader = own(deadline=options.pop("deadline", Deadline()), module=name, **{"seconds": 0.3, **options})
    return grade_all(grader, [Sample(text, reference) for text in completions])


def test_scores_and_components_come_back(module: Callable[[str], str]) -> None:
    grades = graded(module(SOURCE), ["right", "wrong"])
    assert grades == [
        Score(1.0, "compared", {"length": 5.0}),
        Score(0.0, "compared", {"length": 5.0}),
    ]


@pytest.mark.parametrize("completion", ["hang", "exit", "memory", "deep"])
def test_what_the_completion_does_to_the_function_is_wrong_and_spoils_nobody(
    module: Callable[[str], str], completion: str
) -> None:
    hung, right = graded(module(SOURCE), [completion, "right"])
    assert isinstance(hung, Score)
    assert hung.value == 0
    assert right == Score(1.0, "compared", {"length": 5.0})


@pytest.mark.parametrize("completion", ["hang", "exit", "memory"])
def test_a_function_that_is_stopped_on_the_reference_answer_too_is_to_blame_itself(
    module: Callable[[str], str], completion: str
) -> None:
    assert graded(module(SOURCE), ["hang", "right"], reference=completion)[0] == Invalid("author-code-stopped")


def test_without_a_reference_a_plain_sentence_is_the_proof(module: Callable[[str], str]) -> None:
    name = module("import time\ndef score(sample):\n    time.sleep(60)\n")
    assert graded(name, ["x"], reference=None) == [Invalid("author-code-stopped")]
    (grade,) = graded(module(SOURCE), ["hang"], reference=None)
    assert isinstance(grade, Score)


def test_one_proof_serves_all_completions_of_a_row(module: Callable[[str], str]) -> None:
    started = time.monotonic()
    assert graded(module(SOURCE), ["hang"] * 4, reference="hang") == [Invalid("author-code-stopped")] * 4
    assert time.monotonic() - started < 4 * 0.3 + 0.3 + 1.5


@pytest.mark.parametrize(
    ("completion", "reason"),
    [
        ("raise", "grader-raised-keyerror"),
        ("nothing", "grader-returned-no-grade"),
        ("number", "grader-returned-no-grade"),
        ("beyond", "score-out-of-range"),
        ("nan", "score-out-of-range"),
        ("throttled", "service-throttled"),
        ("bad component", "grader-raised-typeerror"),
    ],
)
def test_what_the_function_does_wrong_is_invalid_and_spoils_nobody(
    module: Callable[[str], str], completion: str, reason: str
) -> None:
    invalid, right = graded(module(SOURCE), [completion, "right"])
    assert isinstance(invalid, Invalid)
    assert (invalid.reason, invalid.transient) == (reason, completion == "throttled")
    assert isinstance(right, Score)


def test_nothing_is_kept_from_event_to_event_nor_printed(
    module: Callable[[str], str], capfd: pytest.CaptureFixture[str]
) -> None:
    name = module(SOURCE)
    for _ in range(2):
        (grade,) = graded(name, ["count"])
        assert isinstance(grade, Score)
        assert grade.components == {"calls": 1.0}
    assert capfd.readouterr() == ("", "")


def test_when_the_events_time_is_over_the_rest_may_be_sent_again(module: Callable[[str], str]) -> None:
    late = Invalid("out-of-time", transient=True)
    assert graded(module(SOURCE), ["right", "right"], deadline=Deadline(0)) == [late, late]
    started = time.monotonic()
    grades = graded(module(SOURCE), ["right", *["hang"] * 50], deadline=Deadline(0.7))
    assert time.monotonic() - started < 3
    assert isinstance(grades[0], Score)
    assert grades[-1] == late


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ("import absent_package", {}, "cannot be imported: ModuleNotFoundError: No module named 'absent_package'"),
        ("def scores(sample): ...", {}, "has no function score(sample)"),
        ("def score(sample): ...", {"seconds": 0}, "seconds: got 0, wanted 0.1 to 60"),
        ("def score(sample): ...", {"memory_mib": 1}, "memory_mib: got 1"),
    ],
)
def test_refusals(module: Callable[[str], str], source: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError) as caught:
        graded(module(source), ["x"], **options)
    assert words in str(caught.value)


class Context:
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:dev-mine:run-demo"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def test_the_platforms_handler_wraps_the_function(
    module: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = {"module": module(SOURCE), "seconds": 0.3}
    spec = RewardSpec(name="mine", grader="own", options=options, floor=-1.0)  # type: ignore[arg-type]  # it is JSON
    (tmp_path / FILE_NAME).write_text(json.dumps(spec.to_json()))
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    monkeypatch.setenv("RFT_ENVIRONMENT", "dev")
    reward._reward.cache_clear()
    event = [
        {"id": text, "messages": [{"role": "assistant", "content": text}], "metadata": {"reference_answer": "right"}}
        for text in ("right", "hang", "raise")
    ]
    response = reward.handler(event, Context())  # type: ignore[arg-type]  # it is JSON
    reward._reward.cache_clear()
    assert [item["aggregate_reward_score"] for item in response] == [1.0, -1.0, 0.0]  # invalid: the mean of its mates
    assert [invalid_reason(item) is None for item in response] == [True, True, False]
    document = json.loads(capsys.readouterr().out)
    assert document["InvalidReasons"] == {"grader-raised-keyerror": 1}

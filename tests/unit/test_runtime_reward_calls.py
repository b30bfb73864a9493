"""Calls to the reward function: Bedrock's event shape, whole batches, and grades that are never invented."""

import io
import json
import time
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.json_value import JsonObject
from rft_contract.outcomes import RunFailed
from rft_contract.rollout_mark import FIELD, RolloutMark
from rft_runtime.patience import Patience
from rft_runtime.reward_calls import RewardCaller, event_item, events_of, read_grade
from rft_runtime.reward_events import read_event
from tests.unit.fakes.account import FUNCTION_ARN
from tests.unit.fakes.functions import FakeLambda
from tests.unit.fakes.service_models import aws_error

ITEMS: list[JsonObject] = [{"id": f"{number}-0", "messages": [], "metadata": {}} for number in range(5)]


def caller(functions: FakeLambda) -> RewardCaller:
    functions.aliases["f", "run-a"] = {}
    patience = Patience(deadline=time.monotonic() + 60, attempts=3, sleep=lambda seconds: None)
    return RewardCaller(client=cast(Any, functions), function_arn=f"{FUNCTION_ARN}:run-a", patience=patience)


@settings(max_examples=80)
@given(st.lists(st.text(max_size=60), max_size=30), st.integers(50, 400))
def test_events_hold_every_item_once_in_order_and_within_the_limit(texts: list[str], limit: int) -> None:
    items: list[JsonObject] = [{"id": str(number), "text": text} for number, text in enumerate(texts)]
    events = list(events_of(items, limit))
    assert [item for event in events for item in json.loads(event)] == items
    for event in events:
        assert len(event) <= limit or len(json.loads(event)) == 1


def test_events_are_as_few_as_fit() -> None:
    assert len(list(events_of([{"id": "x"}] * 1000))) == 1


def test_an_item_reads_back_as_a_sample_of_its_row() -> None:
    """What Evaluate sends is what the deployed function understands."""
    row: JsonObject = {
        "messages": [{"role": "user", "content": "Where is my money?"}],
        "reference_answer": {"label": "billing"},
        "id": "t-4",
        FIELD: {"run": "a", "split": "held_out", "row": 4},
    }
    (item,) = read_event([event_item(row, 4, 1, "billing", "candidate")])
    assert (item.id, item.sample.completion, item.sample.reference) == ("4-1", "billing", {"label": "billing"})
    assert item.mark == RolloutMark(run="a", split="held_out", row=4, phase="candidate")


def test_grades_come_back_by_id() -> None:
    functions = FakeLambda(grade=lambda item: float(item["id"][0]))
    grades = caller(functions).grade(ITEMS)
    assert {name: grade.reward for name, grade in grades.items()} == {f"{n}-0": float(n) for n in range(5)}


def test_throttling_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = FakeLambda()
    real, left = functions.invoke, [2]

    def throttled(**request: Any) -> dict[str, Any]:
        if left[0]:
            left[0] -= 1
            raise aws_error("TooManyRequestsException", "Invoke", 429)
        return real(**request)

    monkeypatch.setattr(functions, "invoke", throttled)
    assert len(caller(functions).grade(ITEMS)) == 5


def test_an_answer_that_is_no_array_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = FakeLambda()
    monkeypatch.setattr(functions, "invoke", lambda **request: {"Payload": io.BytesIO(b'{"statusCode":200}')})
    with pytest.raises(RunFailed, match="answered dict, wanted an array"):
        caller(functions).grade(ITEMS)
    monkeypatch.setattr(functions, "invoke", lambda **request: {"Payload": io.BytesIO(b"<html>")})
    with pytest.raises(RunFailed, match=r":run-a: answered what is no JSON, wanted an array"):
        caller(functions).grade(ITEMS)


@pytest.mark.parametrize(
    ("result", "reward", "invalid"),
    [
        ({"aggregate_reward_score": 0.5}, 0.5, None),
        ({"aggregate_reward_score": -1}, -1.0, None),
        ({"aggregate_reward_score": None}, None, "no-finite-score"),
        ({"aggregate_reward_score": True}, None, "no-finite-score"),
        ({"aggregate_reward_score": float("nan")}, None, "no-finite-score"),
        ({}, None, "no-finite-score"),
        (
            {
                "aggregate_reward_score": 0.4,
                "metrics_list": [
                    {"name": "invalid", "value": 1.0, "type": "Metric"},
                    {"name": "invalid.reference-missing", "value": 1.0, "type": "Metric"},
                ],
            },
            None,
            "reference-missing",
        ),
    ],
)
def test_a_grade_is_a_finite_score_or_a_reason(
    result: dict[str, Any], reward: float | None, invalid: str | None
) -> None:
    grade = read_grade({"id": "1-0", **result})
    assert (grade.reward, grade.invalid) == (reward, invalid)

"""Drawing completions: throttling is waited out, and what stays unanswered is missing by name."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from botocore.exceptions import ReadTimeoutError

from rft_contract.json_value import JsonObject
from rft_contract.outcomes import RunFailed, Transient
from rft_runtime.base_models import base_model
from rft_runtime.conversation import Decoding
from rft_runtime.patience import Patience
from rft_runtime.rollouts import Sampler
from tests.unit.fakes.account import BASE_MODEL, REGION
from tests.unit.fakes.bedrock_runtime import FakeRuntime
from tests.unit.fakes.service_models import aws_error

ROWS: list[tuple[int, JsonObject]] = [
    (row, {"messages": [{"role": "user", "content": f"prompt {row}"}]}) for row in range(5, 9)
]


def sampler(answer: Callable[[dict[str, Any]], str], attempts: int = 4) -> Sampler:
    return Sampler(
        client=cast(Any, FakeRuntime(answer=answer)),
        model_id="us.amazon.nova-2-lite-v1:0",
        model=base_model(BASE_MODEL, REGION),
        decoding=Decoding(max_tokens=8, temperature=0.7),
        patience=Patience(deadline=time.monotonic() + 60, attempts=attempts, sleep=lambda seconds: None),
        at_once=16,
    )


def failing(error: Exception, *, for_text: str = "", times: int = 10**6) -> Callable[[dict[str, Any]], str]:
    left = [times]

    def answer(request: dict[str, Any]) -> str:
        if for_text in request["messages"][0]["content"][0]["text"] and left[0] > 0:
            left[0] -= 1
            raise error
        return "fine"

    return answer


def test_every_row_gets_its_samples_in_order() -> None:
    drawn = sampler(lambda request: "fine").draw(ROWS, 3)
    assert [(rollout.row, rollout.sample) for rollout in drawn] == [(row, s) for row in range(5, 9) for s in range(3)]


@pytest.mark.parametrize(
    "error",
    [
        aws_error("ThrottlingException", "Converse", 429),
        aws_error("ModelNotReadyException", "Converse", 429),
        ReadTimeoutError(endpoint_url="http://x"),
    ],
)
def test_what_passes_is_waited_out(error: Exception) -> None:
    drawn = sampler(failing(error, times=3)).draw(ROWS, 1)
    assert all(rollout.answer is not None for rollout in drawn)


def test_one_refused_prompt_is_missing_and_the_others_are_not() -> None:
    drawn = sampler(failing(aws_error("ValidationException", "Converse"), for_text="prompt 6")).draw(ROWS, 1)
    assert [rollout.missing for rollout in drawn] == [None, "unanswered-ValidationException", None, None]


def test_a_row_that_converse_cannot_take_is_missing() -> None:
    rows: list[tuple[int, JsonObject]] = [*ROWS, (9, {"messages": [{"role": "tool", "content": "x"}]})]
    drawn = sampler(lambda request: "fine").draw(rows, 1)
    assert drawn[-1].missing == "unanswered-ValueError"


def test_nothing_answered_is_not_the_prompts_fault() -> None:
    with pytest.raises(Transient, match="none of 4 rollouts was answered"):
        sampler(failing(aws_error("ThrottlingException", "Converse", 429))).draw(ROWS, 1)
    with pytest.raises(RunFailed, match="ValidationException"):
        sampler(failing(aws_error("ValidationException", "Converse"))).draw(ROWS, 1)


def test_what_is_not_begun_in_time_is_missing() -> None:
    def slow(request: dict[str, Any]) -> str:
        time.sleep(0.1)
        return "fine"

    drawn = replace(sampler(slow), at_once=1, patience=Patience(deadline=time.monotonic() + 0.25)).draw(ROWS, 1)
    assert drawn[0].missing is None
    assert drawn[-1].missing == "unanswered-Transient"


def test_patience_ends_at_the_deadline() -> None:
    calls = []

    def throttled() -> None:
        calls.append(1)
        raise aws_error("ThrottlingException", status=429)

    with pytest.raises(Exception, match="ThrottlingException"):
        Patience(deadline=time.monotonic() - 1, sleep=lambda seconds: None).call(throttled)
    assert len(calls) == 1


def test_patience_waits_within_a_growing_cap() -> None:
    waits: list[float] = []

    def throttled() -> None:
        raise aws_error("ThrottlingException", status=429)

    patience = Patience(deadline=time.monotonic() + 10**6, first=1, longest=8, attempts=40, sleep=waits.append)
    with pytest.raises(Exception, match="ThrottlingException"):
        patience.call(throttled)
    assert len(waits) == 39
    assert all(wait <= min(8, 2 ** (number + 1)) for number, wait in enumerate(waits))

"""The judge behind Converse: its requests, its retries within the deadline, and what becomes of errors."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.validate import ParamValidator

from rft_contract.services import JUDGE_MODEL_IDS
from rft_rewards.deadline import Deadline
from rft_rewards.judge_question import Answer, Question, Refusal
from rft_runtime.bedrock_judge import BedrockJudge, client_config, read_response, request
from rft_runtime.services import make_services
from tests.unit.fakes.service_models import aws_error

GPT = "openai.gpt-oss-120b-1:0"
NOVA = "us.amazon.nova-2-lite-v1:0"
MODEL = botocore.session.get_session().get_service_model("bedrock-runtime")


def question(model: str = GPT, user: str = "material") -> Question:
    return Question(
        model=model, system="rules", user=user, grades=("grade",), low=1, high=5, temperature=0.0, max_tokens=256
    )


def response(*content: dict[str, Any], stop: str = "end_turn", **more: Any) -> dict[str, Any]:
    usage = {"inputTokens": 100, "outputTokens": 20, "totalTokens": 120}
    return {"output": {"message": {"content": list(content)}}, "stopReason": stop, "usage": usage, **more}


GOOD = response({"text": '{"reason": "r", "grade": 4}'})
MALFORMED = response({"text": "<tools>"}, stop="malformed_tool_use")


class FakeClient:
    """Converse; each reply is a response, an error to raise, or a function of the request."""

    def __init__(self, *replies: Any) -> None:
        self.replies = list(replies)
        self.requests: list[dict[str, Any]] = []
        self.waits: list[int] = []
        self.lock = threading.Lock()

    def __call__(self, wait: int) -> Any:
        self.waits.append(wait)
        return self

    def converse(self, **asked: Any) -> Any:
        with self.lock:
            self.requests.append(asked)
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        return reply(asked) if callable(reply) else reply


def judge(client: FakeClient, seconds: float = 60.0, **options: Any) -> BedrockJudge:
    return BedrockJudge(Deadline(seconds), make_client=client, sleep=lambda seconds: None, **options)


@pytest.mark.parametrize("model", [GPT, NOVA, "eu.unheard-of-model-v1:0"])
def test_requests_are_what_converse_takes(model: str) -> None:
    asked = request(question(model))
    shape: Any = MODEL.operation_model("Converse").input_shape
    report = ParamValidator().validate(asked, shape)
    assert not report.has_errors(), report.generate_report()
    assert asked["inferenceConfig"] == {"maxTokens": 256, "temperature": 0.0}
    assert asked["system"] == [{"text": "rules"}] and asked["messages"][0]["content"] == [{"text": "material"}]


def test_a_schema_binds_the_output_where_the_model_takes_one_else_a_tool() -> None:
    structure = request(question(GPT))["outputConfig"]["textFormat"]["structure"]
    assert json.loads(structure["jsonSchema"]["schema"])["properties"]["grade"]["enum"] == [1, 2, 3, 4, 5]
    asked = request(question(NOVA))
    assert "outputConfig" not in asked
    tools = asked["toolConfig"]
    assert tools["toolChoice"] == {"tool": {"name": tools["tools"][0]["toolSpec"]["name"]}}
    assert tools["tools"][0]["toolSpec"]["inputSchema"]["json"] == question().schema()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"text": '{"a": 1}'}], '{"a": 1}'),
        ([{"reasoningContent": {"reasoningText": {"text": "7"}}}, {"text": "{}"}], "{}"),
        ([{"text": "I call:"}, {"toolUse": {"input": {"grade": 4}}}], '{"grade": 4}'),
        ([{"toolUse": {"input": {"grade": 4}}}, {"toolUse": {"input": {"grade": 5}}}], ""),
        ([{"toolUse": {"input": {"grade": float("nan")}}}], '{"grade": NaN}'),
        ([], ""),
    ],
)
def test_the_answer_is_the_tools_input_or_the_text(content: list[dict[str, Any]], text: str) -> None:
    assert read_response(response(*content)).text == text


def test_a_stand_in_is_known_by_its_name() -> None:
    assert read_response(GOOD).stand_in is None
    told = response({"text": "{}"}, additionalModelResponseFields={"standIn": "judge-stand-in"})
    assert read_response(told).stand_in == "judge-stand-in"


def test_answers_come_in_order_and_tokens_are_counted() -> None:
    asking = judge(FakeClient(lambda asked: response({"text": asked["messages"][0]["content"][0]["text"]})))
    users = [str(number) for number in range(40)]
    answers = asking.ask([question(user=user) for user in users])
    assert [answer.text for answer in answers if isinstance(answer, Answer)] == users
    assert (asking.usage.requests, asking.usage.tokens_in, asking.usage.tokens_out) == (40, 4000, 800)


def test_concurrency_is_bounded() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def reply(_: Any) -> Any:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1
        return GOOD

    judge(FakeClient(reply), at_once=3).ask([question()] * 12)
    assert 1 < most <= 3


@pytest.mark.parametrize(
    "error",
    [
        aws_error("ThrottlingException", "Converse", 429),
        aws_error("ModelTimeoutException", "Converse", 408),
        aws_error("ServiceUnavailableException", "Converse", 503),
        ReadTimeoutError(endpoint_url="https://bedrock"),
    ],
)
def test_what_may_pass_is_tried_again(error: Exception) -> None:
    client = FakeClient(error, error, GOOD)
    assert isinstance(judge(client).ask([question()])[0], Answer) and len(client.requests) == 3


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (aws_error("AccessDeniedException", "Converse", 403), Refusal(reason="judge-access-denied")),
        (aws_error("ResourceNotFoundException", "Converse", 404), Refusal(reason="judge-not-found")),
        (aws_error("ValidationException", "Converse", 400), Refusal(reason="judge-refused")),
    ],
)
def test_what_will_not_pass_is_tried_once(error: Exception, refusal: Refusal) -> None:
    client = FakeClient(error)
    assert judge(client).ask([question()]) == [refusal] and len(client.requests) == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (aws_error("ThrottlingException", "Converse", 429), "judge-throttled"),
        (aws_error("InternalServerException", "Converse", 500), "judge-unavailable"),
    ],
)
def test_retries_end_before_the_deadline(error: Exception, reason: str) -> None:
    client = FakeClient(error)
    began = time.monotonic()
    asking = BedrockJudge(Deadline(8.6), make_client=client)
    assert asking.ask([question()] * 3) == [Refusal(reason=reason, transient=True)] * 3
    assert time.monotonic() - began < 0.7


def test_nothing_is_begun_without_time_for_it() -> None:
    client = FakeClient(GOOD)
    assert judge(client, seconds=7).ask([question()]) == [Refusal(reason="judge-out-of-time", transient=True)]
    assert not client.requests


@pytest.mark.parametrize(("seconds", "wait"), [(8.5, 5), (30.5, 25), (61.5, 55), (300, 60)])
def test_no_response_is_waited_for_beyond_the_deadline(seconds: float, wait: int) -> None:
    client = FakeClient(GOOD)
    judge(client, seconds=seconds).ask([question(), question()])
    assert client.waits == [wait]
    config = client_config(wait)
    assert config.read_timeout == wait and config.retries == {"mode": "standard", "total_max_attempts": 1}


def test_a_lost_tool_call_is_asked_for_once_more() -> None:
    client = FakeClient(MALFORMED, GOOD)
    answer = judge(client).ask([question()])[0]
    assert isinstance(answer, Answer) and "grade" in answer.text
    client = FakeClient(MALFORMED)
    assert isinstance(judge(client).ask([question()])[0], Answer) and len(client.requests) == 2


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("content_filtered", "judge-filtered"),
        ("guardrail_intervened", "judge-filtered"),
        ("max_tokens", "judge-cut-off"),
        ("model_context_window_exceeded", "judge-cut-off"),
    ],
)
def test_why_an_answer_is_not_whole_is_said(stop: str, reason: str) -> None:
    asking = judge(FakeClient(response({"text": '{"reason": "r", "grade": 4}'}, stop=stop)))
    assert asking.ask([question()]) == [Refusal(reason=reason)] and asking.usage.requests == 1


def test_only_granted_models_are_asked() -> None:
    client = FakeClient(GOOD)
    asking = judge(client, models=frozenset({NOVA}))
    assert asking.ask([question(GPT)]) == [Refusal(reason="judge-not-granted")] and not client.requests
    assert isinstance(asking.ask([question(NOVA)])[0], Answer)


def test_the_handler_offers_a_judge_where_one_is_granted() -> None:
    deadline = Deadline()
    assert "judge" not in make_services({}, deadline=deadline)
    made: Any = make_services({JUDGE_MODEL_IDS: f"{NOVA},{GPT}"}, deadline=deadline)["judge"]
    ask: Callable[..., Any] = made.ask
    assert ask([question("other.model-v1:0")]) == [Refusal(reason="judge-not-granted")]

"""Rows become Converse requests that Bedrock's service model accepts."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_runtime.base_models import base_model
from rft_runtime.conversation import Decoding, converse_request, read_answer
from tests.unit.fakes.account import BASE_MODEL, REGION
from tests.unit.fakes.service_models import check_request

MODEL = base_model(BASE_MODEL, REGION)
GREEDY = Decoding(max_tokens=64, temperature=0.0)
TEXT = st.text(min_size=1, max_size=20)
CONTENT = TEXT | st.lists(st.builds(lambda text: {"type": "text", "text": text}, TEXT), min_size=1, max_size=3)
TURNS = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "developer", "user", "assistant"]), "content": CONTENT}),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60)
@given(TURNS)
def test_roles_alternate_and_no_text_is_lost(turns: list[dict[str, Any]]) -> None:
    chat = [turn for turn in turns if turn["role"] in ("user", "assistant")]
    if not chat:
        with pytest.raises(ValueError, match="got none"):
            converse_request("m", {"messages": turns}, GREEDY, MODEL)
        return
    request = converse_request("us.amazon.nova-2-lite-v1:0", {"messages": turns}, GREEDY, MODEL)
    check_request("bedrock-runtime", "Converse", request)
    roles = [message["role"] for message in request["messages"]]
    assert all(before != after for before, after in pairwise(roles))
    blocks = [*request.get("system", []), *(block for turn in request["messages"] for block in turn["content"])]
    assert len("".join(block["text"] for block in blocks)) == sum(len(plain(turn["content"])) for turn in turns)


def plain(content: str | list[dict[str, str]]) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


@pytest.mark.parametrize(
    "turn",
    [
        {"role": "tool", "content": "x"},
        {"role": "user", "content": None},
        {"role": "user", "content": [{"type": "image_url", "image_url": "x"}]},
        "text",
    ],
)
def test_what_converse_does_not_know_is_refused(turn: Any) -> None:
    with pytest.raises(ValueError, match="wanted"):
        converse_request("m", {"messages": [turn]}, GREEDY, MODEL)


@pytest.mark.parametrize(("effort", "has_limits"), [(None, True), ("low", True), ("high", False)])
def test_reasoning_effort_travels_with_the_request(effort: str | None, has_limits: bool) -> None:
    decoding = Decoding(max_tokens=64, temperature=0.7, reasoning_effort=effort)
    request = converse_request("m", {"messages": [{"role": "user", "content": "hi"}]}, decoding, MODEL)
    assert ("additionalModelRequestFields" in request) == (effort is not None)
    assert ("inferenceConfig" in request) == has_limits


def test_a_model_without_reasoning_gets_none() -> None:
    local = base_model("local.smollm2-135m-instruct-v1:0", REGION)
    decoding = Decoding(max_tokens=8, temperature=0.0, reasoning_effort="high")
    request = converse_request("m", {"messages": [{"role": "user", "content": "hi"}]}, decoding, local)
    assert "additionalModelRequestFields" not in request
    assert request["inferenceConfig"] == {"maxTokens": 8, "temperature": 0.0}


def test_reasoning_is_no_part_of_the_answer() -> None:
    blocks = [{"reasoningContent": {"reasoningText": {"text": "hmm"}}}, {"text": "bil"}, {"text": "ling\ud800"}]
    answer = read_answer(
        {"output": {"message": {"content": blocks}}, "stopReason": "end_turn", "usage": {"outputTokens": 3}}
    )
    assert (answer.text, answer.tokens_out, answer.stop_reason) == ("billing?", 3, "end_turn")


def test_a_base_model_is_refused_where_it_cannot_be_customized() -> None:
    with pytest.raises(ValueError, match="can be customized in us-east-1, this environment is in eu-west-1"):
        base_model(BASE_MODEL, "eu-west-1")

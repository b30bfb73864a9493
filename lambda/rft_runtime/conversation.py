"""A row of a dataset as a request of Bedrock's Converse API, and the answer as text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rft_contract.json_value import JsonValue
from rft_runtime.base_models import BaseModel

_SYSTEM_ROLES = frozenset({"system", "developer"})
_CHAT_ROLES = frozenset({"user", "assistant"})


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How completions are drawn.

    Args:
        max_tokens: Longest completion.
        temperature: 0 is greedy.
        reasoning_effort: `low`, `medium`, `high`, or None.
    """

    max_tokens: int
    temperature: float
    reasoning_effort: str | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model answered.

    Args:
        text: The visible text; reasoning is left out, as the reward function never sees it.
        tokens_out: Completion tokens.
        stop_reason: Bedrock's reason, such as `end_turn` or `max_tokens`.
    """

    text: str
    tokens_out: int
    stop_reason: str


def text_of(content: JsonValue) -> str:
    """Return a message's text: a string, or the joined text parts.

    Raises:
        ValueError: When it is neither.
    """
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        texts = [part for part in parts if isinstance(part, str)]
        if texts and len(texts) == len(content):
            return "".join(texts)
    raise ValueError(f"message content: got {type(content).__name__}, wanted text or a list of text parts")


def converse_request(model_id: str, row: Mapping[str, Any], decoding: Decoding, model: BaseModel) -> dict[str, Any]:
    """Build the arguments of `converse`.

    Neighbouring messages of one role become one message, because Converse wants the roles to alternate. A reasoning
    model takes its effort as `reasoningConfig`; at effort `high` Nova 2 refuses sampling parameters and a token limit
    (Amazon Nova 2 user guide, "Extended thinking").

    Args:
        model_id: Inference id, profile or deployment ARN.
        row: A row with `messages`.
        decoding: How to draw.
        model: The base model's row in the table.

    Raises:
        ValueError: When the row has no prompt or a role that Converse does not know.
    """
    system: list[dict[str, str]] = []
    messages: list[dict[str, Any]] = []
    turns = row.get("messages")
    for turn in turns if isinstance(turns, list) else []:
        if not isinstance(turn, dict):
            raise ValueError(f"message: got {type(turn).__name__}, wanted a mapping")
        role = str(turn.get("role", "")).lower()
        block = {"text": text_of(turn.get("content"))}
        if role in _SYSTEM_ROLES:
            system.append(block)
        elif role not in _CHAT_ROLES:
            raise ValueError(f"message role: got {role!r}, wanted system, developer, user or assistant")
        elif messages and messages[-1]["role"] == role:
            messages[-1]["content"].append(block)
        else:
            messages.append({"role": role, "content": [block]})
    if not messages:
        raise ValueError("messages: got none from a user")
    request: dict[str, Any] = {"modelId": model_id, "messages": messages}
    if system:
        request["system"] = system
    effort = decoding.reasoning_effort if model.reasoning else None
    if effort is not None:
        request["additionalModelRequestFields"] = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}
    if effort != "high":
        request["inferenceConfig"] = {"maxTokens": decoding.max_tokens, "temperature": decoding.temperature}
    return request


def read_answer(response: Mapping[str, Any]) -> Answer:
    """Read the response of `converse`; half a surrogate pair, which no event can carry, becomes a question mark."""
    blocks = response["output"]["message"]["content"]
    text = "".join(block["text"] for block in blocks if "text" in block)
    return Answer(
        text=text.encode(errors="replace").decode(),
        tokens_out=response.get("usage", {}).get("outputTokens", 0),
        stop_reason=response.get("stopReason", ""),
    )

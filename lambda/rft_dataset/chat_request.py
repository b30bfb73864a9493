"""A logged request's body, in whatever form it was sent, as a prompt of chat turns.

Forms: Converse, and Amazon Nova's own, which says the same with other bytes (Bedrock API reference, "Converse"; Nova
user guide, "Request and response schema"); Anthropic's Messages API (Bedrock user guide, "Anthropic Claude Messages
API"); OpenAI's chat completions, which open-weight models take; and one text for Llama, Mistral and Titan (`prompt`,
`inputText`), whose chat templates `prompt_template` takes apart.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

import msgspec

from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.prompt_template import UnknownTemplate, turns_of_text


class Unusable(StrEnum):
    """Why a log record becomes no prompt."""

    NOT_JSON = "not-json"
    """The line is no JSON object."""
    OVERLONG_LINE = "overlong-line"
    """The line is longer than any row may be."""
    DAMAGED_GZIP = "damaged-gzip"
    """The rest of a compressed object cannot be read."""
    OTHER_RECORD = "other-record"
    """The record is no `ModelInvocationLog`, or lacks what every one has."""
    FAILED_CALL = "failed-call"
    """The call ended in an error (`errorCode`)."""
    OTHER_MODEL = "other-model"
    """The model makes embeddings, ranks, images, speech or videos, not text."""
    BODY_ELSEWHERE = "body-elsewhere"
    """The body, beyond 100 KB or binary, lies in an S3 object of its own (`inputBodyS3Path`)."""
    NO_BODY = "no-body"
    """The account does not log text, or the body was left out."""
    UNKNOWN_BODY = "unknown-body"
    """The body has no form that is known here."""
    UNKNOWN_TEMPLATE = "unknown-template"
    """One text with the special tokens of a chat template that cannot be taken apart."""
    NOT_TEXT = "not-text"
    """The prompt holds an image, document, sound or video; RFT is text only."""
    OTHER_TOOLS = "other-tools"
    """The prompt offers a tool that is no function, such as the provider's own web search."""
    NO_USER_TURN = "no-user-turn"
    """No turn is the user's."""
    BLANK_TURN = "blank-turn"
    """A turn holds no text."""
    LATE_SYSTEM_TURN = "late-system-turn"
    """A system turn comes after another one; Bedrock RFT wants it first."""
    ANSWERED = "answered"
    """The last turn is the assistant's: it begins the answer in the model's place."""


class NotAPrompt(ValueError):
    """A request becomes no prompt.

    Args:
        reason: Why.
    """

    def __init__(self, reason: Unusable) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Chat(NamedTuple):
    """A prompt.

    Args:
        messages: Its turns as chat messages, the system's first.
        tools: Functions that the model may call; None: none.
    """

    messages: list[JsonObject]
    tools: list[JsonValue] | None


def chat_of(body: JsonValue) -> Chat:
    """Return the prompt of a request.

    Several text blocks of one turn stay several parts. Reasoning of earlier turns is left out, because no row can hold
    it; so are cache points. Calls become `tool_calls`, results turns of role `tool`.

    Args:
        body: What the request carried, decoded.

    Raises:
        NotAPrompt: When it holds no prompt that a dataset's row could be.
    """
    if not isinstance(body, dict):
        raise NotAPrompt(Unusable.UNKNOWN_BODY)
    if "messages" in body:
        given = [*_system_turns(body.get("system")), *_turns(body["messages"])]
    else:
        given = list(_text_turns(body))
    return Chat(_in_order(given), _tools(body))


def _text_turns(body: JsonObject) -> Iterator[JsonObject]:
    """Yield the turns of a body that is one text."""
    text = body.get("prompt", body.get("inputText"))
    if not isinstance(text, str):
        raise NotAPrompt(Unusable.UNKNOWN_BODY)
    try:
        for role, said in turns_of_text(text):
            yield {"role": role, "content": said}
    except UnknownTemplate:
        raise NotAPrompt(Unusable.UNKNOWN_TEMPLATE) from None


def _in_order(given: list[JsonObject]) -> list[JsonObject]:
    """Return turns with one system turn at most, in front; refuse what no row may hold."""
    leading = next((place for place, turn in enumerate(given) if turn["role"] != "system"), len(given))
    system, turns = given[:leading], given[leading:]
    if any(turn["role"] == "system" for turn in turns):
        raise NotAPrompt(Unusable.LATE_SYSTEM_TURN)
    if not any(turn["role"] == "user" for turn in turns):
        raise NotAPrompt(Unusable.NO_USER_TURN)
    if turns[-1]["role"] == "assistant":
        raise NotAPrompt(Unusable.ANSWERED)
    if any(_is_blank(turn["content"]) and "tool_calls" not in turn for turn in turns):
        raise NotAPrompt(Unusable.BLANK_TURN)
    said = [text for turn in system for text in _texts(turn["content"]) if text.strip()]
    return [{"role": "system", "content": _content(said)}, *turns] if said else turns


def _system_turns(system: JsonValue) -> Iterator[JsonObject]:
    """Yield the system turn of a request that has it beside the messages."""
    if isinstance(system, str):
        yield {"role": "system", "content": system}
    elif isinstance(system, list):
        texts = [text for block in system if (text := _block_text(_object(block))) is not None]
        yield {"role": "system", "content": _content(texts)}
    elif system is not None:
        raise NotAPrompt(Unusable.UNKNOWN_BODY)


def _turns(messages: JsonValue) -> Iterator[JsonObject]:
    """Yield the turns of a request's messages."""
    if not isinstance(messages, list):
        raise NotAPrompt(Unusable.UNKNOWN_BODY)
    for message in map(_object, messages):
        role, content = message.get("role"), message.get("content")
        if role in ("system", "developer"):
            yield {"role": "system", "content": _content(_texts(content))}
        elif role == "tool":
            yield _answer(message.get("tool_call_id"), _texts(content))
        elif role == "assistant":
            yield _assistant_turn(content, message.get("tool_calls"))
        elif role == "user":
            yield from _user_turns(content)
        else:
            raise NotAPrompt(Unusable.UNKNOWN_BODY)


def _assistant_turn(content: JsonValue, calls: JsonValue) -> JsonObject:
    """Return an assistant's turn: its text and its calls."""
    made: list[JsonValue] = list(calls) if isinstance(calls, list) else []
    texts = []
    for block in _blocks(content):
        if (text := _block_text(block)) is not None:
            texts.append(text)
        elif isinstance(used := block.get("toolUse"), dict):
            made.append(_call(used.get("toolUseId"), used.get("name"), used.get("input")))
        elif block.get("type") == "tool_use":
            made.append(_call(block.get("id"), block.get("name"), block.get("input")))
    turn: JsonObject = {"role": "assistant", "content": _content(texts) if texts else None}
    return {**turn, "tool_calls": made} if made else turn


def _user_turns(content: JsonValue) -> Iterator[JsonObject]:
    """Yield a user's turn, after the results of calls that came with it."""
    texts = []
    for block in _blocks(content):
        if (text := _block_text(block)) is not None:
            texts.append(text)
        elif isinstance(result := block.get("toolResult"), dict):
            yield _answer(result.get("toolUseId"), _texts(result.get("content")))
        elif block.get("type") == "tool_result":
            yield _answer(block.get("tool_use_id"), _texts(block.get("content")))
    if texts or not content:
        yield {"role": "user", "content": _content(texts)}


def _call(call_id: JsonValue, name: JsonValue, arguments: JsonValue) -> JsonObject:
    """Return a call in chat form, whose arguments are a text of JSON."""
    return {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": msgspec.json.encode(arguments).decode()},
    }


def _answer(call_id: JsonValue, texts: list[str]) -> JsonObject:
    """Return a turn that answers a call."""
    turn: JsonObject = {"role": "tool", "content": _content(texts)}
    return {**turn, "tool_call_id": call_id} if isinstance(call_id, str) else turn


def _texts(content: JsonValue) -> list[str]:
    """Return the texts of a content that holds nothing but text; parts of JSON as a text."""
    return [text for block in _blocks(content) if (text := _block_text(block)) is not None]


def _blocks(content: JsonValue) -> Iterator[JsonObject]:
    """Yield a content's blocks."""
    if isinstance(content, str):
        yield {"text": content}
    elif isinstance(content, list):
        yield from map(_object, content)
    elif content is not None:
        raise NotAPrompt(Unusable.UNKNOWN_BODY)


_SILENT = frozenset({"cachePoint", "reasoningContent", "thinking", "redacted_thinking"})
_CALLS = frozenset({"toolUse", "toolResult", "tool_use", "tool_result"})
_OTHER_TOOLS = frozenset({"toolAddition", "toolRemoval", "server_tool_use", "web_search_tool_result", "mcp_tool_use"})
_MEDIA = frozenset(
    {"image", "document", "video", "audio", "searchResult", "search_result", "image_url", "input_audio", "file"}
)


def _block_text(block: JsonObject) -> str | None:
    """Return a block's text; None for one that has none to show, or is a call or its result."""
    kind = block.get("type")
    names = {kind} if isinstance(kind, str) else set(block)
    if isinstance(text := block.get("text"), str) and kind in (None, "text"):
        return text
    if kind is None and "json" in block:
        return msgspec.json.encode(block["json"]).decode()
    if kind is None and isinstance(cited := block.get("citationsContent"), dict):
        return "".join(_texts(cited.get("content")))
    if kind is None and isinstance(guarded := block.get("guardContent"), dict):
        if isinstance(inner := guarded.get("text"), dict) and isinstance(said := inner.get("text"), str):
            return said
        raise NotAPrompt(Unusable.NOT_TEXT)
    if names & (_SILENT | _CALLS):
        return None
    if names & _MEDIA:
        raise NotAPrompt(Unusable.NOT_TEXT)
    raise NotAPrompt(Unusable.OTHER_TOOLS if names & _OTHER_TOOLS else Unusable.UNKNOWN_BODY)


def _tools(body: JsonObject) -> list[JsonValue] | None:
    """Return the functions that a request offers, in chat form."""
    config = body.get("toolConfig")
    given = config.get("tools") if isinstance(config, dict) else body.get("tools")
    if given is not None and not isinstance(given, list):
        raise NotAPrompt(Unusable.UNKNOWN_BODY)
    tools: list[JsonValue] = [_tool(tool) for tool in map(_object, given or ()) if "cachePoint" not in tool]
    return tools or None


def _tool(tool: JsonObject) -> JsonObject:
    """Return a tool in chat form."""
    if isinstance(spec := tool.get("toolSpec"), dict):
        schema = spec.get("inputSchema")
        return _function(spec, schema.get("json") if isinstance(schema, dict) else None)
    if isinstance(function := tool.get("function"), dict):
        return _function(function, function.get("parameters"))
    if tool.get("type", "custom") == "custom" and "input_schema" in tool:
        return _function(tool, tool["input_schema"])
    raise NotAPrompt(Unusable.OTHER_TOOLS)


def _function(named: JsonObject, parameters: JsonValue) -> JsonObject:
    """Return a function in chat form; without parameters it takes none."""
    name, description = named.get("name"), named.get("description")
    if not isinstance(name, str):
        raise NotAPrompt(Unusable.UNKNOWN_BODY)
    if not isinstance(parameters, dict):
        parameters = {"type": "object", "properties": {}}
    described = description if isinstance(description, str) else ""
    return {"type": "function", "function": {"name": name, "description": described, "parameters": parameters}}


def _content(texts: list[str]) -> JsonValue:
    """Return one text as it is, several as parts."""
    if len(texts) == 1:
        return texts[0]
    return [{"type": "text", "text": text} for text in texts]


def _is_blank(content: JsonValue) -> bool:
    return not "".join(_texts(content)).strip()


def _object(value: JsonValue) -> JsonObject:
    if not isinstance(value, dict):
        raise NotAPrompt(Unusable.UNKNOWN_BODY)
    return value

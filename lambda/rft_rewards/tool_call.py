"""Tool calls as language models write them.

The strongest place that holds calls decides alone, chosen without looking at the reference:

1. the turn's own `tool_calls`
2. tags, `<tool_call>{...}</tool_call>`
3. Markdown fences of JSON
4. JSON between other text

A call is `{"name", "arguments"}` or OpenAI's `{"type": "function", "function": {"name", "arguments"}}`, its arguments
an object or the JSON text of one, and none when they are absent; an `id` is ignored. Several calls in a text stand one
after the other, in an array, or in an array under `tool_calls`. In fences and between other text, JSON counts as calls
when one of the keys `name`, `function` and `tool_calls` says so; in the other two places it must be calls.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rft_contract.json_value import JsonValue
from rft_rewards.json_text import (
    ExactObject,
    ExactValue,
    UnreadableJson,
    exact,
    fenced_values,
    read_value_at,
    read_whole,
    skip_space,
)

MOST_CALLS = 32
"""Calls of a turn that are read."""

_SAYS_CALL = frozenset(("name", "function", "tool_calls"))
_BARE_CALL = re.compile(r'(?:\[\s*+)?\{\s*+"(?:name|arguments|type|id|function|tool_calls)"\s*+:')
_BESIDE = frozenset(("id", "type"))


class UnreadableCalls(ValueError):
    """A turn's deciding place holds something else than calls, or too many."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of one tool.

    Args:
        name: The tool.
        arguments: Its arguments by name.
    """

    name: str
    arguments: ExactObject


def read_calls(text: str, structured: Sequence[JsonValue] = (), *, tag: str = "tool_call") -> list[ToolCall]:
    """Read the calls of a generated turn.

    Args:
        text: The turn's text; read in time linear in its length.
        structured: The turn's own `tool_calls`.
        tag: Name of the tags around calls in the text.

    Returns:
        The calls in their order; none when the turn makes none.

    Raises:
        UnreadableCalls: When the deciding place holds what is no call, broken JSON, a duplicate key, or more than
            `MOST_CALLS` calls.
    """
    try:
        if structured:
            return calls_of(exact(call) for call in structured)
        if f"<{tag}>" in text:
            return calls_of(_flat(_tagged(text, tag)))
        found = fenced_values(text) or _bare(text)
        return calls_of(_flat(value for value in found if _is_call(value)))
    except UnreadableJson as error:
        raise UnreadableCalls(str(error)) from None


def calls_of(values: Iterable[ExactValue]) -> list[ToolCall]:
    """Return the calls that JSON values are.

    Raises:
        UnreadableCalls: When one is no call, or there are more than `MOST_CALLS`.
        UnreadableJson: When arguments are a text that is not JSON.
    """
    calls: list[ToolCall] = []
    for value in values:
        if len(calls) == MOST_CALLS:
            raise UnreadableCalls(f"more than {MOST_CALLS} calls")
        calls.append(_call(value))
    return calls


def _flat(values: Iterable[ExactValue]) -> Iterator[ExactValue]:
    """Yield the items of arrays and of arrays under `tool_calls`, and other values as they are."""
    for value in values:
        inner = value["tool_calls"] if isinstance(value, dict) and value.keys() == {"tool_calls"} else value
        if isinstance(inner, list):
            yield from inner
        else:
            yield inner


def _call(value: ExactValue) -> ToolCall:
    """Return the call that a JSON object is."""
    if isinstance(value, dict) and isinstance(function := value.get("function"), dict):
        if value.keys() - {"function"} - _BESIDE:
            raise UnreadableCalls("a call with unknown keys")
        value = function
    if not isinstance(value, dict) or value.keys() - {"name", "arguments"} - _BESIDE:
        raise UnreadableCalls("a call with unknown keys" if isinstance(value, dict) else "a call that is no object")
    name = value.get("name")
    if not isinstance(name, str) or not name:
        raise UnreadableCalls("a call without a name")
    arguments = value.get("arguments", {})
    if isinstance(arguments, str):
        arguments = read_whole(arguments) if arguments.strip() else {}
    if not isinstance(arguments, dict):
        raise UnreadableCalls("arguments that are no object")
    return ToolCall(name, arguments)


def _is_call(value: ExactValue) -> bool:
    """Whether a JSON value wants to be a call, or an array of them."""
    if isinstance(value, list):
        return any(isinstance(item, dict) and _SAYS_CALL & item.keys() for item in value)
    return isinstance(value, dict) and bool(_SAYS_CALL & value.keys())


def _tagged(text: str, tag: str) -> Iterator[ExactValue]:
    """Yield the JSON value in each tag; the last tag may be unclosed at the text's end."""
    opening, closing = f"<{tag}>", f"</{tag}>"
    position = text.find(opening)
    while position >= 0:
        value, end = read_value_at(text, skip_space(text, position + len(opening)))
        end = skip_space(text, end)
        if end < len(text) and not text.startswith((closing, opening), end):
            raise UnreadableCalls("other text in a tag")
        yield value
        position = text.find(opening, end)


def _bare(text: str) -> Iterator[ExactValue]:
    """Yield the JSON values between other text that begin as a call does."""
    position = 0
    while (start := _BARE_CALL.search(text, position)) is not None:
        value, position = read_value_at(text, start.start())
        yield value

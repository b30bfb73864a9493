"""The one JSON value in a text, with exact numbers."""

import json
import math
import re
from decimal import Decimal
from typing import Any, NoReturn, TypeAlias

from rft_contract.json_value import JsonValue

ExactValue: TypeAlias = "bool | int | Decimal | str | list[ExactValue] | dict[str, ExactValue] | None"
"""A JSON value whose decimals have the digits that they were written with."""

ExactObject: TypeAlias = dict[str, ExactValue]
"""A JSON object of them."""

MOST_VALUES = 64
"""Top-level values of a text that are read."""

_FENCE = re.compile(r"```([^\n`]*)\n\s*+")
_FENCED_JSON = re.compile(r"\s*(?:jsonc?|jsonl|ndjson|tool_calls?)?\s*", re.IGNORECASE)
_SPACE = re.compile(r"\s*+")
_BARE = re.compile(r'\{|(?:^|:)[ \t]*+\[(?=\s*+(?:[\[{"\]\d-]|true|false|null))', re.MULTILINE)
_DEEPEST = 32
_LONGEST_NUMBER = 200
_LARGEST_EXPONENT = 400


class UnreadableJson(ValueError):
    """A text holds no JSON value, several different ones, or one that is not plain JSON."""


def read_value(text: str) -> ExactValue:
    """Read the JSON value of a completion.

    The strongest place that holds one decides alone: Markdown fences; objects between other text; arrays at the
    beginning of a line or after a colon; the whole text, for a bare string, number or word.

    Args:
        text: The text; read in time linear in its length.

    Raises:
        UnreadableJson: When there is no value, when the deciding place holds two different ones or more than
            `MOST_VALUES`, or when a value has a duplicate key, NaN, an infinity, a number beyond 200 digits or nesting
            deeper than 32.
    """
    values = fenced_values(text) or _bare_values(text) or [read_whole(text)]
    if any(value != values[0] for value in values):
        raise UnreadableJson("several JSON values")
    return values[0]


def read_object(text: str) -> ExactObject:
    """Read the JSON object of a completion, as `read_value` does.

    Raises:
        UnreadableJson: As there, and when the value is no object.
    """
    value = read_value(text)
    if not isinstance(value, dict):
        raise UnreadableJson("no JSON object")
    return value


def read_whole(text: str) -> ExactValue:
    """Read a text that is nothing but one JSON value.

    Raises:
        UnreadableJson: When it is not.
    """
    text = text.strip()
    value, end = read_value_at(text, 0)
    if end < len(text):
        raise UnreadableJson("not plain JSON")
    return value


def fenced_values(text: str) -> list[ExactValue]:
    """Return the objects and arrays in a text's Markdown fences; a fence of another language than JSON is skipped.

    Raises:
        UnreadableJson: When a fence begins with a bracket and is not plain JSON, or as in `read_value`.
    """
    found: list[ExactValue] = []
    position = 0
    while (opening := _FENCE.search(text, position)) is not None:
        position = opening.end()
        if _FENCED_JSON.fullmatch(opening[1]) and text.startswith(("{", "["), position):
            while text.startswith(("{", "["), position):
                value, position = read_value_at(text, position)
                found.append(value)
                if len(found) > MOST_VALUES:
                    raise UnreadableJson(f"more than {MOST_VALUES} JSON values")
                position = skip_space(text, position)
            if position < len(text) and not text.startswith("```", position):
                raise UnreadableJson("other text in a fence of JSON")
        close = text.find("```", position)
        position = len(text) if close < 0 else close + 3
    return found


def read_value_at(text: str, position: int) -> tuple[ExactValue, int]:
    """Read the JSON value that begins at a position, and say where it ends.

    Raises:
        UnreadableJson: When none begins there, or it is not plain JSON.
    """
    try:
        value, end = _DECODER.raw_decode(text, position)
    except UnreadableJson:
        raise
    except (ValueError, RecursionError):
        raise UnreadableJson("not plain JSON") from None
    _check_depth(value)
    return value, end


def skip_space(text: str, position: int) -> int:
    """Return the position of the first character from here on that is no space."""
    space = _SPACE.match(text, position)
    return space.end() if space else position


def exact(value: JsonValue, depth: int = 0) -> ExactValue:
    """Return a parsed JSON value with its floats as the decimals that they were written as.

    Raises:
        UnreadableJson: When a number is not finite or out of range, or the nesting is deeper than 32.
    """
    if depth > _DEEPEST:
        raise UnreadableJson("nested too deeply")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UnreadableJson("NaN or an infinity")
        return _decimal(repr(value))
    if isinstance(value, list):
        return [exact(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {key: exact(item, depth + 1) for key, item in value.items()}
    return value


def _bare_values(text: str) -> list[ExactValue]:
    """Return the objects of a text without fences, or its arrays when it has no object outside them."""
    objects: list[ExactValue] = []
    arrays: list[ExactValue] = []
    position = 0
    while (start := _BARE.search(text, position)) is not None:
        if len(objects) + len(arrays) == MOST_VALUES:
            raise UnreadableJson(f"more than {MOST_VALUES} JSON values")
        value, position = read_value_at(text, start.end() - 1)
        (objects if isinstance(value, dict) else arrays).append(value)
    return objects or arrays


def _check_depth(value: ExactValue) -> None:
    """Refuse a value that is nested more deeply than anything extracted from a document."""
    level = [value]
    for _ in range(_DEEPEST + 1):
        level = [
            child
            for item in level
            if isinstance(item, (list, dict))
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise UnreadableJson("nested too deeply")


def _decimal(text: str) -> Decimal:
    """Read a JSON number exactly."""
    exponent = text.lower().partition("e")[2]
    if len(text) > _LONGEST_NUMBER or len(exponent) > 4 or abs(int(exponent or "0")) > _LARGEST_EXPONENT:
        raise UnreadableJson("a number out of range")
    return Decimal(text)


def _whole(text: str) -> int:
    """Read a JSON integer of bounded length."""
    if len(text) > _LONGEST_NUMBER:
        raise UnreadableJson("a number out of range")
    return int(text)


def _constant(_name: str) -> NoReturn:
    """Refuse NaN and the infinities, which JSON does not have."""
    raise UnreadableJson("NaN or an infinity")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object and refuse duplicate keys."""
    value = dict(pairs)
    if len(value) < len(pairs):
        raise UnreadableJson("a duplicate key")
    return value


_DECODER = json.JSONDecoder(parse_float=_decimal, parse_int=_whole, parse_constant=_constant, object_pairs_hook=_unique)

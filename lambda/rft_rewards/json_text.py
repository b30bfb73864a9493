"""The one JSON object in a text, with exact numbers."""

import json
import math
import re
from fractions import Fraction
from typing import Any, NoReturn, TypeAlias

from rft_contract.json_value import JsonValue

ExactValue: TypeAlias = "bool | int | Fraction | str | list[ExactValue] | dict[str, ExactValue] | None"
"""A JSON value whose decimals are fractions."""

ExactObject: TypeAlias = dict[str, ExactValue]
"""A JSON object of them."""

_FENCE = re.compile(r"```[a-zA-Z0-9]*[ \t]*\n(.*?)```", re.DOTALL)
_MOST_OBJECTS = 16
_DEEPEST = 32
_LONGEST_NUMBER = 200
_LARGEST_EXPONENT = 400


class UnreadableJson(ValueError):
    """A text holds no JSON object, several different ones, or one that is not plain JSON."""


def read_object(text: str) -> ExactObject:
    """Read the JSON object of a completion: in a Markdown fence if there is one, else bare between other text.

    Args:
        text: The text; read in time linear in its length.

    Raises:
        UnreadableJson: When there is no object, when there are two different ones or more than 16, or when the object
            has a duplicate key, NaN, an infinity, a number beyond 200 digits or nesting deeper than 32.
    """
    fenced = [body for body in _FENCE.findall(text) if body.lstrip().startswith("{")] if "```" in text else []
    objects = [found for body in fenced[: _MOST_OBJECTS + 1] for found in _objects(body)] if fenced else _objects(text)
    if not objects:
        raise UnreadableJson("no JSON object")
    if any(found != objects[0] for found in objects):
        raise UnreadableJson("several JSON objects")
    return objects[0]


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


def _objects(text: str) -> list[ExactObject]:
    """Return the top-level objects of a text."""
    found: list[ExactObject] = []
    position = text.find("{")
    while position >= 0:
        if len(found) == _MOST_OBJECTS:
            raise UnreadableJson("more than 16 JSON objects")
        try:
            value, end = _DECODER.raw_decode(text, position)
            _check_depth(value)
        except (ValueError, RecursionError) as error:
            message = str(error) if isinstance(error, UnreadableJson) else "not plain JSON"
            raise UnreadableJson(message) from None
        found.append(value)
        position = text.find("{", end)
    return found


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


def _decimal(text: str) -> Fraction:
    """Read a JSON number exactly."""
    exponent = text.lower().partition("e")[2]
    if len(text) > _LONGEST_NUMBER or len(exponent) > 4 or abs(int(exponent or "0")) > _LARGEST_EXPONENT:
        raise UnreadableJson("a number out of range")
    return Fraction(text)


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

"""Python values as bounded, tagged JSON: what a reward function and its code runner send each other.

JSON's own values stand for themselves: None, booleans, texts, whole numbers below 2**53, finite floats and lists. All
others are an object with one key, their tag: `{"tuple": [...]}`, `{"dict": [[key, value], ...]}`, `{"set": [...]}`,
`{"frozenset": [...]}`, `{"bytes": hex}`, `{"int": hex}`, `{"float": "nan"}`, `{"iterator": [...]}`. Nothing else
passes: the reader builds plain values only, so no object of an untrusted program ever reaches it. Standard library
only.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import islice
from typing import cast

from rft_contract.json_value import JsonValue

DEEPEST = 64
"""Containers in each other."""

MOST_ITEMS = 50_000
"""Values in a value, itself included."""

MOST_CHARACTERS = 256 * 1024
"""Length of a value as JSON."""

MOST_ITERATED = 10_000
"""Items that are taken out of an iterator; an endless one arrives as that many."""

_EXACT = 2**53
_MOST_COLLISIONS = 32
_VIEWS: frozenset[type] = frozenset((range, type({}.keys()), type({}.values()), type({}.items())))


class UnplainValue(Exception):
    """A value is no plain data, or too much of it.

    Args:
        reason: A code: `not-plain`, `too-deep`, `too-large` or `unreadable`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Room:
    """What is left of a value's bounds."""

    def __init__(self) -> None:
        self._items = MOST_ITEMS
        self._characters = MOST_CHARACTERS

    def take(self, characters: int = 1) -> None:
        """Count one more value.

        Raises:
            UnplainValue: When nothing is left.
        """
        self._items -= 1
        self._characters -= characters
        if self._items < 0 or self._characters < 0:
            raise UnplainValue("too-large")


def encode(value: object) -> str:
    """Return a value as ASCII text.

    Subclasses of plain types are written as the plain value that they hold: a `Counter` is a dict, an `IntEnum` an int,
    a named tuple a tuple. Iterators, generators, ranges and views of dicts are written as `iterator`.

    Raises:
        UnplainValue: When something in it is no plain data, or a bound is passed.
    """
    text = json.dumps(_tagged(value, 0, _Room()), separators=(",", ":"))
    if len(text) > MOST_CHARACTERS:
        raise UnplainValue("too-large")
    return text


def decode(text: str, *, iterator: Callable[[list[object]], object] = iter) -> object:
    """Return the value that a text stands for, new at every call.

    Args:
        text: What `encode` wrote, or anything that pretends to be.
        iterator: Makes the value of what was an iterator from its items. Default: an iterator again.

    Raises:
        UnplainValue: When the text is nothing that `encode` writes.
    """
    if len(text) > MOST_CHARACTERS:
        raise UnplainValue("too-large")
    try:
        return _untagged(json.loads(text, parse_constant=_refuse), 0, _Room(), iterator)
    except (ValueError, TypeError, RecursionError):
        raise UnplainValue("unreadable") from None


def _tagged(value: object, depth: int, room: _Room) -> JsonValue:
    """Return a value as JSON. Methods of the base classes are called, since a subclass's may say anything."""
    if depth > DEEPEST:
        raise UnplainValue("too-deep")
    if value is None or isinstance(value, bool):
        room.take()
        return value
    if isinstance(value, str):
        room.take(len(value))
        return str.__str__(value)
    if isinstance(value, int):
        number = int.__int__(value)
        room.take(number.bit_length() // 4 + 1)
        return number if -_EXACT < number < _EXACT else {"int": hex(number)}
    if isinstance(value, float):
        real = float.__float__(value)
        room.take(8)
        return real if math.isfinite(real) else {"float": repr(real)}
    if isinstance(value, (bytes, bytearray)):
        room.take(2 * len(value))
        return {"bytes": bytes(value).hex()}
    room.take()

    def items(values: Iterable[object]) -> list[JsonValue]:
        return [_tagged(item, depth + 1, room) for item in values]

    if isinstance(value, list):
        return items(list.__iter__(value))
    if isinstance(value, tuple):
        return {"tuple": items(tuple.__iter__(value))}
    if isinstance(value, dict):
        return {"dict": [items(pair) for pair in dict.items(value)]}
    if isinstance(value, frozenset):
        return {"frozenset": items(frozenset.__iter__(value))}
    if isinstance(value, set):
        return {"set": items(set.__iter__(value))}
    if isinstance(value, Iterator) or type(value) in _VIEWS:
        return {"iterator": items(islice(cast("Iterable[object]", value), MOST_ITERATED))}
    raise UnplainValue("not-plain")


def _untagged(raw: JsonValue, depth: int, room: _Room, iterator: Callable[[list[object]], object]) -> object:
    """Return the value that JSON stands for."""
    if depth > DEEPEST:
        raise UnplainValue("too-deep")
    room.take()

    def items(values: JsonValue) -> list[object]:
        if not isinstance(values, list):
            raise UnplainValue("unreadable")
        return [_untagged(item, depth + 1, room, iterator) for item in values]

    if isinstance(raw, list):
        return items(raw)
    if not isinstance(raw, dict):
        return raw
    if len(raw) != 1:
        raise UnplainValue("unreadable")
    ((tag, content),) = raw.items()
    match tag, content:
        case "tuple", list():
            return tuple(items(content))
        case "dict", list():
            pairs = [(key, value) for key, value in map(items, content)]
            _check_keys([key for key, _ in pairs])
            return dict(pairs)
        case "set", list():
            return set(_check_keys(items(content)))
        case "frozenset", list():
            return frozenset(_check_keys(items(content)))
        case "iterator", list():
            return iterator(items(content))
        case "bytes", str():
            return bytes.fromhex(content)
        case "int", str():
            return int(content, 16)
        case "float", ("nan" | "inf" | "-inf"):
            return float(str(content))
    raise UnplainValue("unreadable")


def _check_keys(keys: list[object]) -> list[Hashable]:
    """Return keys that can be hashed. Many with one hash make a table's cost quadratic; they occur in attacks only."""
    hashable = [key for key in keys if isinstance(key, Hashable)]
    if len(hashable) < len(keys) or max(Counter(map(hash, hashable)).values(), default=0) > _MOST_COLLISIONS:
        raise UnplainValue("unreadable")
    return hashable


def _refuse(constant: str) -> object:
    """Refuse `NaN` and the like, which are no JSON."""
    raise ValueError(constant)

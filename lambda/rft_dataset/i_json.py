"""Where a line is JSON, and readers still disagree on what it says: the interoperable JSON of RFC 7493 (I-JSON).

Three things are told: a key that an object holds twice (section 2.3), a number that a 64-bit float does not hold
(section 2.2: beyond its range, or an integer beyond 2^53), and half of a surrogate pair in a text (section 2.1).
"""

import json
import math
import re
from collections.abc import Iterator
from typing import NamedTuple

LARGEST_INTEGER = 2**53
"""Beyond it, a 64-bit float does not tell an integer from the next one."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAYBE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_EXACT_DIGITS = 15


class Departure(NamedTuple):
    """A departure from I-JSON.

    Args:
        code: `duplicate-key`, `inexact-number`, `number-out-of-range` or `lone-surrogate`.
        message: What is wrong.
        path: Where, such as `$.reference_answer.steps[2]`.
    """

    code: str
    message: str
    path: str


def departures(text: str) -> list[Departure]:
    """Return the departures of a line, in its order.

    Args:
        text: JSON.

    Raises:
        ValueError: When it is no JSON.
        RecursionError: When it is nested too deeply.
    """
    try:
        _QUICK.decode(text)
    except _DepartureSomewhere:
        return list(_located(_FULL.decode(text)))
    return list(_located(_FULL.decode(text))) if _MAYBE_SURROGATE.search(text) else []


def shown(key: str) -> str:
    """Return a key as a path shows it: as it is when it is a name, else not at all, since it may be somebody's text."""
    return f".{key}" if _NAME.fullmatch(key) else "[...]"


class _DepartureSomewhere(Exception):
    """There is something to locate."""


class _Number(str):
    """A number as it is written."""


class _Pairs(list[tuple[str, object]]):
    """An object with all its keys."""


def _located(value: object) -> Iterator[Departure]:
    """Yield the departures of a decoded line; a stack, not recursion, since depth is the author's."""
    rest: list[tuple[str, object]] = [("$", value)]
    while rest:
        path, value = rest.pop()
        if isinstance(value, _Pairs):
            seen: set[str] = set()
            for key, _ in value:
                if key in seen:
                    yield Departure("duplicate-key", "the key occurs twice in its object", path + shown(key))
                if _SURROGATE.search(key):
                    yield Departure("lone-surrogate", "a key with half of a surrogate pair", path)
                seen.add(key)
            rest += [(path + shown(key), inner) for key, inner in reversed(value)]
        elif isinstance(value, list):
            rest += [(f"{path}[{place}]", value[place]) for place in reversed(range(len(value)))]
        elif isinstance(value, _Number):
            if math.isinf(float(value)):
                yield Departure("number-out-of-range", "a number beyond the range of a 64-bit float", path)
            elif not _is_exact(value):
                yield Departure("inexact-number", "an integer beyond 2^53", path)
        elif isinstance(value, str) and _SURROGATE.search(value):
            yield Departure("lone-surrogate", "half of a surrogate pair in the text", path)


def _is_exact(number: str) -> bool:
    """Whether a finite number is no integer beyond `LARGEST_INTEGER`."""
    return len(number) <= _EXACT_DIGITS or not number.removeprefix("-").isdigit() or abs(int(number)) <= LARGEST_INTEGER


def _quick_integer(text: str) -> None:
    if len(text) > _EXACT_DIGITS and (math.isinf(float(text)) or not _is_exact(text)):
        raise _DepartureSomewhere


def _quick_float(text: str) -> None:
    if math.isinf(float(text)):
        raise _DepartureSomewhere


def _quick_object(pairs: list[tuple[str, object]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise _DepartureSomewhere


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


_QUICK = json.JSONDecoder(
    parse_int=_quick_integer, parse_float=_quick_float, parse_constant=_refused, object_pairs_hook=_quick_object
)
_FULL = json.JSONDecoder(parse_int=_Number, parse_float=_Number, parse_constant=_refused, object_pairs_hook=_Pairs)

"""Plain values, there and back, and everything else refused."""

import collections
import enum
import json
import math
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.value_codec import DEEPEST, MOST_CHARACTERS, MOST_ITERATED, UnplainValue, decode, encode

QUICK = settings(max_examples=150, deadline=None, derandomize=True)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5), st.binary(max_size=5)
)
KEYS = SCALARS | st.tuples(SCALARS, SCALARS) | st.frozensets(SCALARS, max_size=3)
PLAIN = st.recursive(
    KEYS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS, inner, max_size=3)
        | st.sets(KEYS, max_size=3)
    ),
    max_leaves=12,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["tuple", "dict", "set", "frozenset", "bytes", "int", "float", "iterator", "x"]),
            inner | st.lists(st.lists(inner, min_size=2, max_size=2), max_size=2),
            max_size=2,
        )
    ),
    max_leaves=12,
)


class Point(NamedTuple):
    x: int
    y: int


class Colour(enum.IntEnum):
    RED = 3


class Always(int):
    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __int__(self) -> int:
        return 9


class Iterating(list[int]):
    def __iter__(self) -> Any:
        return iter([9])


class Liar:
    __class__ = int  # type: ignore[assignment]


def typed(value: Any) -> Any:
    """Return a value with the types of everything in it, so that 1, 1.0 and True differ."""
    if isinstance(value, (list, tuple)):
        return type(value), [typed(item) for item in value]
    if isinstance(value, dict):
        return type(value), [(typed(key), typed(item)) for key, item in value.items()]
    if isinstance(value, (set, frozenset)):
        return type(value), sorted(repr(typed(item)) for item in value)
    return type(value), repr(value)


@QUICK
@given(PLAIN)
def test_plain_values_come_back_as_they_were(value: object) -> None:
    text = encode(value)
    assert text.isascii()
    assert typed(decode(text)) == typed(value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, -0.0, 2**53, -(2**53), "\ud800", b"\xff", ()])
def test_values_that_json_has_not(value: object) -> None:
    assert typed(decode(encode(value))) == typed(value)


def test_values_that_cannot_be_compared_or_shown() -> None:
    assert math.isnan(decode(encode(math.nan)))  # type: ignore[arg-type]
    assert decode(encode(-1 << 20_000)) == -1 << 20_000


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (collections.OrderedDict(a=1), {"a": 1}),
        (Point(1, 2), (1, 2)),
        (Colour.RED, 3),
        (Always(7), 7),
        (Iterating([1, 2]), [1, 2]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_subclasses_are_what_they_hold_not_what_they_say(value: object, plain: object) -> None:
    assert typed(decode(encode(value))) == typed(plain)


def test_iterators_arrive_as_iterators_or_as_what_is_wanted() -> None:
    for value in (iter([1, 2]), (n for n in (1, 2)), range(1, 3), {1: 0, 2: 0}.keys(), map(int, "12")):
        text = encode(value)
        assert list(decode(text)) == [1, 2]  # type: ignore[call-overload]
        assert decode(text, iterator=list) == [1, 2]


def test_an_endless_iterator_is_cut() -> None:
    assert decode(encode(iter(int, 1)), iterator=len) == MOST_ITERATED


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (object(), "not-plain"),
        (len, "not-plain"),
        (int, "not-plain"),
        (1j, "not-plain"),
        ([1, {"a": object()}], "not-plain"),
        (nested(DEEPEST + 1), "too-deep"),
        (nested(2000), "too-deep"),
        ("x" * (MOST_CHARACTERS + 1), "too-large"),
        ("\u2603" * (MOST_CHARACTERS // 3), "too-large"),
        ([0] * 60_000, "too-large"),
        pytest.param(1 << 10**7, "too-large", id="int"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_plain_data_or_too_much_is_refused(value: object, reason: str) -> None:
    with pytest.raises(UnplainValue) as caught:
        encode(value)
    assert caught.value.reason == reason


def test_an_object_that_lies_about_its_class_is_refused() -> None:
    with pytest.raises(TypeError):
        encode(Liar())


def test_the_deepest_value_passes() -> None:
    assert decode(encode(nested(DEEPEST))) == nested(DEEPEST)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NaN",
        "Infinity",
        "[" * 100_000,
        "9" * 5000,
        '{"x": 1}',
        '{"tuple": 1}',
        '{"tuple": [], "set": []}',
        "{}",
        '{"dict": [[1]]}',
        '{"dict": [[[1], 2]]}',
        '{"set": [[]]}',
        '{"set": [{"tuple": [[]]}]}',
        '{"int": "zz"}',
        '{"int": 5}',
        '{"float": "1.5"}',
        '{"bytes": "0"}',
        '{"set": [' + ", ".join(f'{{"int": "{hex((2**61 - 1) * n)}"}}' for n in range(2000)) + "]}",
        " " * (MOST_CHARACTERS + 1),
    ],
    ids=lambda text: text[:24],
)
def test_what_encode_does_not_write_is_refused(text: str) -> None:
    with pytest.raises(UnplainValue):
        decode(text)


@QUICK
@given(JSON)
def test_any_json_is_a_plain_value_or_refused(value: object) -> None:
    try:
        found = decode(json.dumps(value), iterator=list)
    except UnplainValue:
        return
    assert typed(decode(encode(found))) == typed(found)

"""What JSON readers disagree on, wherever in a line it stands."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.json_value import JsonValue
from rft_dataset.i_json import departures

NAMES = st.from_regex(r"[a-z_]{1,5}", fullmatch=True)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
PLANTED = {
    "duplicate-key": '{"k": 1, "j": [], "k": 1}',
    "inexact-number": "-9007199254740993",
    "number-out-of-range": "1e309",
    "lone-surrogate": '"a\\ud83d"',
}
MARK = "\N{SYMBOL FOR NULL}"


@st.composite
def places(draw: st.DrawFn) -> tuple[JsonValue, str]:
    """Draw a value that holds `MARK` once, and the path to it."""
    value: JsonValue = MARK
    path = ""
    for _ in range(draw(st.integers(0, 5))):
        if draw(st.booleans()):
            before = draw(st.lists(VALUES, max_size=2))
            value, path = [*before, value, *draw(st.lists(VALUES, max_size=2))], f"[{len(before)}]{path}"
        else:
            name = draw(NAMES)
            others = draw(st.dictionaries(NAMES, VALUES, max_size=2))
            value, path = {**others, name: value}, f".{name}{path}"
    return value, f"${path}"


@settings(max_examples=100, deadline=None, derandomize=True)
@given(VALUES, st.booleans())
def test_interoperable_json_has_none(value: JsonValue, ascii_only: bool) -> None:
    assert departures(json.dumps(value, ensure_ascii=ascii_only)) == []


@pytest.mark.parametrize("code", PLANTED)
@settings(max_examples=50, deadline=None, derandomize=True)
@given(place=places())
def test_one_is_found_with_its_path(code: str, place: tuple[JsonValue, str]) -> None:
    value, path = place
    text = json.dumps(value).replace(json.dumps(MARK), PLANTED[code], 1)
    (found,) = departures(text)
    assert (found.code, found.path) == (code, path + (".k" if code == "duplicate-key" else ""))


@pytest.mark.parametrize("text", ["", "{", "[1,]", "NaN", "[Infinity]", '"\t"', "01", "{} {}"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        departures(text)


def test_depth_beyond_the_reader_is_refused() -> None:
    with pytest.raises(RecursionError):
        departures("[" * 100_000 + "]" * 100_000)


def test_a_path_of_great_depth_is_found() -> None:
    (found,) = departures("[" * 400 + "1e999" + "]" * 400)
    assert found.path == "$" + "[0]" * 400

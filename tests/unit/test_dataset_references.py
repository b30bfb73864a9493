"""Reference answers beside each other."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.json_value import JsonValue
from rft_dataset.records import Row
from rft_dataset.references import References
from rft_dataset.validation import validate

CASES = json.loads((Path(__file__).parents[1] / "cases" / "dataset_references.json").read_text(encoding="utf-8"))

any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def seen(lines: Sequence[bytes]) -> References:
    references = References("train.jsonl")
    for number, line in enumerate(lines, 1):
        references.see(number, msgspec.json.decode(line, type=Row))
    return references


def line(prompt: str, reference: str, system: str = "") -> bytes:
    turns = [{"role": "system", "content": system}] if system else []
    messages = json.dumps([*turns, {"role": "user", "content": prompt}])
    return f'{{"messages": {messages}, "reference_answer": {reference}}}'.encode()


def found(references: References, code: str) -> list[list[Any]]:
    return [[finding.line, finding.message] for finding in references.findings() if finding.code == code]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_references_that_are_unlike_the_others(case: dict[str, Any]) -> None:
    values: list[JsonValue] = [value for value, times in case["references"] for _ in range(times)]
    references = seen([line(str(number), json.dumps(value)) for number, value in enumerate(values)])
    assert found(references, "mixed-references") == case["found"]


@pytest.mark.parametrize(
    ("first", "second", "contradict"),
    [
        ('"7"', '"8"', True),
        ('"7"', "7", True),
        ("1", "true", True),
        ("[1, 2]", "[2, 1]", True),
        ('{"a": 1}', '{"a": 1, "b": null}', True),
        ('{"a": 1, "b": [2.0]}', '{"b":[2],"a":1e0}', False),
        ("-0.0", "0", False),
        (r'"\u00e9"', '"é"', False),
        ("9007199254740993.0", "9007199254740992", True),
        ("null", '"7"', False),
        ('"7"', "null", False),
        ('"7"', '""', False),
    ],
)
def test_one_prompt_with_two_references(first: str, second: str, contradict: bool) -> None:
    references = seen([line("What is 3 + 4?", first), line("other", '"x"'), line("what  is\n3 + 4? ", second)])
    wanted = [[3, "the prompt of line 1, with another reference_answer"]] if contradict else []
    assert found(references, "contradictory-reference") == wanted
    assert references.facts()["references"]["contradictory"] == len(wanted)  # type: ignore[index, call-overload]  # JSON


def test_each_later_row_is_held_against_the_first_one() -> None:
    references = seen([line("q", answer) for answer in ('"a"', '"b"', '"a"', '"c"')])
    assert [number for number, _ in found(references, "contradictory-reference")] == [2, 4]


def test_another_system_prompt_or_tool_is_another_task() -> None:
    tool = {
        "type": "function",
        "function": {
            "name": "f",
            "description": "d",
            "parameters": {"type": "object", "properties": {}, "required": []},
        },
    }
    with_tool = json.loads(line("q", '"d"')) | {"tools": [tool]}
    rows = [line("q", '"a"'), line("q", '"b"', "Answer in French."), line("q", '"c"', "Answer in  french.")]
    references = seen([*rows, json.dumps(with_tool).encode()])
    assert found(references, "contradictory-reference") == [[3, "the prompt of line 2, with another reference_answer"]]


def test_no_finding_quotes_the_data() -> None:
    rows = [line("q", '"SECRET"')] * 98 + [line("q", '{"SECRET text": "SECRET"}'), line("SECRET", '["SECRET"]')]
    told = [str(finding) for finding in seen(rows).findings()]
    assert len(told) > 2
    assert "SECRET" not in "".join(told)


def test_facts_tell_types_and_keys() -> None:
    rows = [line("a", '{"x": 1}'), line("b", '{"x": 2, "y": null}'), line("c", '"z"'), line("d", "null")]
    assert seen(rows).facts() == {
        "references": {
            "types": {"object": 2, "string": 1},
            "missing": 1,
            "contradictory": 0,
            "keys": {"x": 1.0, "y": 0.5},
        }
    }


def test_keys_that_are_data_say_nothing() -> None:
    references = seen([line(str(number), json.dumps({f"key{number}": 1})) for number in range(1_500)])
    assert list(references.findings()) == []
    assert references.facts()["references"]["keys"] == {}  # type: ignore[index, call-overload]  # JSON
    wide = seen([line("a", json.dumps({str(key): 1 for key in range(100)})), line("b", "{}")])
    assert list(wide.findings()) == []


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.lists(any_json, min_size=1, max_size=8))
def test_any_json_is_a_reference(values: list[JsonValue]) -> None:
    rows = [line(str(number), json.dumps(value)) for number, value in enumerate(values)]
    references = seen([*rows, *rows])
    assert found(references, "contradictory-reference") == []
    references.facts()


def test_nesting_at_the_edge_of_what_can_be_read() -> None:
    for depth in range(900, 1_010):
        nested = "[" * depth + "]" * depth
        references = References("train.jsonl")
        validate(io.BytesIO(line("q", nested) + b"\n" + line("q", nested)), "train.jsonl", readers=[references])
        assert found(references, "contradictory-reference") == []

"""The json_schema grader: formats, drafts, and what neither a schema nor a completion can do."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_rewards.grade import Invalid, Score
from rft_rewards.json_schema import json_schema
from rft_rewards.sample import Sample
from rft_rewards.schema_size import schema_size

CASES = json.loads((Path(__file__).parents[1] / "cases" / "json_schema.json").read_text(encoding="utf-8"))
QUICK = settings(max_examples=100, deadline=None, derandomize=True)

SCALARS = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(-1e9, 1e9) | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
CONTAINERS = st.lists(VALUES, max_size=4) | st.dictionaries(st.text(max_size=6), VALUES, max_size=5)
FRAMES = ["{}", "```json\n{}\n```", "Here: {}", "Done.\n```\n{}\n```\nAnything else?"]


def grade(completion: str, schema: dict[str, Any]) -> float:
    score = json_schema()(Sample(completion, {"schema": schema}))
    assert isinstance(score, Score), score
    return score.value


@pytest.mark.parametrize("case", CASES["graded"], ids=lambda case: f"{case['why']}: {case['completion'][:40]!r}")
def test_completions_of_the_table(case: dict[str, Any]) -> None:
    score = json_schema(**case.get("options", {}))(Sample(case["completion"], case["reference"]))
    assert isinstance(score, Score), score
    assert score.value == case["score"], score.explanation


@pytest.mark.parametrize("case", CASES["invalid"], ids=lambda case: repr(case["reference"])[:60])
def test_bad_references_are_invalid_not_wrong(case: dict[str, Any]) -> None:
    assert json_schema()(Sample("{}", case["reference"])) == Invalid(case["reason"])


@pytest.mark.parametrize("case", [case for case in CASES["invalid"] if case["reason"] == "schema-refused"])
def test_a_refused_schema_is_named_when_it_is_an_option(case: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^schema: [^\n]+$"):
        json_schema(schema=case["reference"]["schema"])


@pytest.mark.parametrize("schema", [True, "object", [], {"const": float("nan")}, {"const": {1, 2}}])
def test_an_option_that_is_no_schema_is_named(schema: Any) -> None:
    with pytest.raises(ValueError, match=r"^schema: [^\n]+$"):
        json_schema(schema=schema)


@pytest.mark.parametrize("reference", [{"schema": {"const": float("nan")}}, {"schema": {"title": "\ud800"}}])
def test_a_schema_that_is_no_json_is_invalid(reference: Any) -> None:
    assert json_schema()(Sample("{}", reference)) == Invalid("schema-refused")


def test_a_schema_nested_without_end_is_invalid() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5000):
        schema = {"not": schema}
    assert json_schema()(Sample("{}", {"schema": schema})) == Invalid("schema-refused")
    assert json_schema()(Sample("{}", '{"schema": ' * 100_000)) == Invalid("reference-not-a-schema")


def test_nothing_is_ever_fetched() -> None:
    """A server that nobody calls: a reference to it is refused before any connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"
        schemas: list[dict[str, Any]] = [
            {"$ref": address},
            {"$schema": address},
            {"$id": address, "$ref": "other.json"},
        ]
        for schema in schemas:
            assert json_schema()(Sample("{}", {"schema": schema})) == Invalid("schema-refused")
        with pytest.raises(BlockingIOError):
            server.accept()


@QUICK
@given(CONTAINERS, st.sampled_from(FRAMES))
def test_a_value_satisfies_the_schema_that_is_itself(value: Any, frame: str) -> None:
    assert grade(frame.replace("{}", json.dumps(value)), {"const": value}) == 1


@QUICK
@given(st.dictionaries(st.text(max_size=6), VALUES, min_size=1, max_size=5), st.data())
def test_leaving_out_a_required_field_never_pays(value: dict[str, Any], data: st.DataObject) -> None:
    missing = data.draw(st.sampled_from(sorted(value)))
    schema = {"type": "object", "required": sorted(value)}
    assert grade(json.dumps(value), schema) == 1
    assert grade(json.dumps({name: child for name, child in value.items() if name != missing}), schema) == 0


@QUICK
@given(CONTAINERS, CONTAINERS)
def test_offering_two_values_never_pays(value: Any, other: Any) -> None:
    kind = st_type(value)
    texts = [json.dumps(value), json.dumps(other)]
    if value != other and kind == st_type(other):
        for joined in ("\n".join(texts), "\n".join(f"```json\n{text}\n```" for text in texts)):
            assert grade(joined, {"type": kind}) == 0


def st_type(value: Any) -> str:
    return "object" if isinstance(value, dict) else "array"


@QUICK
@given(st.text(alphabet=st.characters() | st.sampled_from('{}[]":,`\n123eNaN\\ud'), max_size=80))
def test_any_text_is_graded(completion: str) -> None:
    assert grade(completion, {"type": "object", "required": ["a"]}) in (0, 1)


@pytest.mark.parametrize("unit", ["{", "[", '{"a":', "```json\n{", "[1,", "```\n", "[]\n", ":[", "[\n", '"', "9", "[{"])
def test_work_stays_linear_in_the_text(unit: str) -> None:
    """A quadratic reading of a million characters would take hours, so finishing is the assertion."""
    assert grade(unit * (1_000_000 // len(unit)), {"type": "object"}) == 0


BRANCHES = [{"properties": {"l": {"$ref": "#/$defs/n"}, "m": {"const": number}}} for number in range(3)]
AMBIGUOUS = {"$defs": {"n": {"anyOf": BRANCHES}}, "not": {"$ref": "#/$defs/n"}, "required": ["x"]}
HOSTILE: list[tuple[str, dict[str, Any]]] = [
    (json.dumps("a" * 900_000 + "b"), {"type": "string", "pattern": "^(a+)+$"}),
    (json.dumps("x" * 900_000), {"pattern": "(x+x+)+y"}),
    ('{"m":5,"l":' * 31 + "{}" + "}" * 31, AMBIGUOUS),
    (json.dumps([[number] for number in range(90_000)] + [[0]]), {"uniqueItems": True}),
    (json.dumps("a." * 400_000), {"format": "idn-hostname"}),
    (json.dumps("x" * 900_000), {"not": {"anyOf": [{"pattern": f"(x+x+)+{number}"} for number in range(1000)]}}),
]


@pytest.mark.parametrize(("completion", "schema"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_completion_ends_soon_and_pays_nothing(completion: str, schema: dict[str, Any]) -> None:
    """Backtracking or a repeated descent would take years, so finishing is the assertion."""
    assert grade(completion, schema) == 0


def test_parts_are_counted_with_references_written_out() -> None:
    assert schema_size({}) == 1
    assert schema_size({"type": "object", "required": ["a", "b"]}) == 6
    assert schema_size({"$ref": "#"}) == 2
    twice: dict[str, Any] = {"$defs": {"a/b": {"type": "string"}}, "items": {"$ref": "#/$defs/a~1b"}}
    once = schema_size(twice)
    twice["contains"] = {"$ref": "#/$defs/a%7E1b"}
    assert schema_size(twice) == once + 5

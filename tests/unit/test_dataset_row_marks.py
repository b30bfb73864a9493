"""Ids and groups, within a dataset and across two."""

import json

import msgspec
import pytest

from rft_contract.json_value import JsonValue
from rft_dataset.records import Row
from rft_dataset.row_marks import RowMarks

MESSAGES = '{"messages": [{"role": "user", "content": "q"}]'


def seen(file: str, *more: str) -> RowMarks:
    marks = RowMarks(file)
    for line, fields in enumerate(more, 1):
        marks.see(line, msgspec.json.decode(f"{MESSAGES}{fields}}}".encode(), type=Row))
    return marks


def grouped(*groups: str) -> list[str]:
    return [f', "group": {group}' for group in groups]


def leaks(first: RowMarks, second: RowMarks, prefix: str = "leak-") -> list[tuple[int, str, str]]:
    return [(finding.line, finding.code, finding.message) for finding in first.leaks_into(second, prefix=prefix)]


def test_a_group_that_is_split_apart_is_one_finding() -> None:
    train = seen("train.jsonl", *grouped('"other"', '"doc"', '"doc"'))
    held_out = seen("held_out.jsonl", *grouped('"new"', '"doc"', '"doc"', '"doc"'))
    assert leaks(train, held_out) == [
        (2, "leak-group", "the group of train.jsonl:2: 2 rows there, 3 rows here"),
    ]


@pytest.mark.parametrize(
    ("here", "there", "same"),
    [
        ("7", "7.0", True),
        ("7", '"7"', False),
        ("1", "true", False),
        (r'"\u00e9"', '"é"', True),
        ('{"book": 1, "page": 2}', '{"page": 2.0, "book": 1}', True),
        ("[1, 2]", "[2, 1]", False),
        ("null", "null", False),
        ('""', '""', False),
        ("false", "false", True),
        ("0", "0", True),
    ],
)
def test_groups_are_values(here: str, there: str, same: bool) -> None:
    found = leaks(seen("a", *grouped(here)), seen("b", *grouped(there)))
    assert [code for _, code, _ in found] == ["leak-group"] * same


def test_ids_that_two_datasets_share() -> None:
    train = seen("train.jsonl", ', "id": "a"', "", ', "id": "b"')
    validation = seen("validation.jsonl", ', "id": "c"', ', "id": "b"', ', "id": "b"')
    assert leaks(train, validation, "leak-validation-") == [(2, "leak-validation-id", "the id of train.jsonl:3")]


@pytest.mark.parametrize(
    ("ungrouped", "rows", "told"), [(0, 40, False), (1, 40, True), (2, 40, True), (3, 40, False), (40, 40, False)]
)
def test_a_group_that_was_forgotten(ungrouped: int, rows: int, told: bool) -> None:
    marks = seen("train.jsonl", *grouped(*['"g"'] * (rows - ungrouped)), *[""] * ungrouped)
    messages = [finding.message for finding in marks.findings()]
    number = f"{ungrouped} row{'s' if ungrouped > 1 else ''}"
    assert messages == [f"{number} of {rows} without a group, line {rows - ungrouped + 1} the first"] * told


def test_no_finding_quotes_the_data() -> None:
    fields = ', "id": "SECRET", "group": "SECRET"'
    found = [str(finding) for finding in seen("a", fields).leaks_into(seen("b", fields), prefix="leak-")]
    assert len(found) == 2
    assert "SECRET" not in "".join(found)


def test_facts() -> None:
    facts: dict[str, JsonValue] = {"ids": 2, "groups": 2, "largest_group": 2, "ungrouped": 1}
    rows = [', "id": "a", "group": 1', ', "id": "b", "group": 1.0', ', "id": "b"', ', "group": 2']
    assert json.loads(json.dumps(seen("a", *rows).facts())) == facts

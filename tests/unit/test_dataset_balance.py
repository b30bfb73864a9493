"""Labels and difficulties: how they are spread, and when that is said."""

import json
import random
from collections.abc import Iterable, Mapping

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.balance import Balance
from rft_dataset.records import Row


def seen(references: Iterable[JsonValue], file: str = "train.jsonl", **more: JsonValue) -> Balance:
    balance = Balance(file)
    messages: list[JsonValue] = [{"role": "user", "content": "q"}]
    for line, reference in enumerate(references, 1):
        row: JsonObject = {"messages": messages, "reference_answer": reference, **more}
        balance.see(line, msgspec.json.decode(json.dumps(row).encode(), type=Row))
    return balance


def spread(counts: Mapping[str, int] | list[int]) -> list[JsonValue]:
    named = counts if isinstance(counts, Mapping) else {f"label {place}": rows for place, rows in enumerate(counts)}
    return [label for label, rows in named.items() for _ in range(rows)]


def told(balance: Balance) -> list[tuple[str, str]]:
    return [(finding.code, finding.message) for finding in balance.findings()]


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ([100] * 6, ""),
        ([10] * 6, ""),
        ([120, 80], ""),
        ([160, 40], "the commonest (that of line 1) has 80 %, 4.0 times as many as the others on average"),
        ([70, 30], ""),
        ([60, 20, 20], ""),
        ([240, 80, 80], "the commonest (that of line 1) has 60 %, 3.0 times as many as the others on average"),
        ([50, 300, 50], "the commonest (that of line 51) has 75 %, 6.0 times as many as the others on average"),
        ([100, 100, 100, 3], "1 has fewer than 10, the rarest (that of line 301) 3"),
        ([60, 60, 60, 60, 5, 3], "2 have fewer than 10, the rarest (that of line 246) 3"),
        ([12, 10, 9, 7], ""),
    ],
)
def test_labels_that_are_unbalanced(counts: list[int], said: str) -> None:
    found = told(seen(spread(counts)))
    numbers = ", ".join(str(rows) for rows in sorted(counts, reverse=True))
    assert found == ([("unbalanced-labels", f"{len(counts)} labels with {numbers} rows: {said}")] if said else [])


def test_many_labels_are_told_in_short() -> None:
    (_, message), *_ = told(seen(spread([900, *[20] * 30])))
    assert message.startswith("31 labels with 900, 20, 20, 20, 20, 20, 20, 20, 20, 20 and 21 more rows: the commonest")


def test_labels_that_are_all_the_same() -> None:
    assert told(seen(["yes"] * 50)) == [("unbalanced-labels", "all 50 labels are the same")]


@pytest.mark.parametrize(
    ("references", "path"),
    [
        ([{"label": name, "why": str(number)} for number, name in enumerate(spread([50, 50]))], ".label"),
        ([{"category": name} for name in spread([50, 50])], ".category"),
        ([{"class": name, "answer": "x"} for name in spread([50, 50])], ".class"),
        ([True, False] * 30, ""),
        ([1, 2, 3, 4, 5] * 20, ""),
    ],
)
def test_where_labels_are_found(references: list[JsonValue], path: str) -> None:
    facts = seen(references).facts()
    assert facts["label_path"] == f"$.reference_answer{path}"
    assert facts["labels"]


@pytest.mark.parametrize(
    "references",
    [
        [str(number) for number in range(500)],
        [number % 40 for number in range(500)],
        [str(number % 40) for number in range(500)],
        ["long " * 30] * 100,
        [["a", "b"]] * 100,
        [{"steps": "a"}] * 100,
        ["a", "b", "c"],
        [None] * 100,
        [],
    ],
)
def test_references_that_are_no_labels(references: list[JsonValue]) -> None:
    balance = seen(references)
    assert told(balance) == []
    assert balance.facts() == {"label_path": None, "labels": [], "difficulties": []}


def test_labels_are_told_with_their_rows_beside_the_data_and_never_in_findings() -> None:
    balance = seen(spread({"SECRET": 160, "other": 40}), difficulty="SECRET")
    assert balance.facts()["labels"] == [
        {"value": "SECRET", "rows": 160, "line": 1},
        {"value": "other", "rows": 40, "line": 161},
    ]
    assert "SECRET" not in "".join(map(str, balance.findings()))


@pytest.mark.parametrize("field", ["difficulty", "difficulty_level"])
def test_difficulties_that_are_unbalanced(field: str) -> None:
    balance = Balance("train.jsonl")
    for line, value in enumerate(["easy"] * 96 + ["hard"] * 3 + [7], 1):
        row = {"messages": [{"role": "user", "content": "q"}], field: value}
        balance.see(line, msgspec.json.decode(json.dumps(row).encode(), type=Row))
    message = "one of 3 difficulties (that of line 1) has 96 of 100 rows"
    assert told(balance) == [("unbalanced-difficulty", message)]


def test_one_difficulty_for_all_is_a_choice() -> None:
    assert told(seen(spread([50, 50]), difficulty="hard")) == []


def shift(train: Balance, held_out: Balance) -> list[tuple[int, str]]:
    assert all(finding.code == "label-shift" for finding in train.differs_from(held_out))
    return [(finding.line, finding.message) for finding in train.differs_from(held_out)]


def test_labels_that_shift() -> None:
    train = seen(spread({"a": 300, "b": 300}))
    held_out = seen(spread({"a": 90, "b": 30}), "held_out.jsonl")
    message = "25 % of the rows would need another label to be spread like train.jsonl"
    assert shift(train, held_out) == [(0, message)]
    assert shift(train, seen(spread({"a": 33, "b": 27}))) == []


def test_labels_that_training_never_has() -> None:
    train, held_out = seen(spread({"a": 300, "b": 300})), seen(spread({"a": 29, "b": 29, "c": 2}))
    assert shift(train, held_out) == [(59, "2 rows with a label that no row of train.jsonl has")]


def test_what_is_no_label_does_not_shift() -> None:
    numbers: list[JsonValue] = [str(number) for number in range(300)]
    assert shift(seen(numbers), seen(spread([50, 50]))) == []
    assert shift(seen(spread([50, 50])), seen(numbers)) == []


def test_chance_is_no_shift() -> None:
    draw = random.Random(0)
    labels, weights = [f"label {place}" for place in range(6)], [30, 25, 20, 15, 7, 3]
    train = seen(draw.choices(labels, weights, k=600))
    found = [shift(train, seen(draw.choices(labels, weights, k=120))) for _ in range(200)]
    assert sum(map(bool, found)) <= 2


def test_even_labels_that_are_drawn_at_random_are_balanced() -> None:
    draw = random.Random(0)
    found = [told(seen(draw.choices("abcdef", k=60))) for _ in range(200)]
    assert sum(map(bool, found)) <= 4


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=12), st.lists(st.integers(1, 300), min_size=1, max_size=12))
def test_any_counts(here: list[int], there: list[int]) -> None:
    train, held_out = seen(spread(here)), seen(spread(there))
    told(train)
    assert shift(train, train) == []
    shift(train, held_out)

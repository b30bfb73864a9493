"""How the endpoint reads a dataset before training."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft_local.bedrock.dataset import DatasetUnfit, check_size, read_rows
from rft_local.bedrock.emulator_client import EmulatorClient, RoleSession
from rft_local.bedrock.s3_uri import S3Uri
from tests.unit.bedrock_bench import ROLE
from tests.unit.fakes.emulator import FakeEmulator, running

USER = {"role": "user", "content": "question"}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FakeEmulator, RoleSession]]:
    with running(FakeEmulator()) as emulator:
        yield emulator, EmulatorClient(emulator.url).session(ROLE, "arn")


def read(served: tuple[FakeEmulator, RoleSession], content: bytes) -> Any:
    emulator, session = served
    emulator.objects["/data/rows.jsonl"] = content
    return read_rows(session, S3Uri.parse("s3://data/rows.jsonl"))


def test_a_row_is_its_prompt_and_its_other_fields(served: tuple[FakeEmulator, RoleSession]) -> None:
    row = {
        "id": "row-1",
        "messages": [{"role": "system", "content": "be brief"}, USER],
        "tools": [],
        "reference_answer": {"label": "a"},
        "rft": {"row": 1},
    }
    found = read(served, json.dumps(row).encode() + b"\n")
    assert found[0].messages == row["messages"]
    assert found[0].fields == {"reference_answer": {"label": "a"}, "rft": {"row": 1}}


def test_text_parts_become_one_text(served: tuple[FakeEmulator, RoleSession]) -> None:
    parts = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
    found = read(served, json.dumps({"messages": [{"role": "user", "content": parts}]}).encode())
    assert found[0].messages == [{"role": "user", "content": "one two"}]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([], "is not a JSON object"),
        ({}, "no list of messages"),
        ({"messages": ["text"]}, "no list of messages"),
        ({"messages": [{"role": "user"}]}, "neither a text nor a list"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "a part that is not text"),
        ({"messages": [{"content": "a"}]}, "role is None"),
        ({"messages": [{"role": "assistant", "content": "a"}]}, "no user message"),
        ({"messages": [USER, {"role": "robot", "content": "a"}]}, "a message of role 'robot'"),
        ({"messages": [USER, {"role": "system", "content": "a"}]}, "a system message that is not the first"),
    ],
)
def test_a_broken_row_is_named_by_its_line(served: tuple[FakeEmulator, RoleSession], row: object, words: str) -> None:
    good = json.dumps({"messages": [USER]})
    with pytest.raises(DatasetUnfit) as raised:
        read(served, f"{good}\n{json.dumps(row)}\n".encode())
    message = str(raised.value)
    assert "Unable to parse Amazon S3 file: s3://data/rows.jsonl (line 2" in message and words in message
    assert message.endswith("Data files must conform to JSONL format.")


def test_a_dataset_that_is_not_utf8_or_not_there_is_told(served: tuple[FakeEmulator, RoleSession]) -> None:
    with pytest.raises(DatasetUnfit, match="not UTF-8"):
        read(served, b"\xff\xfe")
    with pytest.raises(DatasetUnfit, match="Could not validate GetObject permissions"):
        read_rows(served[1], S3Uri.parse("s3://data/elsewhere.jsonl"))


@pytest.mark.parametrize(("rows", "fits"), [(99, False), (100, True), (20_000, True), (20_001, False)])
def test_a_dataset_has_its_documented_size(rows: int, fits: bool) -> None:
    if fits:
        check_size(rows)
    else:
        with pytest.raises(DatasetUnfit, match=f"has {rows} records"):
            check_size(rows)


@given(st.sampled_from(["b", "my.bucket"]), st.lists(st.text("ab-", min_size=1), max_size=3), st.booleans())
def test_an_address_is_taken_apart(bucket: str, parts: list[str], slash: bool) -> None:
    uri = S3Uri.parse(f"s3://{'/'.join([bucket, *parts])}{'/' if slash else ''}")
    assert (uri.bucket, uri.key) == (bucket, "/".join(parts))
    assert uri.below("x").key == "/".join([*parts, "x"])

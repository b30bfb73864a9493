"""Every documented limit of a dataset, one rule at a time."""

import gzip
import io
import json
import tracemalloc
from pathlib import Path
from typing import Any, BinaryIO, cast
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset import validation
from rft_dataset.findings import MOST_STORED, Finding, Severity
from rft_dataset.records import Row
from rft_dataset.validation import Report, Split, validate

CASES = json.loads((Path(__file__).parents[1] / "cases" / "dataset_lines.json").read_text(encoding="utf-8"))
ALL_SPLITS: list[Split | None] = ["train", "validation", "held_out", None]
ABOUT_THE_FILE = {"too-few-rows", "few-rows", "too-many-rows", "unusual-size"}


def row(number: int, **more: JsonValue) -> JsonObject:
    messages: list[JsonValue] = [{"role": "user", "content": f"question {number}"}]
    return {"messages": messages, "reference_answer": str(number), **more}


def lines(count: int, **more: JsonValue) -> bytes:
    return b"".join(json.dumps(row(number, **more)).encode() + b"\n" for number in range(count))


def check(data: bytes, split: Split | None = "train", name: str = "train.jsonl") -> Report:
    return validate(io.BytesIO(data), name, split=split)


def codes(report: Report) -> list[tuple[int, str]]:
    return [(finding.line, finding.code) for finding in report.findings.stored if finding.code not in ABOUT_THE_FILE]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['why']}: {case['line'][:30]}")
def test_rows_of_the_table(case: dict[str, Any]) -> None:
    report = check(case["line"].encode())
    found = [[finding.code, finding.path] for finding in report.findings.stored if finding.code not in ABOUT_THE_FILE]
    assert found == case["codes"], [str(finding) for finding in report.findings.stored]


def test_a_good_dataset_has_no_findings() -> None:
    report = check(lines(300))
    assert (report.is_valid, report.rows, report.findings.stored) == (True, 300, [])


def test_every_bad_line_is_reported_with_its_number() -> None:
    good = json.dumps(row(0)).encode()
    report = check(b"\n".join([good, b"{", json.dumps(row(1)).encode(), b"", b"[1]", b"\xff", b'{"a":"\0"}']))
    assert codes(report) == [
        (2, "invalid-json"),
        (4, "blank-line"),
        (5, "schema"),
        (6, "not-utf8"),
        (7, "nul-byte"),
    ]
    assert report.rows == 6


@pytest.mark.parametrize(
    ("count", "split", "code", "valid"),
    [
        (0, "train", "empty-dataset", False),
        (0, "held_out", "empty-dataset", False),
        (99, "train", "too-few-rows", False),
        (99, None, "too-few-rows", False),
        (99, "validation", "few-rows", True),
        (99, "held_out", "few-rows", True),
        (100, "held_out", None, True),
        (100, "train", "unusual-size", True),
        (199, "train", "unusual-size", True),
        (200, "train", None, True),
        (5_000, "train", None, True),
        (5_001, "train", "unusual-size", True),
        (20_000, "train", "unusual-size", True),
        (20_001, "train", "too-many-rows", False),
        (20_001, "held_out", None, True),
    ],
)
def test_sizes(count: int, split: Split | None, code: str | None, valid: bool) -> None:
    report = check(lines(count), split)
    assert [finding.code for finding in report.findings.stored] == ([code] if code else [])
    assert report.is_valid == valid
    assert report.rows == count


def test_a_byte_order_mark_is_one_error_and_the_row_is_read() -> None:
    assert codes(check(b"\xef\xbb\xbf" + lines(2))) == [(1, "byte-order-mark")]


def test_further_byte_order_marks_are_no_json() -> None:
    assert codes(check(b"\xef\xbb\xbf" * 10_000 + lines(1))) == [(1, "byte-order-mark"), (1, "invalid-json")]


def test_utf16_is_named() -> None:
    report = check(lines(1).decode().encode("utf-16"))
    assert codes(report)[0] == (1, "nul-byte")
    assert "UTF-16" in report.findings.stored[0].message


def test_carriage_returns_are_advice() -> None:
    report = check(lines(100).replace(b"\n", b"\r\n"))
    assert report.findings.counts["carriage-return"] == 100
    assert report.is_valid


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_the_last_lines_end_is_optional(end: bytes) -> None:
    assert codes(check(lines(2).rstrip(b"\n") + end)) == []


def test_an_extra_empty_line_at_the_end_is_an_error() -> None:
    assert codes(check(lines(2) + b"\n")) == [(3, "blank-line")]


def test_a_line_that_cannot_reach_the_reward_function_is_an_error_and_the_next_is_read() -> None:
    huge = json.dumps(row(0, note="x" * 7_000_000)).encode()
    report = check(huge + b"\n{\n" + lines(1))
    assert codes(report) == [(1, "overlong-line"), (2, "invalid-json")]
    assert report.rows == 3


@pytest.mark.parametrize("nested", ['{"a":', "["])
def test_deep_nesting_is_a_finding(nested: str) -> None:
    for line in (nested * 100_000, json.dumps(row(0))[:-1] + ', "x": ' + nested * 100_000):
        report = check(line.encode())
        assert not report.is_valid
        assert {finding.line for finding in report.findings.stored if finding.severity is Severity.ERROR} == {0, 1}


def test_ids_and_prompts_that_occur_twice_name_the_first_line() -> None:
    data = [row(0, id="a"), row(1, id="b"), row(2, id="a"), row(1, id="c")]
    report = check(b"\n".join(json.dumps(item).encode() for item in data))
    assert codes(report) == [(3, "duplicate-id"), (4, "duplicate-prompt")]
    assert [finding.message for finding in report.findings.stored[:2]] == ["the id of line 1", "the prompt of line 2"]


def test_repeats_are_counted_beyond_what_is_stored_and_the_first_are_kept() -> None:
    report = check(b"".join(json.dumps(row(0, id="a")).encode() + b"\n" for _ in range(MOST_STORED + 50)))
    assert report.findings.counts["duplicate-id"] == report.findings.counts["duplicate-prompt"] == MOST_STORED + 49
    assert report.findings.severities[Severity.WARNING] == 2 * (MOST_STORED + 49)
    stored = [finding for finding in report.findings.stored if finding.code == "duplicate-prompt"]
    assert [finding.line for finding in stored] == list(range(2, MOST_STORED + 2))
    assert {finding.message for finding in stored} == {"the prompt of line 1"}


def test_findings_are_in_the_order_of_the_file_and_those_on_all_of_it_come_last() -> None:
    data = [row(0), row(0), {"messages": []}, row(1, id="a"), row(2, id=" "), row(3, id="a")]
    report = check(gzip.compress(b"\n".join(json.dumps(item).encode() for item in data)))
    assert [(finding.line, finding.code) for finding in report.findings.stored] == [
        (2, "duplicate-prompt"),
        (3, "no-messages"),
        (3, "no-reference"),
        (5, "blank-id"),
        (6, "duplicate-id"),
        (0, "compressed"),
        (0, "too-few-rows"),
    ]


def test_turns_that_spell_another_conversation_are_another_prompt() -> None:
    one: list[JsonValue] = [{"role": "user", "content": "a\nuser\nb"}]
    two: list[JsonValue] = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    data = [{"messages": turns, "reference_answer": "4"} for turns in (one, two)]
    assert codes(check(b"\n".join(json.dumps(item).encode() for item in data))) == []


def test_a_system_turn_does_not_make_another_prompt() -> None:
    system: JsonObject = {"role": "system", "content": "Be brief."}
    user: JsonObject = {"role": "user", "content": "question 0"}
    data = [row(0), {"messages": [system, user], "reference_answer": "0"}]
    assert codes(check(b"\n".join(json.dumps(item).encode() for item in data))) == [(2, "duplicate-prompt")]


def test_gzip_is_read_and_mentioned() -> None:
    report = check(gzip.compress(lines(200)))
    assert (report.rows, report.is_valid, codes(report)) == (200, True, [(0, "compressed")])


def test_gzip_in_several_members_is_one_file() -> None:
    report = check(gzip.compress(lines(100)) + gzip.compress(b"") + gzip.compress(lines(200)[len(lines(100)) :]))
    assert (report.rows, report.is_valid, codes(report)) == (200, True, [(0, "compressed")])


def test_what_follows_the_last_member_is_damage() -> None:
    report = check(gzip.compress(lines(200)) + b"more")
    assert (report.rows, codes(report)) == (200, [(0, "damaged-gzip")])


def test_lines_before_the_damage_are_checked_and_their_number_is_not() -> None:
    report = check(gzip.compress(b"[]\n" + lines(50))[:-8])
    assert [finding.code for finding in report.findings.stored] == ["schema", "damaged-gzip"]
    assert report.findings.stored[-1].message.endswith("; 51 rows came before")


class Repeated:
    """A stream of one byte, again and again."""

    def __init__(self, byte: bytes, count: int, end: bytes = b"") -> None:
        self._byte, self._left, self._end = byte, count, end

    def read(self, size: int) -> bytes:
        given = min(size, self._left)
        self._left -= given
        if given:
            return self._byte * given
        data, self._end = self._end, b""
        return data


def peak_mib(stream: BinaryIO) -> tuple[Report, float]:
    tracemalloc.start()
    try:
        report = validate(stream, "train.jsonl")
        return report, tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("byte", [b"x", b"[", b'"', b"\0", b"\xff", b" "])
def test_a_line_of_50_mb_takes_little_memory(byte: bytes) -> None:
    report, peak = peak_mib(cast(BinaryIO, Repeated(byte, 50_000_000, b"\n{\n")))
    expected = "blank-line" if byte == b" " else "overlong-line"
    assert codes(report) == [(1, expected), (2, "invalid-json")]
    assert peak < 32


def test_gzip_of_a_thousandth_of_its_size_takes_little_memory() -> None:
    data = gzip.compress(bytes(60_000_000), compresslevel=1)
    assert len(data) < 60_000_000 / 200
    report, peak = peak_mib(io.BytesIO(data))
    assert codes(report) == [(1, "overlong-line"), (0, "compressed")]
    assert peak < 32


@pytest.mark.parametrize("cut", [3, 20, -1, -9])
def test_damaged_gzip_is_a_finding(cut: int) -> None:
    report = check(gzip.compress(lines(200))[:cut])
    assert report.findings.counts["damaged-gzip"] == 1
    assert not report.is_valid


def test_counts_are_exact_beyond_what_is_stored() -> None:
    report = check(b"{\n" * (MOST_STORED + 500) + b"\n")
    stored = [finding for finding in report.findings.stored if finding.code == "invalid-json"]
    assert len(stored) == MOST_STORED
    assert report.findings.counts["invalid-json"] == report.rows == MOST_STORED + 500
    assert report.findings.severities[Severity.ERROR] == MOST_STORED + 501
    assert (MOST_STORED + 501, "blank-line") in codes(report)


def test_findings_are_one_line_with_place_and_remedy() -> None:
    report = check(b'{"messages":[{"role":"bot","content":"secret"}]}\n')
    text = str(report.findings.stored[0])
    assert text.startswith("train.jsonl:1: $.messages[0].role error schema: got bot, wanted system, developer, user, ")
    assert "; follow OpenAI's chat format" in text
    assert "secret" not in json.dumps(report.to_json())
    assert "\n" not in text


TEXT = "Ann's name, not `a role`"
TURN = {"role": "user", "content": "x"}


@pytest.mark.parametrize(
    "item",
    [
        {"messages": [{"role": TEXT, "content": "x"}]},
        {"messages": [{**TURN, TEXT: 1}]},
        {"messages": [{**TURN, "content": [{"type": TEXT, "text": TEXT}]}]},
        {"messages": [{**TURN, "content": [{"type": "text", "text": "x", TEXT: TEXT}]}]},
        {"messages": [{**TURN, "content": {TEXT: TEXT}}]},
        {"messages": TEXT},
        {"messages": [TURN], TEXT: {TEXT: 2**60}},
        {"messages": [TURN], "id": [TEXT], TEXT: 10**400},
        {"messages": [TURN], "tools": [{"type": TEXT, "function": {TEXT: TEXT}}]},
        {"messages": [TURN], TEXT: "\ud800"},
    ],
)
def test_no_text_of_the_data_is_in_a_report(item: JsonObject) -> None:
    line = json.dumps(item).encode()
    for data in (line, line[:-1], line[:-1] + b", " + line[1:], b"\xff" + line):
        report = check(data)
        assert report.findings.stored
        assert "Ann" not in json.dumps(report.to_json())


class Seen:
    """A reader that keeps lines."""

    def __init__(self) -> None:
        self.lines: list[int] = []

    def see(self, line: int, row: Row) -> None:
        assert row.messages
        self.lines.append(line)

    def findings(self) -> list[Finding]:
        return []

    def facts(self) -> JsonObject:
        return {}


def test_readers_see_the_sound_rows_in_their_order_and_no_more_than_the_first() -> None:
    data = [row(number) for number in range(6)]
    data[1]["id"] = " "
    data[2]["reference_answer"] = None
    bad: bytes = b"\n".join([b"", b"[", b'{"a":1,"a":2}', json.dumps(row(7))[:-1].encode() + b', "a": 1e999}'])
    seen = Seen()
    stream = io.BytesIO(b"\n".join([*(json.dumps(item).encode() for item in data[:4]), bad, lines(60)]))
    with mock.patch.object(validation, "MOST_EXAMINED", 20):
        report = validate(stream, "train.jsonl", readers=[seen])
    assert seen.lines == [1, 3, 4, *range(9, 22)]  # 20 rows, of which 4 are bad; line 5 is none
    (told,) = [finding for finding in report.findings.stored if finding.code == "partly-examined"]
    assert "of 67 rows the first 20" in told.message


def test_a_report_is_json() -> None:
    report = json.loads(json.dumps(check(lines(300, id=" "), "train", "a.jsonl").to_json()))
    assert len(report.pop("findings")) == 300
    assert report == {
        "file": "a.jsonl",
        "rows": 300,
        "valid": False,
        "counts": {"blank-id": 300},
        "severities": {"error": 300, "warning": 0, "advice": 0},
    }


def test_a_finding_is_json() -> None:
    (finding,) = json.loads(json.dumps(check(lines(300) + b"\n").to_json()))["findings"]
    assert finding == {
        "file": "train.jsonl",
        "line": 301,
        "path": "",
        "severity": "error",
        "code": "blank-line",
        "message": "nothing in the line",
        "fix": "remove the line; Bedrock's parser refuses empty ones",
    }


TOKENS = rb"""{ } [ ] , " null 1e999 \ud800 "messages": "role":"user", "content":" """.split()
PIECES = st.sampled_from(
    [*TOKENS, b"\n", b"\r\n", b"\xef\xbb\xbf", b"\x1f\x8b", b"\0", b"\xff", lines(1), gzip.compress(lines(1))]
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(PIECES | st.binary(max_size=8), max_size=12).map(b"".join), st.sampled_from(ALL_SPLITS))
def test_any_bytes_give_a_report(data: bytes, split: Split | None) -> None:
    report = check(data, split)
    json.dumps(report.to_json()).encode()
    assert (
        sum(report.findings.counts.values()) == sum(report.findings.severities.values()) == len(report.findings.stored)
    )


LINES = st.sampled_from([*lines(4, id="a").splitlines(), *(case["line"].encode() for case in CASES)])


@st.composite
def mutated_files(draw: st.DrawFn) -> bytes:
    """Draw files of good and bad lines, some of which have a byte removed or replaced."""
    pieces = []
    for line in draw(st.lists(LINES, min_size=1, max_size=12)):
        if line and draw(st.integers(0, 3)) == 0:
            place = draw(st.integers(0, len(line) - 1))
            line = line[:place] + draw(st.sampled_from([*TOKENS, b"", b"\r", b"\0", b"\xff"])) + line[place + 1 :]
        pieces.append(line)
    return draw(st.sampled_from([b"\n", b"\n", b"\n", b"\r\n"])).join(pieces) + draw(st.sampled_from([b"", b"\n"]))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(mutated_files())
def test_lines_checked_at_once_give_the_report_of_lines_checked_one_by_one(data: bytes) -> None:
    with mock.patch.object(validation, "MOST_EXAMINED", 0):
        at_once = check(data).to_json()
        with mock.patch.object(validation._Validation, "_check_at_once", lambda self, lines: False):
            assert check(data).to_json() == at_once


def test_sound_lines_are_checked_at_once_beyond_the_examined_ones() -> None:
    with (
        mock.patch.object(validation, "MOST_EXAMINED", 0),
        mock.patch.object(validation._Validation, "_check_line", side_effect=AssertionError),
    ):
        assert codes(check(lines(300))) == [(0, "partly-examined")]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.text(min_size=1).filter(str.strip),
    (st.text() | st.dictionaries(st.text(max_size=4), JSON_VALUES)).filter(
        lambda value: json.dumps(value).strip('"{} ')
    ),
    st.dictionaries(st.sampled_from(["task_id", "domain", "ground_truth"]), JSON_VALUES),
)
def test_every_legal_row_is_accepted(text: str, reference: JsonValue, extra: JsonObject) -> None:
    line = json.dumps({"messages": [{"role": "user", "content": text}], "reference_answer": reference, **extra})
    assert codes(check(line.encode())) == []

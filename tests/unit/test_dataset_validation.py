"""Every documented limit of a dataset, one rule at a time."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.findings import MOST_STORED, Severity
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


def test_a_system_turn_does_not_make_another_prompt() -> None:
    system: JsonObject = {"role": "system", "content": "Be brief."}
    user: JsonObject = {"role": "user", "content": "question 0"}
    data = [row(0), {"messages": [system, user], "reference_answer": "0"}]
    assert codes(check(b"\n".join(json.dumps(item).encode() for item in data))) == [(2, "duplicate-prompt")]


def test_gzip_is_read_and_mentioned() -> None:
    report = check(gzip.compress(lines(200)))
    assert (report.rows, report.is_valid, codes(report)) == (200, True, [(0, "compressed")])


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
    assert text.startswith("train.jsonl:1: $.messages[0].role error schema: ")
    assert "; follow OpenAI's chat format" in text
    assert "secret" not in json.dumps(report.to_json())
    assert "\n" not in text


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


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.text(min_size=1).filter(str.strip),
    JSON_VALUES.filter(lambda value: value not in (None, "")),
    st.dictionaries(st.sampled_from(["task_id", "domain", "ground_truth"]), JSON_VALUES),
)
def test_every_legal_row_is_accepted(text: str, reference: JsonValue, extra: JsonObject) -> None:
    line = json.dumps({"messages": [{"role": "user", "content": text}], "reference_answer": reference, **extra})
    assert codes(check(line.encode())) == []

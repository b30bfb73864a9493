"""Bedrock's invocation logs as prompts of a dataset."""

import gzip
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_dataset.invocation_log import LoggedPrompt, is_log, read_log
from rft_dataset.log_selection import Condition, LogFilter, check_stratify, prompt_key, stratum
from rft_dataset.prompt_template import UnknownTemplate, turns_of_text
from rft_dataset.validation import validate

CASES = Path(__file__).parents[1] / "cases" / "invocation_logs"
PROMPTS = json.loads((CASES / "prompts.json").read_text())
LEFT_OUT = json.loads((CASES / "left_out.json").read_text())


def record(case: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": "2026-01-01T00:00:00Z",
        "accountId": "123456789012",
        "identity": {"arn": "arn:aws:iam::123456789012:user/someone"},
        "region": "us-east-1",
        "requestId": "r-1",
        "operation": case["operation"],
        "modelId": case["model"],
        "input": {"inputContentType": "application/json", "inputBodyJson": case["body"], "inputTokenCount": 12},
        "output": {"outputContentType": "application/json", "outputBodyJson": {}, "outputTokenCount": 5},
        **more,
    }


def read(*lines: bytes) -> tuple[list[LoggedPrompt], Counter[str]]:
    tally: Counter[str] = Counter()
    return list(read_log(io.BytesIO(b"\n".join(lines)), tally=tally)), tally


def line(value: Any) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("case", PROMPTS, ids=lambda case: case["name"])
def test_a_request_becomes_a_prompt(case: dict[str, Any]) -> None:
    (prompt,), tally = read(line(record(case, requestMetadata={"team": "parcels"})))
    assert not tally
    assert prompt.messages == case["messages"]
    assert prompt.tools == case.get("tools")
    assert (prompt.request_id, prompt.model, prompt.operation) == ("r-1", case["model"], case["operation"])
    assert (prompt.metadata, prompt.input_tokens) == ({"team": "parcels"}, 12)


def test_rows_are_sound_but_for_their_references() -> None:
    prompts, _ = read(*(line(record(case, requestId=f"r-{place}")) for place, case in enumerate(PROMPTS)))
    rows = b"\n".join(msgspec.json.encode(prompt.row()) for prompt in prompts)
    report = validate(io.BytesIO(rows), "rows.jsonl", split="held_out")
    described = {"bad-tools"}  # OpenAI's functions need no description, a row's do
    assert set(report.findings.counts) <= {"no-reference", "few-rows", "duplicate-prompt"} | described
    assert report.findings.counts["no-reference"] == len(PROMPTS)
    assert report.findings.counts["bad-tools"] == 1


@pytest.mark.parametrize("case", LEFT_OUT, ids=lambda case: f"{case['reason']}: {case['name']}")
def test_what_is_no_prompt_is_counted_by_its_reason(case: dict[str, Any]) -> None:
    good = line(record(PROMPTS[0]))
    prompts, tally = read(good, line(case["record"]), good)
    assert len(prompts) == 2
    assert tally == {case["reason"]: 1}


DEEP = b'{"input": {"inputBodyJson": ' + b"[" * 100_000


@pytest.mark.parametrize("bad", [b"{", b"\xff\xfe{", b'{"a": "\\ud800"}', DEEP, b"\0", b"nonsense"])
def test_lines_that_are_no_json_are_counted(bad: bytes) -> None:
    prompts, tally = read(line(record(PROMPTS[0])), bad, b"", b"  ")
    assert len(prompts) == 1
    assert tally == {"not-json": 1}


def test_gzip_is_read_and_its_missing_end_is_counted() -> None:
    lines = b"\n".join(line(record(PROMPTS[0], requestId=str(number))) for number in range(5000))
    packed = gzip.compress(lines)
    assert len(read(packed)[0]) == 5000
    prompts, tally = read(packed[: len(packed) // 2])
    assert 0 < len(prompts) < 5000
    assert tally["damaged-gzip"] == 1


def test_an_overlong_line_is_counted() -> None:
    prompts, tally = read(b'{"a": "' + b"x" * (7 << 20) + b'"}', line(record(PROMPTS[0])))
    assert len(prompts) == 1
    assert tally == {"overlong-line": 1}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "role",
                        "content",
                        "text",
                        "type",
                        "messages",
                        "system",
                        "tools",
                        "toolConfig",
                        "toolUse",
                        "toolResult",
                        "prompt",
                        "inputText",
                        "function",
                        "name",
                        "json",
                        "guardContent",
                        "tool_calls",
                        "toolSpec",
                    ]
                )
                | st.text(max_size=3),
                inner | st.sampled_from(["user", "assistant", "tool", "text", "tool_use"]),
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
@settings(max_examples=200, derandomize=True)
def test_no_body_raises_and_every_prompt_is_a_row(body: Any) -> None:
    prompts, tally = read(line(record({**PROMPTS[0], "body": body})))
    assert len(prompts) + tally.total() == 1
    for prompt in prompts:
        report = validate(io.BytesIO(msgspec.json.encode(prompt.row())), "row", split="held_out")
        assert not report.findings.errors or set(report.findings.counts) & {"bad-tools"}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("AWSLogs/1/BedrockModelInvocationLogs/us-east-1/2026/01/01/00/20260101T000000000Z_a.json.gz", True),
        ("AWSLogs/1/BedrockModelInvocationLogs/us-east-1/2026/01/01/00/data/r-1_input.json.gz", False),
        ("AWSLogs/1/BedrockModelInvocationLogs/amazon-bedrock-logs-permission-check", False),
        ("data/logs/a.json", True),
        ("a.json", True),
        ("folder/", False),
    ],
)
def test_bodies_and_checks_of_permissions_are_no_logs(key: str, expected: bool) -> None:
    assert is_log(key) is expected


def prompt(text: str = "Hi", *, system: str = "", model: str = "m", **metadata: str) -> LoggedPrompt:
    turns: list[dict[str, object]] = [{"role": "system", "content": system}] if system else []
    asked: list[dict[str, object]] = [{"role": "user", "content": text}]
    return LoggedPrompt(request_id="r", model=model, operation="Converse", messages=turns + asked, metadata=metadata)


TEAM, NOT_DEV = Condition("team", "parcels"), Condition("stage", "dev", equals=False)


@pytest.mark.parametrize(
    ("wanted", "metadata", "expected"),
    [
        (LogFilter(), {}, True),
        (LogFilter(any_of=True), {}, True),
        (LogFilter(conditions=(TEAM,)), {"team": "parcels"}, True),
        (LogFilter(conditions=(TEAM,)), {"team": "other"}, False),
        (LogFilter(conditions=(TEAM,)), {}, False),
        (LogFilter(conditions=(NOT_DEV,)), {"stage": "dev"}, False),
        (LogFilter(conditions=(NOT_DEV,)), {}, True),
        (LogFilter(conditions=(TEAM, NOT_DEV)), {"team": "parcels", "stage": "dev"}, False),
        (LogFilter(conditions=(TEAM, NOT_DEV), any_of=True), {"team": "parcels", "stage": "dev"}, True),
        (LogFilter(conditions=(TEAM, NOT_DEV), any_of=True), {"team": "x", "stage": "dev"}, False),
    ],
)
def test_prompts_are_chosen_by_their_metadata(wanted: LogFilter, metadata: dict[str, str], expected: bool) -> None:
    assert wanted.accepts(prompt(**metadata)) is expected
    assert msgspec.json.decode(msgspec.json.encode(wanted), type=LogFilter) == wanted


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("amazon.nova-2-lite-v1:0", True),
        ("us.amazon.nova-2-lite-v1:0", True),
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-lite-v1:0", True),
        ("amazon.nova-lite-v1:0", False),
        ("xamazon.nova-2-lite-v1:0", False),
    ],
)
def test_a_model_stands_for_its_profiles(model: str, expected: bool) -> None:
    assert LogFilter(model="amazon.nova-2-lite-v1:0").accepts(prompt(model=model)) is expected


def test_strata_hold_no_text_of_prompts() -> None:
    asked = prompt("canary" * 10, system="canary", model="nova", team="parcels")
    expected = {"model": "nova", "length": "128", "metadata:team": "parcels", "metadata:stage": "(none)", None: "all"}
    assert {by: stratum(asked, by) for by in expected} == expected
    assert "canary" not in stratum(asked, "system")
    assert stratum(asked, "system") == stratum(prompt("other", system="canary"), "system")
    assert stratum(prompt(), "system") == "(none)"


@pytest.mark.parametrize("by", ["", "metadata:", "team"])
def test_unknown_strata_are_refused(by: str) -> None:
    with pytest.raises(ValueError, match="wanted metadata:KEY, model, length or system"):
        check_stratify(by)


def test_duplicates_share_a_key() -> None:
    assert prompt_key(prompt("Where  is\nIT?")) == prompt_key(prompt("where is it?", system="Be brief."))
    assert prompt_key(prompt("Where is it?")) != prompt_key(prompt("Where was it?"))


def test_opening_marks_without_an_end_are_refused_at_once() -> None:
    """Each of them was once looked behind to the end of the text: minutes, for one record."""
    assert list(turns_of_text("[INST] ask [/INST] said")) == [("user", "ask"), ("assistant", "said")]
    with pytest.raises(UnknownTemplate):
        list(turns_of_text("[INST]" * 200_000))

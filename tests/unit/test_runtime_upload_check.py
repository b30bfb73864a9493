"""A dataset that arrives is checked, whatever the order of the events."""

import gzip
import importlib
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.layout import DATASET_SUFFIXES, SPLIT_METADATA, dataset_key, report_key
from rft_contract.outcomes import RunFailed, Transient
from rft_contract.version import VERSION
from rft_runtime import upload_check
from rft_runtime.upload_check import UploadReport, check_upload
from tests.unit.fakes.account import BUCKET
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.recipe import dataset
from tests.unit.fakes.service_models import aws_error

KEY = dataset_key("0" * 64, "train.jsonl")
CANARY = "zanzibarine"


def arrived(body: bytes, split: str | None = "train") -> FakeAws:
    aws = FakeAws()
    put(aws, body, split)
    return aws


def put(aws: FakeAws, body: bytes, split: str | None = "train") -> None:
    aws.s3.put(KEY, body)
    aws.s3.metadata[KEY] = {} if split is None else {SPLIT_METADATA: split}


def stored(aws: FakeAws) -> Any:
    return json.loads(aws.s3.objects[report_key(KEY)])


def test_a_report_lies_beside_the_dataset() -> None:
    aws = arrived(dataset("train", 120))
    report = check_upload(aws.platform(), KEY)
    assert report is not None
    found = stored(aws)
    assert msgspec.convert(found, UploadReport) == report
    assert found["address"] == f"s3://{BUCKET}/{KEY}"
    assert (found["etag"], found["version"], found["size"]) == ("1", "v1", len(aws.s3.objects[KEY]))
    assert (found["split"], found["rows"], found["valid"], found["problem"]) == ("train", 120, True, None)
    assert (found["environment"], found["platform_version"], found["schema_version"]) == ("dev", VERSION, 1)
    assert found["severities"]["error"] == 0
    assert [entry.partition(":")[0] for entry in found["not_checked"]] == ["leakage", "steps"]


def test_a_bad_dataset_is_reported_line_by_line() -> None:
    body = dataset("train", 120).replace(b'"train ticket number 41: where is my money?"', CANARY.encode())
    aws = arrived(gzip.compress(body))
    report = check_upload(aws.platform(), KEY)
    assert report is not None
    assert not report.valid
    assert report.problem is None
    (finding,) = [finding for finding in report.findings if finding.severity == "error"]
    assert (finding.file, finding.line, finding.code) == ("train.jsonl", 42, "invalid-json")
    assert CANARY not in json.dumps(stored(aws))


@pytest.mark.parametrize(
    ("split", "told", "valid"),
    [
        ("train", "train", False),
        ("validation", "validation", True),
        ("held_out", "held_out", True),
        ("guard-tone", "guard-tone", True),
        (None, None, False),
        ("test", None, False),
    ],
)
def test_the_split_in_the_metadata_decides_about_the_size(split: str | None, told: str | None, valid: bool) -> None:
    report = check_upload(arrived(dataset("any", 30), split).platform(), KEY)
    assert report is not None
    assert (report.split, report.valid) == (told, valid)
    assert any(entry.startswith("split:") for entry in report.not_checked) == (told is None)


@pytest.mark.parametrize(
    "body", [b"", b"\n", b"\x1f\x8b", gzip.compress(b"{}\n", mtime=0)[:-9], b"\xff\xfe\x00", b"[" * 100_000]
)
def test_damaged_data_are_findings(body: bytes) -> None:
    report = check_upload(arrived(body).platform(), KEY)
    assert report is not None
    assert not report.valid


def test_an_event_that_comes_twice_writes_once() -> None:
    aws = arrived(dataset("train", 100))
    assert check_upload(aws.platform(), KEY) is not None
    assert check_upload(aws.platform(), KEY) is None
    assert aws.s3.versions[report_key(KEY)] == 1


def test_another_version_of_the_platform_checks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = arrived(dataset("train", 100))
    check_upload(aws.platform(), KEY)
    monkeypatch.setattr(upload_check, "VERSION", "9")
    assert check_upload(aws.platform(), KEY) is not None


@pytest.mark.parametrize("there", [b"", b"[]", b'{"etag": 1}'])
def test_whatever_stands_in_the_reports_place_is_replaced(there: bytes) -> None:
    aws = arrived(dataset("train", 100))
    aws.s3.put(report_key(KEY), there)
    assert check_upload(aws.platform(), KEY) is not None
    assert stored(aws)["valid"]


def test_a_dataset_that_is_gone_gets_no_report() -> None:
    aws = FakeAws()
    assert check_upload(aws.platform(), KEY) is None
    assert not aws.s3.objects


@given(moments=st.lists(st.integers(1, 8), min_size=1, max_size=3), second=st.booleans())
@settings(max_examples=60)
def test_the_last_report_is_of_the_newest_version(moments: list[int], second: bool) -> None:
    """New versions arrive, each checked by its own event, at any step of an older check."""
    aws = arrived(dataset("train", 100))
    steps = 0
    written = 0

    def step(original: Callable[..., Any]) -> Callable[..., Any]:
        def called(**request: Any) -> Any:
            nonlocal steps, written
            steps += 1
            if steps in moments and written < len(moments):
                written += 1
                put(aws, dataset("train", 100 + written))
                if second:
                    check_upload(aws.platform(), KEY)
            return original(**request)

        return called

    for operation in ("head_object", "get_object"):
        setattr(aws.s3, operation, step(getattr(aws.s3, operation)))
    check_upload(aws.platform(), KEY)
    newest = f"v{aws.s3.versions[KEY]}"
    if report_key(KEY) in aws.s3.objects:
        assert stored(aws)["version"] == newest or not second
    moments.clear()
    check_upload(aws.platform(), KEY)
    assert stored(aws)["version"] == newest
    assert stored(aws)["rows"] == 100 + written


def test_a_replaced_version_gets_no_report() -> None:
    aws = arrived(dataset("train", 100))
    original = aws.s3.get_object

    def get_object(**request: Any) -> dict[str, Any]:
        answer = original(**request)
        if request["Key"] == KEY:
            put(aws, dataset("train", 101))
        return answer

    aws.s3.get_object = get_object  # type: ignore[method-assign]
    assert check_upload(aws.platform(), KEY) is None
    assert report_key(KEY) not in aws.s3.objects


def test_a_report_that_others_keep_writing_is_worth_a_retry() -> None:
    aws = arrived(dataset("train", 100))
    meddling = False

    def meddle(key: str) -> None:
        nonlocal meddling
        if key == report_key(KEY) and not meddling:
            meddling = True
            aws.s3.put(key, b"{}")
            meddling = False

    aws.s3.on_put = meddle
    with pytest.raises(Transient, match="changed 10 times"):
        check_upload(aws.platform(), KEY)


def test_what_cannot_be_read_to_its_end_is_said_in_the_report() -> None:
    aws = arrived(dataset("train", 100))
    report = check_upload(aws.platform(), KEY, seconds=0)
    assert report is not None
    assert not report.valid
    assert report.problem is not None
    assert "not read to its end" in report.problem
    assert stored(aws)["problem"] == report.problem


@pytest.mark.parametrize(("operation", "code"), [("head_object", "403"), ("get_object", "AccessDenied")])
def test_a_refused_read_is_an_error_of_the_platform(operation: str, code: str) -> None:
    aws = arrived(dataset("train", 100))
    original = getattr(aws.s3, operation)

    def refuse(**request: Any) -> Any:
        if request["Key"] == KEY:
            raise aws_error(code, operation, 403)
        return original(**request)

    setattr(aws.s3, operation, refuse)
    with pytest.raises(RunFailed, match=rf"^upload: s3://{BUCKET}/{KEY}: .*kms:Decrypt"):
        check_upload(aws.platform(), KEY)


@pytest.mark.parametrize("suffix", DATASET_SUFFIXES)
def test_reports_look_like_no_dataset(suffix: str) -> None:
    assert not report_key(f"datasets/a/train{suffix}").endswith(DATASET_SUFFIXES)


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def test_the_handler_logs_one_line_of_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = arrived(dataset("train", 100).replace(b"billing", CANARY.encode()) + b"{}\n")
    module = importlib.import_module("rft_handlers.check_upload")
    monkeypatch.setattr(module, "here", aws.platform)
    event = {"source": "aws.s3", "detail": {"bucket": {"name": BUCKET}, "object": {"key": KEY, "size": 1}}}
    for expected in (True, False):
        assert module.handler(event, Context()) is None
        (line,) = capsys.readouterr().out.splitlines()
        logged = json.loads(line)
        assert (logged["dataset"], logged["reported"]) == (KEY, expected)
        assert CANARY not in line
        if expected:
            assert (logged["rows"], logged["valid"], logged["codes"]["schema"]) == (101, False, 1)


def test_reports_name_the_version_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION

"""Validate: what it writes, and how reading that goes wrong ends."""

import gzip
import hashlib
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.error import URLError

import pytest
from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError
from botocore.response import StreamingBody
from hypothesis import given, settings
from hypothesis import strategies as st
from urllib3.exceptions import SSLError

from rft_contract.layout import RunKeys, dataset_key
from rft_contract.naming import reward_alias
from rft_contract.outcomes import InvalidDataset, RunFailed, Transient
from rft_dataset.findings import MOST_STORED
from rft_runtime.run_record import RunRecord
from rft_runtime.validation import validate
from tests.unit.fakes.account import BUCKET, EXECUTION, RESOURCES, REWARD_FUNCTION
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.recipe import dataset, recipe_json, upload
from tests.unit.fakes.service_models import aws_error

RUN = "tickets-1"
KEYS = RunKeys(RUN)
TRAIN = "datasets/train/train.jsonl"
HELD_OUT = "datasets/held_out/held_out.jsonl"
CANARY = "zanzibarine"


def planned(**recipe: Any) -> FakeAws:
    """A run whose datasets lie in the bucket and that Plan has let pass."""
    aws = FakeAws()
    upload(aws)
    aws.functions.create_alias(FunctionName=REWARD_FUNCTION, Name=reward_alias(RUN), FunctionVersion="7")
    record = RunRecord(
        run_id=RUN,
        environment="dev",
        execution_arn=EXECUTION + RUN,
        started=datetime.now(UTC),
        recipe=recipe_json(**recipe),
        resources=RESOURCES.to_json(),
    )
    aws.platform().runs.create(record)
    return aws


class BreaksOff(io.RawIOBase):
    """A body that hands out a part of its bytes and then fails."""

    def __init__(self, body: bytes, after: int, error: Exception) -> None:
        self._left = io.BytesIO(body[:after])
        self._error = error

    def read(self, size: int = -1) -> bytes:
        if data := self._left.read(size):
            return data
        raise self._error


def opens(aws: FakeAws, key: str, make: Callable[[bytes], Any]) -> None:
    """Let reading a key answer with another body, or raise."""
    original = aws.s3.get_object

    def get_object(*, Bucket: str, Key: str, **options: Any) -> dict[str, Any]:
        answer = original(Bucket=Bucket, Key=Key, **options)
        return {**answer, "Body": make(answer["Body"].read())} if Key == key else answer

    aws.s3.get_object = get_object  # type: ignore[method-assign]


def test_what_was_read_is_noted() -> None:
    aws = planned()
    record = validate(aws.platform(), RUN)
    assert {split: use.rows for split, use in record.datasets.items()} == {"train": 100, "held_out": 100}
    findings = json.loads(aws.s3.objects[KEYS.findings])
    assert findings["valid"] is True
    assert set(findings["datasets"]) == {"train", "held_out"}


@pytest.mark.parametrize(
    "error",
    [
        ResponseStreamingError(error="reset"),
        ReadTimeoutError(endpoint_url="https://s3"),
        IncompleteReadError(actual_bytes=10, expected_bytes=20),
        SSLError("record layer failure"),
    ],
    ids=lambda error: type(error).__name__,
)
@given(after=st.integers(0, 20_000), compressed=st.booleans())
@settings(max_examples=20)
def test_a_body_that_breaks_off_is_worth_a_retry(error: Exception, after: int, compressed: bool) -> None:
    aws = planned()
    if compressed:
        aws.s3.put(HELD_OUT, gzip.compress(aws.s3.objects[HELD_OUT]))
    opens(aws, HELD_OUT, lambda body: BreaksOff(body, after, error))
    with pytest.raises(Transient, match=rf"^datasets.held_out: s3://{BUCKET}/{HELD_OUT}: reading broke off: "):
        validate(aws.platform(), RUN)
    assert KEYS.findings not in aws.s3.objects


def test_a_body_shorter_than_s3_announced_is_worth_a_retry() -> None:
    """A line that is cut is no finding when the object itself is whole."""
    aws = planned()
    opens(aws, TRAIN, lambda body: StreamingBody(io.BytesIO(body[:-500]), len(body)))
    with pytest.raises(Transient, match="reading broke off: IncompleteReadError"):
        validate(aws.platform(), RUN)


@pytest.mark.parametrize(
    ("code", "status", "ends", "words"),
    [
        ("NoSuchKey", 404, InvalidDataset, "the object is gone; upload it again"),
        ("InvalidObjectState", 403, InvalidDataset, "the object is archived; restore it"),
        ("AccessDenied", 403, RunFailed, "needs s3:GetObject on the object and kms:Decrypt on its key"),
        ("KMS.DisabledException", 400, RunFailed, "the key must be enabled"),
        ("SlowDown", 503, Transient, "SlowDown"),
        ("InvalidBucketName", 400, RunFailed, "GetObject: InvalidBucketName"),
    ],
)
def test_a_refused_read_says_which_dataset_and_what_to_do(
    code: str, status: int, ends: type[Exception], words: str
) -> None:
    def refuse(body: bytes) -> Any:
        raise aws_error(code, "GetObject", status)

    aws = planned()
    opens(aws, TRAIN, refuse)
    with pytest.raises(ends, match=rf"^datasets.train: s3://{BUCKET}/{TRAIN}: ") as refusal:
        validate(aws.platform(), RUN)
    assert type(refusal.value) is ends
    assert words in str(refusal.value)


def test_a_dataset_that_takes_too_long_ends_the_run_by_name() -> None:
    with pytest.raises(InvalidDataset, match="not read to its end in 0 s; make it smaller"):
        validate(planned().platform(), RUN, seconds=0)


def test_a_dataset_is_opened_when_its_turn_comes() -> None:
    """A connection that waits for its turn is one that S3 closes."""
    aws = planned()
    order: list[str] = []
    for key in (TRAIN, HELD_OUT):

        def noted(body: bytes, key: str = key) -> Any:
            order.append(f"opened {key}")
            return Noting(body, lambda: order.append(f"ended {key}"))

        opens(aws, key, noted)
    validate(aws.platform(), RUN)
    assert list(dict.fromkeys(order)) == [f"{what} {key}" for key in (TRAIN, HELD_OUT) for what in ("opened", "ended")]


class Noting(io.BytesIO):
    def __init__(self, body: bytes, at_end: Callable[[], None]) -> None:
        super().__init__(body)
        self._at_end = at_end

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if not data:
            self._at_end()
        return data


def test_findings_of_20_000_bad_rows_are_counted_and_bounded() -> None:
    aws = planned()
    bad = {"messages": [{"role": "user", "content": " "}, {"role": "assistant", "content": CANARY}], "id": ""}
    aws.s3.put(TRAIN, f"{json.dumps(bad)}\n".encode() * 20_000)
    with pytest.raises(InvalidDataset) as refusal:
        validate(aws.platform(), RUN)
    body = aws.s3.objects[KEYS.findings]
    train = json.loads(body)["datasets"]["train"]
    assert train["rows"] == 20_000
    for code in ("blank-content", "answered-prompt", "blank-id"):
        assert train["counts"][code] == 20_000
    assert max(map(len, _by_code(train["findings"]).values())) == MOST_STORED
    assert len(body) < 5_000_000
    assert len(str(refusal.value)) < 2_000
    assert f"more in s3://{BUCKET}/{KEYS.findings}" in str(refusal.value)
    assert CANARY not in body.decode() + str(refusal.value)


def _by_code(findings: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    grouped: dict[str, list[dict[str, Any]]] = {}
    for finding in findings:
        grouped.setdefault(finding["code"], []).append(finding)
    return grouped


@pytest.mark.parametrize(
    "line",
    [
        json.dumps({"messages": [{"role": f"where is my {CANARY}?", "content": "user"}]}),
        json.dumps({"messages": [{"role": "user", "content": {CANARY: 1}}]}),
        json.dumps({"messages": [{"role": "user", "content": [{"type": "image", "text": CANARY}]}]}),
        json.dumps({"messages": [{"role": "user", "content": CANARY}, {"role": "assistant", "content": CANARY}]}),
        json.dumps({"messages": [{"role": "user", "content": CANARY}], "id": [CANARY]}),
        f'{{"messages": [{{"role": "user", "content": "{CANARY}',
        CANARY,
    ],
)
def test_no_text_of_the_data_is_in_the_reason(line: str) -> None:
    aws = planned()
    aws.s3.put(TRAIN, aws.s3.objects[TRAIN] + f"{line}\n{line}\n".encode())
    with pytest.raises(InvalidDataset) as refusal:
        validate(aws.platform(), RUN)
    assert CANARY not in str(refusal.value)
    assert "train.jsonl:101" in str(refusal.value)


def test_prompts_are_held_against_the_reward_that_is_deployed() -> None:
    aws = planned()
    validate(aws.platform(), RUN)
    train = json.loads(aws.s3.objects[KEYS.findings])["datasets"]["train"]
    assert train["facts"]["alignment"]["prompts"] == 100
    assert train["counts"]["unclear-form"] >= 1


def test_a_reward_that_says_not_what_it_is_made_of_is_left_to_certify() -> None:
    aws = planned()
    aws.functions.spec = None
    validate(aws.platform(), RUN)
    assert "unclear-form" not in json.loads(aws.s3.objects[KEYS.findings])["datasets"]["train"]["counts"]


def test_code_that_cannot_be_downloaded_is_worth_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise URLError("reset")

    monkeypatch.setattr("urllib.request.OpenerDirector.open", refuse)
    with pytest.raises(Transient, match="code could not be downloaded"):
        validate(planned().platform(), RUN)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_dataset_that_was_replaced_under_its_hash_is_refused(replaced: bool) -> None:
    body = dataset("train", 100)
    key = dataset_key(hashlib.sha256(body).hexdigest(), "train.jsonl")
    aws = planned(datasets={"train": f"s3://{BUCKET}/{key}", "held_out": f"s3://{BUCKET}/{HELD_OUT}"})
    aws.s3.put(key, body + (b"" if not replaced else dataset("more", 1)))
    if replaced:
        with pytest.raises(
            InvalidDataset, match=r"datasets\.train: s3://\S+ was replaced: its key names other content"
        ):
            validate(aws.platform(), RUN)
    else:
        assert validate(aws.platform(), RUN).datasets["train"].sha256 in key

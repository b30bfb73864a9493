"""A dataset that is put into the deployed bucket gets its report beside it, and no report starts another check."""

import gzip
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rft_cli.dataset_upload import upload
from rft_cli.environment import Environment, open_environment
from rft_contract.layout import SPLIT_METADATA, report_key
from rft_local.lifecycle import down
from rft_local.project import Project
from tests.embedded.checkout import check_out

ROOT = Path(__file__).parents[2]
PORT = 4890
CANARY = "zanzibarine"

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.model,
    pytest.mark.skipif(not Project(ROOT).cdk.exists(), reason="needs `make setup`"),
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, assembly: Path) -> Iterator[Environment]:
    """The app's own stack, deployed."""
    project = check_out(tmp_path_factory.mktemp("checkout"), assembly=assembly)
    command = [sys.executable, "-m", "rft_cli.main", "local", "up", "--port", str(PORT)]
    try:
        up = subprocess.run(command, cwd=project.root, capture_output=True, text=True, timeout=300, check=False)
        assert up.returncode == 0, up.stderr
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(project.root)
            yield open_environment("local", None)
    finally:
        down(project)


def rows(count: int, split: str) -> bytes:
    lines = [
        {
            "messages": [{"role": "user", "content": f"{split} {number}: where is my {CANARY}?"}],
            "reference_answer": "billing",
        }
        for number in range(count)
    ]
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def put(environment: Environment, key: str, body: bytes, **metadata: str) -> str:
    """Put an object and return its version."""
    bucket = environment.outputs.bucket
    return str(environment.aws.s3.put_object(Bucket=bucket, Key=key, Body=body, Metadata=metadata)["VersionId"])


def reported(environment: Environment, key: str, version: str | None = None, seconds: float = 30) -> dict[str, Any]:
    """Wait for the report on a dataset, of one version when that is given."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = environment.bucket.find(report_key(key))
        if found is not None:
            report: dict[str, Any] = json.loads(found[0])
            if version in (None, report["version"]):
                return report
        time.sleep(0.2)
    raise AssertionError(f"no report on {key} in {seconds:g} s")


def logged(environment: Environment) -> list[str]:
    """Everything that the checking function logged."""
    logs = environment.aws.session.client("logs", endpoint_url=environment.aws.endpoint, config=environment.aws.config)
    return [
        event["message"]
        for page in logs.get_paginator("describe_log_groups").paginate()
        for group in page["logGroups"]
        if "DatasetChecks" in group["logGroupName"]
        for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
    ]


def test_what_the_command_uploads_is_checked_for_its_split(environment: Environment, tmp_path: Path) -> None:
    path = tmp_path / "held out.jsonl"
    path.write_bytes(rows(20, "held_out"))
    address = upload(environment, path, split="held_out")
    report = reported(environment, environment.bucket.key_of(address))
    assert (report["address"], report["split"], report["rows"], report["valid"]) == (address, "held_out", 20, True)
    assert report["environment"] == "local"


def test_a_bad_dataset_is_reported_line_by_line(environment: Environment) -> None:
    lines = rows(120, "train").splitlines()
    lines[41], lines[77] = b"{", b"\xff" + CANARY.encode()
    key = "datasets/by-hand/train.jsonl.gz"
    put(environment, key, gzip.compress(b"\n".join(lines)), **{SPLIT_METADATA: "train"})
    report = reported(environment, key)
    errors = [(found["line"], found["code"]) for found in report["findings"] if found["severity"] == "error"]
    assert errors == [(42, "invalid-json"), (78, "not-utf8")]
    assert (report["rows"], report["valid"], report["severities"]["error"]) == (120, False, 2)


def test_a_new_version_gets_a_new_report(environment: Environment) -> None:
    key = "datasets/by-hand/versions.jsonl"
    first = put(environment, key, b"{}\n")
    assert not reported(environment, key, first)["valid"]
    second = put(environment, key, rows(100, "versions"))
    report = reported(environment, key, second)
    assert (report["valid"], report["split"]) == (True, None)


def test_other_objects_and_reports_start_nothing(environment: Environment) -> None:
    """What was logged is one line a version of a dataset, and each dataset has the versions of its report to match."""
    for key in ("datasets/by-hand/uses.json", "certificates/x/cases.json", "runs/x/data/train.jsonl"):
        put(environment, key, b"{}\n")
    last = "datasets/by-hand/last.jsonl"
    put(environment, last, b"{}\n")
    reported(environment, last)
    time.sleep(2)
    pages = environment.aws.s3.get_paginator("list_object_versions").paginate(Bucket=environment.outputs.bucket)
    keys = [version["Key"] for page in pages for version in page.get("Versions", [])]
    datasets = [key for key in keys if key.startswith("datasets/") and key.endswith((".jsonl", ".jsonl.gz"))]
    assert sorted(key for key in keys if key.endswith(".report.json")) == sorted(map(report_key, datasets))
    told = [json.loads(line) for line in logged(environment) if line.startswith("{")]
    assert sorted(line["dataset"] for line in told) == sorted(datasets)
    assert all(line["reported"] for line in told)


def test_what_cannot_be_read_waits_in_the_dead_letters(environment: Environment) -> None:
    s3, bucket = environment.aws.s3, environment.outputs.bucket
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    denial = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/datasets/denied/*",
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({**policy, "Statement": [*policy["Statement"], denial]}))
    put(environment, "datasets/denied/train.jsonl", rows(100, "denied"))
    aws = environment.aws
    sqs = aws.session.client("sqs", endpoint_url=aws.endpoint, config=aws.config)
    (queue,) = [url for url in sqs.list_queues()["QueueUrls"] if "DatasetChecks" in url]
    found = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=15)["Messages"]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    (letter,) = [json.loads(message["Body"]) for message in found]
    assert letter["requestPayload"]["detail"]["object"]["key"] == "datasets/denied/train.jsonl"
    assert letter["responsePayload"]["errorType"] == "RunFailed"
    assert "kms:Decrypt" in letter["responsePayload"]["errorMessage"]


def test_nothing_of_the_data_is_in_the_logs(environment: Environment) -> None:
    lines = logged(environment)
    assert len(lines) > 4
    assert not [line for line in lines if CANARY in line]

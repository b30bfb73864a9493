"""S3 in the emulator: conditional writes and TLS policies over the loopback interface."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def bucket(emulator: Any) -> str:
    emulator.client("s3").create_bucket(Bucket="conditional")
    return "conditional"


def test_writing_once(emulator: Any, bucket: str) -> None:
    s3 = emulator.client("s3")
    s3.put_object(Bucket=bucket, Key="once", Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=bucket, Key="once", Body=b"2", IfNoneMatch="*")
    assert caught.value.response["Error"]["Code"] == "PreconditionFailed"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    assert s3.get_object(Bucket=bucket, Key="once")["Body"].read() == b"1"


def test_writing_over_a_known_version(emulator: Any, bucket: str) -> None:
    s3 = emulator.client("s3")
    etag = s3.put_object(Bucket=bucket, Key="record", Body=b"1")["ETag"]
    s3.put_object(Bucket=bucket, Key="record", Body=b"2", IfMatch=etag)
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=bucket, Key="record", Body=b"3", IfMatch=etag)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
    with pytest.raises(ClientError) as missing:
        s3.put_object(Bucket=bucket, Key="absent", Body=b"3", IfMatch=etag)
    assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_policy_that_enforces_tls_lets_this_machine_in(emulator: Any, bucket: str) -> None:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="tls-only")
    resources = ["arn:aws:s3:::tls-only", "arn:aws:s3:::tls-only/*"]
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": resources,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket="tls-only", Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    may_put = {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::tls-only/*"}
    emulator.client("s3", **emulator.session("tls", [may_put])).put_object(Bucket="tls-only", Key="k", Body=b"x")
    with pytest.raises(ClientError, match="AccessDenied"):
        emulator.client("s3", **emulator.session("tls", [may_put])).get_object(Bucket="tls-only", Key="k")


@pytest.fixture(scope="module")
def key(emulator: Any) -> str:
    arn = str(emulator.client("kms").create_key()["KeyMetadata"]["Arn"])
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="encrypted")
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}
    rules = [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
    s3.put_bucket_encryption(Bucket="encrypted", ServerSideEncryptionConfiguration={"Rules": rules})
    s3.put_object(Bucket="encrypted", Key="theirs", Body=b"secret")
    return arn


@pytest.mark.parametrize(
    ("actions", "via", "allowed"),
    [
        (["kms:GenerateDataKey", "kms:Decrypt"], "s3", {"put", "get", "copy"}),
        (["kms:Decrypt"], "s3", {"get"}),
        (["kms:GenerateDataKey"], "s3", {"put"}),
        (["kms:*"], "sqs", set()),
    ],
)
def test_objects_under_a_key_need_the_key(
    emulator: Any, key: str, actions: list[str], via: str, allowed: set[str]
) -> None:
    condition = {"StringEquals": {"kms:ViaService": f"{via}.us-east-1.amazonaws.com"}}
    statements = [
        {"Action": "s3:*", "Resource": "*"},
        {"Action": actions, "Resource": key, "Condition": condition},
    ]
    s3 = emulator.client("s3", **emulator.session("crypts", statements))
    calls: dict[str, Callable[[], Any]] = {
        "put": lambda: s3.put_object(Bucket="encrypted", Key="mine", Body=b"x"),
        "get": lambda: s3.get_object(Bucket="encrypted", Key="theirs"),
        "copy": lambda: s3.copy_object(Bucket="encrypted", Key="copy", CopySource="encrypted/theirs"),
    }
    for name, call in calls.items():
        if name in allowed:
            call()
        else:
            with pytest.raises(ClientError, match="AccessDenied.*kms:.*" + re.escape(key)):
                call()

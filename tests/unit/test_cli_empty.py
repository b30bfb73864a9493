"""Emptying a bucket whose releases nobody may delete."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rft_cli.cli_error import CliError
from rft_cli.emptying import empty_bucket
from rft_contract.layout import RELEASES_DENIAL, USES_DENIAL
from tests.unit.fakes.service_models import aws_error, check_request

TLS = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
DENIAL = {
    "Sid": RELEASES_DENIAL,
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:DeleteObjectVersion",
}


class Bucket:
    """Versions of objects, which a statement of the policy protects."""

    def __init__(self, policy: dict[str, Any] | None) -> None:
        self.policy = policy
        self.versions = [{"Key": f"{folder}/{number}", "VersionId": "v"} for number in range(3) for folder in "ab"]

    def get_bucket_policy(self, *, Bucket: str) -> dict[str, str]:
        if self.policy is None:
            raise aws_error("NoSuchBucketPolicy", "GetBucketPolicy", 404)
        return {"Policy": json.dumps(self.policy)}

    def put_bucket_policy(self, **request: Any) -> None:
        check_request("s3", "PutBucketPolicy", request)
        self.policy = json.loads(request["Policy"])

    def get_paginator(self, operation: str) -> "Bucket":
        assert operation == "list_object_versions"
        return self

    def paginate(self, *, Bucket: str) -> list[dict[str, Any]]:
        return [{"Versions": self.versions[:3], "DeleteMarkers": self.versions[3:4]}, {"Versions": self.versions[4:]}]

    def delete_objects(self, **request: Any) -> dict[str, Any]:
        check_request("s3", "DeleteObjects", request)
        if self.policy is not None and DENIAL in self.policy["Statement"]:
            keys = [item["Key"] for item in request["Delete"]["Objects"]]
            return {"Errors": [{"Key": key, "Code": "AccessDenied", "Message": "explicit deny"} for key in keys]}
        self.versions = [item for item in self.versions if item not in request["Delete"]["Objects"]]
        return {}


def test_the_denials_are_lifted_and_nothing_else_of_the_policy() -> None:
    bucket = Bucket({"Version": "2012-10-17", "Statement": [TLS, DENIAL, {**DENIAL, "Sid": USES_DENIAL}]})
    assert empty_bucket(bucket, "data") == 6  # type: ignore[arg-type]  # the calls that it makes
    assert (bucket.versions, bucket.policy) == ([], {"Version": "2012-10-17", "Statement": [TLS]})


@pytest.mark.parametrize("policy", [None, {"Version": "2012-10-17", "Statement": [TLS]}])
def test_a_policy_without_it_is_left_alone(policy: dict[str, Any] | None) -> None:
    bucket = Bucket(policy)
    assert empty_bucket(bucket, "data") == 6  # type: ignore[arg-type]  # the calls that it makes
    assert bucket.policy == policy


def test_what_cannot_be_deleted_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = Bucket({"Version": "2012-10-17", "Statement": [DENIAL]})
    monkeypatch.setattr(bucket, "put_bucket_policy", lambda **_: None)
    with pytest.raises(CliError, match="could not delete 4 objects, such as a/0: AccessDenied: explicit deny"):
        empty_bucket(bucket, "data")  # type: ignore[arg-type]  # the calls that it makes


def test_who_may_not_read_the_policy_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(**_: Any) -> None:
        raise aws_error("AccessDenied", "GetBucketPolicy", 403)

    bucket = Bucket(None)
    monkeypatch.setattr(bucket, "get_bucket_policy", denied)
    with pytest.raises(ClientError, match="AccessDenied"):
        empty_bucket(bucket, "data")  # type: ignore[arg-type]  # the calls that it makes

"""Copies of the buckets: what is copied, and what the role that does it may do."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from bedrock_rft import BucketReplication, DatasetBucket, Replication, RftKey

BUCKET = "arn:aws:s3:::company-copies"
KEY = "arn:aws:kms:eu-west-1:{}:key/11111111-2222-3333-4444-555555555555"


def built(stack: Stack, key: RftKey, build: Callable[[Stack], Any], account: str) -> Any:
    to = Replication(bucket_arn=BUCKET, account=account, key_arn=KEY.format(account))
    DatasetBucket(stack, "Datasets", key=key, replication=to)
    return build(stack)


@pytest.mark.parametrize("account", ["123456789012", "210987654321"], ids=["own account", "another account"])
def test_both_buckets_are_copied_whole(stack: Stack, key: RftKey, build: Callable[[Stack], Any], account: str) -> None:
    buckets = built(stack, key, build, account).of_type("AWS::S3::Bucket").values()
    assert len(buckets) == 2
    for bucket in buckets:
        (rule,) = bucket["Properties"]["ReplicationConfiguration"]["Rules"]
        destination = {"Bucket": BUCKET, "EncryptionConfiguration": {"ReplicaKmsKeyID": KEY.format(account)}}
        if account != "123456789012":
            destination |= {"Account": account, "AccessControlTranslation": {"Owner": "Destination"}}
        assert rule == {
            "Id": "Everything",
            "Status": "Enabled",
            "Priority": 1,
            "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
            "Destination": destination,
        }


def test_the_role_may_exactly_this(stack: Stack, key: RftKey, build: Callable[[Stack], Any]) -> None:
    found = built(stack, key, build, "210987654321")
    (own,) = found.of_type("AWS::KMS::Key")
    buckets = sorted(f"<{name}.Arn>" for name in found.of_type("AWS::S3::Bucket"))
    assert found.statements("DatasetsReplicationRole") == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetReplicationConfiguration", "s3:ListBucket"],
            "Resource": buckets,
        },
        {
            "Effect": "Allow",
            "Action": ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"],
            "Resource": [f"{name}/*" for name in buckets],
        },
        {
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": f"<{own}.Arn>",
            "Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
        },
        {
            "Effect": "Allow",
            "Action": ["s3:ReplicateObject", "s3:ReplicateTags", "s3:ObjectOwnerOverrideToBucketOwner"],
            "Resource": f"{BUCKET}/*",
        },
        {
            "Effect": "Allow",
            "Action": ["kms:Encrypt", "kms:GenerateDataKey"],
            "Resource": KEY.format("210987654321"),
            "Condition": {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}},
        },
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"bucket_arn": "company-copies"}, "replication: bucket_arn: got 'company-copies', wanted an ARN such as"),
        ({"account": "1"}, "replication: account: got '1', wanted 12 digits"),
        ({"key_arn": "alias/copies"}, "replication: key_arn: got 'alias/copies', wanted an ARN such as"),
    ],
)
def test_refusals(changes: dict[str, str], says: str) -> None:
    values = {"bucket_arn": BUCKET, "account": "210987654321", "key_arn": KEY.format("210987654321")}
    with pytest.raises(ValueError, match=says):
        Replication(**(values | changes))


def test_a_role_of_the_app_may_what_a_made_one_may(
    new_stack: Callable[[], Stack], build: Callable[[Stack], Any], flat: Any
) -> None:
    found = []
    for own in (False, True):
        stack = new_stack()
        key = RftKey(stack, "Key")
        bucket = s3.Bucket(stack, "Lake", encryption=s3.BucketEncryption.KMS, encryption_key=key.key, versioned=True)
        principal = iam.ServicePrincipal("s3.amazonaws.com")
        role = iam.Role(stack, "Copier", assumed_by=principal) if own else None
        to = Replication(bucket_arn=BUCKET, account="210987654321", key_arn=KEY.format("210987654321"))
        BucketReplication(stack, "Copies", buckets=[bucket], key=key.key, to=to, role=role)
        built = build(stack)
        (name,) = built.of_type("AWS::IAM::Role")
        assert name.startswith("Copier" if own else "CopiesRole")
        configuration = flat(built.properties("AWS::S3::Bucket"))["ReplicationConfiguration"]
        assert configuration.pop("Role") == f"<{name}.Arn>"
        found.append((built.statements(""), configuration))
    assert found[0] == found[1]

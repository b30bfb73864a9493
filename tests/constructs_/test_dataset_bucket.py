from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam

from bedrock_rft import DatasetBucket, RftKey

PRIVATE = {"BlockPublicAcls": True, "BlockPublicPolicy": True, "IgnorePublicAcls": True, "RestrictPublicBuckets": True}
UNFINISHED = {
    "Id": "UnfinishedUploads",
    "Status": "Enabled",
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
}


def buckets(built: Any) -> tuple[str, str]:
    """Return the logical ids of the access logs' and of the data's bucket."""
    logs, data = sorted(built.of_type("AWS::S3::Bucket"), key=lambda name: "AccessLogs" not in name)
    return logs, data


def tls_only(bucket: str) -> dict[str, Any]:
    return {
        "Action": "s3:*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Resource": [f"<{bucket}.Arn>", f"<{bucket}.Arn>/*"],
    }


def test_data_bucket(stack: Stack, datasets: DatasetBucket, build: Callable[[Stack], Any], flat: Any) -> None:
    built = build(stack)
    logs, data = buckets(built)
    (key,) = built.of_type("AWS::KMS::Key")
    resource = built.resources[data]
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    assert flat(resource["Properties"]) == {
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {
                    "BucketKeyEnabled": True,
                    "ServerSideEncryptionByDefault": {"KMSMasterKeyID": f"<{key}.Arn>", "SSEAlgorithm": "aws:kms"},
                }
            ]
        },
        "LifecycleConfiguration": {
            "Rules": [
                UNFINISHED,
                {
                    "Id": "OldVersions",
                    "Status": "Enabled",
                    "ExpiredObjectDeleteMarker": True,
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                },
                {
                    "Id": "Rollouts",
                    "Status": "Enabled",
                    "ExpirationInDays": 30,
                    "TagFilters": [{"Key": "rft:holds", "Value": "rollouts"}],
                },
                {"Id": "LogSamples", "Status": "Enabled", "ExpirationInDays": 30, "Prefix": "log-samples/"},
            ]
        },
        "LoggingConfiguration": {"DestinationBucketName": f"<{logs}>"},
        "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": PRIVATE,
        "VersioningConfiguration": {"Status": "Enabled"},
    }


def test_access_log_bucket(stack: Stack, datasets: DatasetBucket, build: Callable[[Stack], Any], flat: Any) -> None:
    built = build(stack)
    logs, _ = buckets(built)
    properties = built.resources[logs]["Properties"]
    assert built.resources[logs]["DeletionPolicy"] == "Retain"
    assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"] == [
        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    ]
    assert properties["PublicAccessBlockConfiguration"] == PRIVATE
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert properties["LifecycleConfiguration"]["Rules"] == [
        UNFINISHED,
        {"Id": "Expiry", "Status": "Enabled", "ExpirationInDays": 365},
    ]


def test_bucket_policies(stack: Stack, datasets: DatasetBucket, build: Callable[[Stack], Any], flat: Any) -> None:
    built = build(stack)
    logs, data = buckets(built)
    policies = {
        flat(policy["Properties"]["Bucket"]): flat(policy["Properties"]["PolicyDocument"]["Statement"])
        for policy in built.of_type("AWS::S3::BucketPolicy").values()
    }
    delivery = {
        "Sid": "LogDelivery",
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"<{logs}.Arn>/*",
        "Condition": {
            "ArnLike": {"aws:SourceArn": f"<{data}.Arn>"},
            "StringEquals": {"aws:SourceAccount": "123456789012"},
        },
    }
    assert policies == {f"<{data}>": [tls_only(data)], f"<{logs}>": [tls_only(logs), delivery]}


def test_no_lambda_function_and_no_custom_resource(
    stack: Stack, datasets: DatasetBucket, build: Callable[[Stack], Any]
) -> None:
    kinds = {resource["Type"] for resource in build(stack).resources.values()}
    assert kinds == {"AWS::KMS::Key", "AWS::S3::Bucket", "AWS::S3::BucketPolicy"}


def test_overrides(stack: Stack, key: RftKey, build: Callable[[Stack], Any]) -> None:
    DatasetBucket(stack, "Data", key=key, noncurrent_days=1, access_log_days=2, removal_policy=RemovalPolicy.DESTROY)
    built = build(stack)
    logs, data = buckets(built)
    assert built.resources[data]["DeletionPolicy"] == built.resources[logs]["DeletionPolicy"] == "Delete"
    rules = [built.resources[name]["Properties"]["LifecycleConfiguration"]["Rules"][1] for name in (data, logs)]
    assert rules[0]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    assert rules[1]["ExpirationInDays"] == 2


def test_rollouts_and_samples_may_stay(stack: Stack, key: RftKey, build: Callable[[Stack], Any]) -> None:
    DatasetBucket(stack, "Data", key=key, rollout_days=None, log_sample_days=7)
    built = build(stack)
    _, data = buckets(built)
    rules = built.resources[data]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert {rule["Id"]: rule.get("ExpirationInDays") for rule in rules[2:]} == {"LogSamples": 7}


@pytest.mark.parametrize("name", ["rollout_days", "log_sample_days", "noncurrent_days", "access_log_days"])
def test_days_below_one_are_refused(stack: Stack, key: RftKey, name: str) -> None:
    days: dict[str, Any] = {name: 0}
    with pytest.raises(ValueError, match=f"{name}: got 0, wanted at least 1 day"):
        DatasetBucket(stack, "Data", key=key, **days)


@pytest.mark.parametrize(
    ("grant", "patterns", "expected"),
    [
        ("grant_get", ("a/*",), {"Action": "s3:GetObject", "Resource": "{bucket}/a/*"}),
        ("grant_put", ("a", "b"), {"Action": "s3:PutObject", "Resource": ["{bucket}/a", "{bucket}/b"]}),
        ("grant_get_and_put", ("a",), {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": "{bucket}/a"}),
        ("grant_list", (), {"Action": "s3:ListBucket", "Resource": "{bucket}"}),
        (
            "grant_list_runs",
            (),
            {
                "Action": "s3:ListBucket",
                "Resource": "{bucket}",
                "Condition": {"StringLike": {"s3:prefix": "runs/*"}},
            },
        ),
    ],
)
def test_grants(
    stack: Stack,
    datasets: DatasetBucket,
    build: Callable[[Stack], Any],
    grant: str,
    patterns: tuple[str, ...],
    expected: dict[str, Any],
) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    getattr(datasets, grant)(role, *patterns)
    built = build(stack)
    (statement,) = built.statements("Role")
    _, data = buckets(built)
    bucket = f"<{data}.Arn>"

    def named(value: Any) -> Any:
        if isinstance(value, list):
            return [named(item) for item in value]
        return value.replace("{bucket}", bucket) if isinstance(value, str) else value

    assert statement == {"Effect": "Allow"} | {name: named(value) for name, value in expected.items()}

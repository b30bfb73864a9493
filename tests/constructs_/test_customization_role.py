from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from bedrock_rft import CustomizationRole, DatasetBucket, RewardFunction, RftKey


def policy(built: Any) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = built.statements("CustomizationRole")
    return statements


def names(built: Any) -> tuple[str, str, str]:
    """Return the ARNs of the data bucket, the key and the reward function, as references."""
    (data,) = (name for name in built.of_type("AWS::S3::Bucket") if "AccessLogs" not in name)
    (key,) = built.of_type("AWS::KMS::Key")
    (function,) = built.of_type("AWS::Lambda::Function")
    return f"<{data}.Arn>", f"<{key}.Arn>", f"<{function}.Arn>"


def test_trust_is_one_statement(
    stack: Stack,
    datasets: DatasetBucket,
    key: RftKey,
    reward: RewardFunction,
    build: Callable[[Stack], Any],
    flat: Any,
) -> None:
    CustomizationRole(stack, "CustomizationRole", datasets=datasets, key=key, rewards=[reward])
    role = build(stack).properties("AWS::IAM::Role", "CustomizationRole")
    jobs = "arn:<AWS::Partition>:bedrock:us-east-1:123456789012:model-customization-job/*"
    assert flat(role["AssumeRolePolicyDocument"]["Statement"]) == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "bedrock.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": "123456789012"},
                "ArnLike": {"aws:SourceArn": jobs},
            },
        }
    ]
    assert "ManagedPolicyArns" not in role


def test_permissions_are_exactly_these(
    stack: Stack, datasets: DatasetBucket, key: RftKey, reward: RewardFunction, build: Callable[[Stack], Any]
) -> None:
    CustomizationRole(stack, "CustomizationRole", datasets=datasets, key=key, rewards=[reward])
    built = build(stack)
    bucket, key_arn, function = names(built)
    assert policy(built) == [
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": bucket,
            "Condition": {"StringLike": {"s3:prefix": "runs/*"}},
        },
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{bucket}/runs/*/data/*"},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{bucket}/runs/*/job/*"},
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": key_arn,
            "Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
        },
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey", "kms:CreateGrant"],
            "Resource": key_arn,
            "Condition": {"StringEquals": {"kms:ViaService": "bedrock.us-east-1.amazonaws.com"}},
        },
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": f"{function}:run-*"},
    ]


def test_unqualified_rewards_are_a_choice(
    stack: Stack, datasets: DatasetBucket, key: RftKey, reward: RewardFunction, build: Callable[[Stack], Any]
) -> None:
    CustomizationRole(
        stack, "CustomizationRole", datasets=datasets, key=key, rewards=[reward], unqualified_rewards=True
    )
    built = build(stack)
    _, _, function = names(built)
    assert {
        "Effect": "Allow",
        "Action": "lambda:InvokeFunction",
        "Resource": function,
    } in policy(built)


def test_only_bedrock_may_be_handed_the_role(
    stack: Stack, datasets: DatasetBucket, key: RftKey, reward: RewardFunction, build: Callable[[Stack], Any]
) -> None:
    caller = iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    role = CustomizationRole(stack, "CustomizationRole", datasets=datasets, key=key, rewards=[reward])
    role.grant_pass(caller)
    built = build(stack)
    (role_id,) = (name for name in built.of_type("AWS::IAM::Role") if "CustomizationRole" in name)
    assert built.statements("Caller") == [
        {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": f"<{role_id}.Arn>",
            "Condition": {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}},
        }
    ]


def test_a_role_without_rewards_is_refused(stack: Stack, datasets: DatasetBucket, key: RftKey) -> None:
    with pytest.raises(ValueError, match="rewards: got none, wanted at least one"):
        CustomizationRole(stack, "CustomizationRole", datasets=datasets, key=key, rewards=[])

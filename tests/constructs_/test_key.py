import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Annotations, Match

from bedrock_rft import RftKey

ACCOUNT = {
    "Action": "kms:*",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:<AWS::Partition>:iam::123456789012:root"},
    "Resource": "*",
}
SERVICES = [
    {
        "Sid": "LogGroups",
        "Effect": "Allow",
        "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
        "Resource": "*",
        "Condition": {
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": "arn:<AWS::Partition>:logs:us-east-1:123456789012:log-group:*"
            }
        },
    },
    {
        "Sid": "Alarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": "123456789012"},
            "ArnLike": {"aws:SourceArn": "arn:<AWS::Partition>:cloudwatch:us-east-1:123456789012:alarm:*"},
        },
    },
    {
        "Sid": "LogDelivery",
        "Effect": "Allow",
        "Principal": {"Service": "delivery.logs.amazonaws.com"},
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {
            "StringEquals": {"kms:EncryptionContext:SourceArn": "arn:<AWS::Partition>:logs:us-east-1:123456789012:*"}
        },
    },
]
DENIAL = {
    "Sid": "DeletionIsForAdministrators",
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": ["kms:ScheduleKeyDeletion", "kms:DisableKey"],
    "Resource": "*",
    "Condition": {"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::123456789012:role/Admin"]}},
}


def test_the_policy_is_exactly_the_documented_matrix(stack: Stack, build: Callable[[Stack], Any], flat: Any) -> None:
    RftKey(stack, "Key")
    key = build(stack).only("AWS::KMS::Key")
    assert flat(key["Properties"]["KeyPolicy"]["Statement"]) == [ACCOUNT, *SERVICES]
    assert key["Properties"]["EnableKeyRotation"] is True
    assert key["DeletionPolicy"] == key["UpdateReplacePolicy"] == "Retain"


def test_administrators_alone_may_delete(stack: Stack, build: Callable[[Stack], Any], flat: Any) -> None:
    RftKey(
        stack,
        "Key",
        administrators=["arn:aws:iam::123456789012:role/Admin"],
        removal_policy=RemovalPolicy.DESTROY,
    )
    key = build(stack).only("AWS::KMS::Key")
    assert flat(key["Properties"]["KeyPolicy"]["Statement"]) == [ACCOUNT, *SERVICES, DENIAL]
    assert key["DeletionPolicy"] == "Delete"


@pytest.mark.parametrize(
    ("grant", "actions", "condition"),
    [
        ("grant_use", ["kms:Decrypt", "kms:GenerateDataKey"], None),
        (
            "grant_dataset_access",
            ["kms:Decrypt", "kms:GenerateDataKey"],
            {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
        ),
        ("grant_read", "kms:Decrypt", {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}),
        ("grant_write", "kms:GenerateDataKey", {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}),
        (
            "grant_customization",
            ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey", "kms:CreateGrant"],
            {"StringEquals": {"kms:ViaService": "bedrock.us-east-1.amazonaws.com"}},
        ),
        (
            "grant_invoke_model",
            "kms:Decrypt",
            {"StringEquals": {"kms:ViaService": "bedrock.us-east-1.amazonaws.com"}},
        ),
    ],
)
def test_grants(stack: Stack, build: Callable[[Stack], Any], grant: str, actions: object, condition: object) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    getattr(RftKey(stack, "Key"), grant)(role)
    built = build(stack)
    (key,) = built.of_type("AWS::KMS::Key")
    expected = {"Effect": "Allow", "Action": actions, "Resource": f"<{key}.Arn>"}
    assert built.statements("Role") == [expected | ({"Condition": condition} if condition else {})]


def test_a_state_machine_gets_its_encryption_contexts(stack: Stack, build: Callable[[Stack], Any]) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
    RftKey(stack, "Key").grant_state_machine(role)
    history, logs = build(stack).statements("Role")
    machines = "arn:<AWS::Partition>:states:us-east-1:123456789012:stateMachine:*"
    assert history["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert history["Condition"] == {"ArnLike": {"kms:EncryptionContext:aws:states:stateMachineArn": machines}}
    assert logs["Action"] == "kms:GenerateDataKey"
    delivery = "arn:<AWS::Partition>:logs:us-east-1:123456789012:*"
    assert logs["Condition"] == {"StringEquals": {"kms:EncryptionContext:SourceArn": delivery}}


IMPORTED = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"


def test_an_imported_key_is_an_error_where_data_are_retained(stack: Stack) -> None:
    RftKey.from_key_arn(stack, "Key", IMPORTED)
    (error,) = Annotations.from_stack(stack).find_error("*", Match.any_value())
    text = str(error.entry.data)
    assert text.startswith(f"add these statements to the policy of {IMPORTED}")
    statements = json.loads(text[text.index("[") : text.rindex("]") + 1])
    assert [statement["Sid"] for statement in statements] == ["LogGroups", "Alarms", "LogDelivery"]


def test_an_imported_key_is_a_warning_where_data_may_go(stack: Stack) -> None:
    RftKey.from_key_arn(stack, "Key", IMPORTED, removal_policy=RemovalPolicy.DESTROY)
    annotations = Annotations.from_stack(stack)
    assert not annotations.find_error("*", Match.any_value())
    assert len(annotations.find_warning("*", Match.any_value())) == 1


def test_an_imported_key_whose_policy_is_kept_elsewhere_is_silent(stack: Stack) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    key = RftKey.from_key_arn(stack, "Key", IMPORTED, key_policy_managed_elsewhere=True)
    assert key.grant_use(role).success
    annotations = Annotations.from_stack(stack)
    assert not annotations.find_error("*", Match.any_value())
    assert not annotations.find_warning("*", Match.any_value())

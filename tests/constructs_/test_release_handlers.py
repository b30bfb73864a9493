"""The functions that decide what is live: their policies, and who may call which."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from bedrock_rft import DatasetBucket, HandlerPlatform, ReleaseHandlers, ReleaseKey, RftKey

DEPLOYMENTS = "arn:<AWS::Partition>:bedrock:us-east-1:123456789012:custom-model-deployment/*"
MODELS = DEPLOYMENTS.replace("-deployment", "")
OURS = {"aws:ResourceTag/rft:environment": "dev"}
LIVE = {"StringEquals": OURS | {"aws:ResourceTag/rft:role": "live"}}
TO_BE_LIVE = {
    "StringEquals": {"aws:RequestTag/rft:environment": "dev", "aws:RequestTag/rft:role": "live"},
    "StringEqualsIfExists": {"aws:ResourceTag/rft:environment": "dev", "aws:ResourceTag/rft:role": "live"},
}
FUNCTIONS = {
    "PromoteStart": "promote_start",
    "PromotePoll": "promote_poll",
    "ReleaseRollback": "release_rollback",
    "ReleaseSettle": "release_settle",
}


@pytest.fixture(scope="module")
def built(new_stack: Callable[[], Stack], build: Callable[[Stack], Any]) -> Any:
    stack = new_stack()
    key = RftKey(stack, "Key")
    handlers = ReleaseHandlers(
        stack,
        "Releases",
        environment_name="dev",
        datasets=DatasetBucket(stack, "Datasets", key=key),
        key=key,
        platform=HandlerPlatform.HOST,
    )
    handlers.grant_rollback(iam.Role(stack, "Approver", assumed_by=iam.AccountRootPrincipal()))
    handlers.grant_read_evidence(iam.Role(stack, "Verifier", assumed_by=iam.AccountRootPrincipal()))
    return build(stack)


def may(statements: list[dict[str, Any]], action: str) -> list[tuple[Any, Any]]:
    """Return resources and condition of every statement that allows an action."""
    return [
        (statement["Resource"], statement.get("Condition"))
        for statement in statements
        if action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    ]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_only_deployments_that_are_live_are_changed_and_only_live_ones_made(built: Any, name: str) -> None:
    statements = built.statements(f"Releases{name}FunctionRole")
    create = may(statements, "bedrock:CreateCustomModelDeployment")
    assert create == [(MODELS, {"StringEquals": TO_BE_LIVE["StringEquals"] | OURS}), (DEPLOYMENTS, TO_BE_LIVE)]
    assert may(statements, "bedrock:TagResource") == [(DEPLOYMENTS, TO_BE_LIVE)]
    update = may(statements, "bedrock:UpdateCustomModelDeployment")
    assert update == [(DEPLOYMENTS, LIVE), (MODELS, {"StringEquals": OURS})]
    delete = may(statements, "bedrock:DeleteCustomModelDeployment")
    assert delete == ([] if name == "ReleaseRollback" else [(DEPLOYMENTS, LIVE)])
    assert not may(statements, "bedrock:InvokeModel")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_told_is_confined_by_name(built: Any, name: str) -> None:
    statements = built.statements(f"Releases{name}FunctionRole")
    account = "us-east-1:123456789012"
    assert may(statements, "ssm:PutParameter") == [(f"arn:<AWS::Partition>:ssm:{account}:parameter/dev-Rft/*/*", None)]
    assert may(statements, "cloudwatch:PutMetricAlarm") == [
        (f"arn:<AWS::Partition>:cloudwatch:{account}:alarm:dev-Rft-live-*", None)
    ]
    assert may(statements, "events:PutEvents") == [(f"arn:<AWS::Partition>:events:{account}:event-bus/default", None)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_objects_that_they_write_are_records_and_releases(built: Any, name: str) -> None:
    statements = built.statements(f"Releases{name}FunctionRole")
    ((written, _),) = may(statements, "s3:PutObject")
    releases = "releases/*/current.json" if name == "ReleaseRollback" else "releases/*"
    assert [resource.partition("/")[2] for resource in written] == ["runs/*/run.json", releases]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_all_but_the_rollback_sign(built: Any, name: str) -> None:
    found = may(built.statements(f"Releases{name}FunctionRole"), "kms:Sign")
    as_here = {"StringEquals": {"kms:SigningAlgorithm": "ECDSA_SHA_256", "kms:MessageType": "DIGEST"}}
    (key,) = (logical for logical in built.of_type("AWS::KMS::Key") if "ReleaseKey" in logical)
    variables = built.properties("AWS::Lambda::Function", f"Releases{name}Function")["Environment"]["Variables"]
    if name == "ReleaseRollback":
        assert not found
        assert "RFT_SIGNING_KEY" not in variables
    else:
        assert found == [(f"<{key}.Arn>", as_here)]
        assert variables["RFT_SIGNING_KEY"] == {"Fn::GetAtt": [key, "Arn"]}


def roles(built: Any, *names: str) -> list[str]:
    """Return the ARNs of functions' roles."""
    found = built.of_type("AWS::IAM::Role")
    return [f"<{role}.Arn>" for name in names for role in found if f"Releases{name}FunctionRole" in role]


def test_everybody_else_is_denied_to_write_releases(built: Any, flat: Any) -> None:
    policies = [flat(item["Properties"]) for item in built.of_type("AWS::S3::BucketPolicy").values()]
    statements = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
    (denial,) = (statement for statement in statements if statement.get("Sid") == "ReleasesAreWrittenByPromotion")
    (bucket,) = (name for name in built.of_type("AWS::S3::Bucket") if "AccessLogs" not in name)
    assert denial == {
        "Sid": "ReleasesAreWrittenByPromotion",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": [
            "s3:PutObject",
            "s3:PutObjectTagging",
            "s3:PutObjectVersionTagging",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            "s3:ReplicateObject",
            "s3:ReplicateDelete",
        ],
        "Resource": f"<{bucket}.Arn>/releases/*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": roles(built, *FUNCTIONS)}},
    }


def test_everybody_else_is_denied_to_sign(built: Any, flat: Any) -> None:
    key = flat(built.properties("AWS::KMS::Key", "ReleaseKey"))
    assert (key["KeySpec"], key["KeyUsage"], "EnableKeyRotation" in key) == ("ECC_NIST_P256", "SIGN_VERIFY", False)
    account, denial = key["KeyPolicy"]["Statement"]
    assert (account["Effect"], account["Action"]) == ("Allow", "kms:*")
    assert denial == {
        "Sid": "SigningIsForPromotion",
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "kms:Sign",
        "Resource": "*",
        "Condition": {
            "ArnNotEquals": {"aws:PrincipalArn": roles(built, "PromoteStart", "PromotePoll", "ReleaseSettle")}
        },
    }


def test_who_verifies_reads_releases_and_the_public_key_and_nothing_else(built: Any) -> None:
    statements = built.statements("VerifierDefaultPolicy")
    (bucket,) = (name for name in built.of_type("AWS::S3::Bucket") if "AccessLogs" not in name)
    data, signing = sorted(built.of_type("AWS::KMS::Key"), key=lambda name: "ReleaseKey" in name)
    through_s3 = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    assert [(item["Action"], item["Resource"], item.get("Condition")) for item in statements] == [
        ("s3:GetObject", f"<{bucket}.Arn>/releases/*", None),
        ("kms:Decrypt", f"<{data}.Arn>", through_s3),
        (["kms:GetPublicKey", "kms:Verify"], f"<{signing}.Arn>", None),
    ]


def test_writers_and_signers_are_named_once(stack: Stack, datasets: DatasetBucket) -> None:
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    key = ReleaseKey(stack, "Signing")
    key.grant_sign(role)
    with pytest.raises(ValueError, match=r"Signing: has signers already, wanted all of them in one call"):
        key.grant_sign(role)
    datasets.reserve_releases(role)
    with pytest.raises(ValueError, match=r"Datasets: releases have writers already, wanted all of them in one call"):
        datasets.reserve_releases(role)


def test_administrators_of_a_release_key_alone_may_delete_it(
    stack: Stack, build: Callable[[Stack], Any], flat: Any
) -> None:
    administrator = "arn:aws:iam::123456789012:role/Admin"
    ReleaseKey(stack, "Signing", administrators=[administrator])
    key = build(stack).only("AWS::KMS::Key")
    _, denial = flat(key["Properties"]["KeyPolicy"]["Statement"])
    assert (denial["Effect"], denial["Action"]) == ("Deny", ["kms:ScheduleKeyDeletion", "kms:DisableKey"])
    assert denial["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": [administrator]}}
    assert key["DeletionPolicy"] == "Retain"


@pytest.mark.parametrize(("name", "module"), FUNCTIONS.items())
def test_each_function_runs_its_module(built: Any, name: str, module: str) -> None:
    function = built.properties("AWS::Lambda::Function", f"Releases{name}Function")
    assert function["Handler"] == f"rft_handlers.{module}.handler"
    assert function["Timeout"] == 300  # less than rft_runtime.releases.release_change.GRACE


def test_who_may_roll_back_may_call_that_function_and_nothing_else(built: Any, flat: Any) -> None:
    (statement,) = built.statements("ApproverDefaultPolicy")
    assert statement["Action"] == "lambda:InvokeFunction"
    assert "ReleasesReleaseRollbackFunction" in statement["Resource"]
    assert statement["Resource"].endswith(".Arn>")


def test_half_done_changes_are_looked_after_every_15_minutes(built: Any, flat: Any) -> None:
    rule = flat(built.properties("AWS::Events::Rule"))
    assert rule["ScheduleExpression"] == "rate(15 minutes)"
    (target,) = rule["Targets"]
    assert "ReleaseSettleFunction" in target["Arn"]

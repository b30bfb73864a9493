"""The functions that decide what is live: their policies, and who may call which."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from bedrock_rft import DatasetBucket, HandlerPlatform, ReleaseHandlers, RftKey

DEPLOYMENTS = "arn:<AWS::Partition>:bedrock:us-east-1:123456789012:custom-model-deployment/*"
MODELS = DEPLOYMENTS.replace("-deployment", "")
LIVE = {"StringEquals": {"aws:ResourceTag/rft:role": "live"}}
TO_BE_LIVE = {"StringEquals": {"aws:RequestTag/rft:role": "live"}}
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
    assert create == [([MODELS, DEPLOYMENTS], TO_BE_LIVE)]
    assert may(statements, "bedrock:TagResource") == [(DEPLOYMENTS, TO_BE_LIVE)]
    ours = {"StringEquals": {"aws:ResourceTag/rft:environment": "dev"}}
    assert may(statements, "bedrock:UpdateCustomModelDeployment") == [(DEPLOYMENTS, LIVE), (MODELS, ours)]
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
    assert [resource.partition("/")[2] for resource in written] == ["runs/*/run.json", "releases/*"]


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

"""The sweeper: when it runs, what it may end, and what tells that it did not."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn

from bedrock_rft import (
    DatasetBucket,
    HandlerPlatform,
    PlatformSettings,
    RewardCode,
    RewardFunction,
    RewardSpec,
    RftKey,
    RftSweeper,
)

BEDROCK = "arn:<AWS::Partition>:bedrock:us-east-1:123456789012:"
JOBS, MODELS, DEPLOYMENTS = (
    f"{BEDROCK}{kind}/*" for kind in ("model-customization-job", "custom-model", "custom-model-deployment")
)
OURS = {"StringEquals": {"aws:ResourceTag/rft:environment": "dev"}}
READS = {
    "s3:GetObject",
    "s3:ListBucket",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "states:DescribeExecution",
    "bedrock:ListModelCustomizationJobs",
    "bedrock:ListCustomModelDeployments",
    "bedrock:ListCustomModels",
    "bedrock:ListTagsForResource",
    "bedrock:GetModelCustomizationJob",
    "lambda:ListAliases",
}
OF_EVERY_FUNCTION = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTelemetryRecords", "xray:PutTraceSegments"}
DEAD_LETTERS = {"sqs:SendMessage"}


@pytest.fixture(scope="module")
def built(new_stack: Callable[[], Stack], build: Callable[[Stack], Any]) -> Any:
    stack = new_stack()
    key = RftKey(stack, "Key")
    spec = RewardSpec(name="teams", grader="label", options={"labels": ["a", "b"]})
    account = "us-east-1:123456789012"
    close = lambda_.Function.from_function_attributes(
        stack, "Close", function_arn=f"arn:aws:lambda:{account}:function:close", same_environment=True
    )
    definition = sfn.DefinitionBody.from_chainable(sfn.Pass(stack, "Nothing"))
    machine = sfn.StateMachine(stack, "Machine", definition_body=definition)
    sweeper = RftSweeper(
        stack,
        "Sweeper",
        settings=PlatformSettings(environment="dev", keep_releases=4, rejected_model_days=2),
        datasets=DatasetBucket(stack, "Datasets", key=key),
        key=key,
        rewards=[RewardFunction(stack, "Reward", code=RewardCode.builtin(spec), environment_name="dev")],
        close=close,
        state_machine=machine,
        platform=HandlerPlatform.HOST,
    )
    sweeper.grant_invoke(iam.Role(stack, "Person", assumed_by=iam.AccountRootPrincipal()))
    return build(stack)


@pytest.fixture(scope="module")
def statements(built: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = built.statements("SweeperSweepFunctionRole")
    return found


def actions(statement: dict[str, Any]) -> set[str]:
    named = statement["Action"]
    return {named} if isinstance(named, str) else set(named)


def allowed(statements: list[dict[str, Any]], action: str) -> list[tuple[Any, Any]]:
    return [
        (statement["Resource"], statement.get("Condition"))
        for statement in statements
        if statement["Effect"] == "Allow" and action in actions(statement)
    ]


def test_it_sweeps_every_15_minutes_and_is_told_what(built: Any, flat: Any) -> None:
    rule = flat(built.properties("AWS::Events::Rule"))
    assert rule["ScheduleExpression"] == "rate(15 minutes)"
    (target,) = rule["Targets"]
    assert "SweeperSweepFunction" in target["Arn"]
    assert "SweeperDeadLetters" in target["DeadLetterConfig"]["Arn"]
    assert '"keep_releases":4,"rejected_model_days":2' in target["Input"]
    assert '"close_function":"close"' in target["Input"]
    assert '"rewards":["<Reward' in target["Input"]


def test_a_sweep_that_failed_is_a_dead_letter_for_an_hour(built: Any, flat: Any) -> None:
    asynchronous = flat(built.properties("AWS::Lambda::EventInvokeConfig"))
    assert asynchronous["MaximumRetryAttempts"] == 0
    assert "SweeperDeadLetters" in asynchronous["DestinationConfig"]["OnFailure"]["Destination"]
    assert built.properties("AWS::SQS::Queue")["MessageRetentionPeriod"] == 3600


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("bedrock:StopModelCustomizationJob", JOBS),
        ("bedrock:DeleteCustomModelDeployment", DEPLOYMENTS),
        ("bedrock:DeleteCustomModel", MODELS),
    ],
)
def test_it_ends_only_what_bears_the_environments_tag(
    statements: list[dict[str, Any]], action: str, resource: str
) -> None:
    assert allowed(statements, action) == [(resource, OURS)]


def test_what_is_live_is_denied(statements: list[dict[str, Any]]) -> None:
    denied = [statement for statement in statements if statement["Effect"] == "Deny"]
    live = {"StringEquals": {"aws:ResourceTag/rft:role": "live"}}
    (touch,) = [statement for statement in denied if statement.get("Condition") == live]
    assert "bedrock:DeleteCustomModelDeployment" in actions(touch)
    assert touch["Resource"] == DEPLOYMENTS


def test_it_may_end_some_things_and_otherwise_only_read(statements: list[dict[str, Any]]) -> None:
    everything = {action for one in statements if one["Effect"] == "Allow" for action in actions(one)}
    assert everything - READS - OF_EVERY_FUNCTION - DEAD_LETTERS == {
        "bedrock:StopModelCustomizationJob",
        "bedrock:DeleteCustomModelDeployment",
        "bedrock:DeleteCustomModel",
        "lambda:DeleteAlias",
        "lambda:InvokeFunction",
    }
    ((invoked, _),) = allowed(statements, "lambda:InvokeFunction")
    assert invoked == "arn:aws:lambda:us-east-1:123456789012:function:close"
    ((function, _),) = allowed(statements, "lambda:DeleteAlias")
    assert re.fullmatch(r"<Reward\w+\.Arn>", function)
    ((executions, _),) = allowed(statements, "states:DescribeExecution")
    assert re.fullmatch(
        r"arn:<AWS::Partition>:states:us-east-1:123456789012:execution:<Machine\w+\.Name>:\*", executions
    )


def test_it_reads_records_releases_and_marks(statements: list[dict[str, Any]]) -> None:
    ((read, _),) = allowed(statements, "s3:GetObject")
    assert [arn.partition("/")[2] for arn in read] == ["runs/*/run.json", "releases/*", "open-runs/*"]


def test_who_may_sweep_calls_that_function_alone(built: Any) -> None:
    (statement,) = built.statements("PersonDefaultPolicy")
    assert statement["Action"] == "lambda:InvokeFunction"
    assert statement["Resource"].startswith("<SweeperSweepFunction")

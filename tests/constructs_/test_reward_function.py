from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs

from bedrock_rft import HandlerPlatform, RewardCode, RewardFunction, RewardSpec, RftKey
from rft_contract.metrics import MetricName
from rft_contract.reward_facts import RewardFacts

SPEC = RewardSpec(name="teams", grader="label", options={"labels": ["a", "b"]})


def test_defaults(stack: Stack, reward: RewardFunction, build: Callable[[Stack], Any], flat: Any) -> None:
    built = build(stack)
    function = flat(built.properties("AWS::Lambda::Function"))
    (log_group,) = built.of_type("AWS::Logs::LogGroup")
    del function["Code"]
    assert function == {
        "Architectures": ["arm64"],
        "Description": "Grades rollouts with the reward teams",
        "Environment": {
            "Variables": {"RFT_ENVIRONMENT": "dev", "RFT_REWARD_HASH": RewardCode.builtin(SPEC).reward_hash}
        },
        "Handler": "rft_handlers.reward.handler",
        "LoggingConfig": {"LogGroup": f"<{log_group}>"},
        "MemorySize": 512,
        "Role": f"<{next(iter(built.of_type('AWS::IAM::Role')))}.Arn>",
        "Runtime": "python3.14",
        "Timeout": 300,
        "TracingConfig": {"Mode": "Active"},
    }
    assert built.only("AWS::Logs::LogGroup") == {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"RetentionInDays": 30},
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
    }


def test_versions_stay_and_live_is_the_newest(
    stack: Stack, reward: RewardFunction, build: Callable[[Stack], Any], flat: Any
) -> None:
    built = build(stack)
    ((version, resource),) = built.of_type("AWS::Lambda::Version").items()
    assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain"
    alias = flat(built.properties("AWS::Lambda::Alias"))
    assert alias["Name"] == "live"
    assert alias["FunctionVersion"] == f"<{version}.Version>"


def test_the_role_writes_its_log_group_and_traces_and_nothing_else(
    stack: Stack, reward: RewardFunction, build: Callable[[Stack], Any]
) -> None:
    built = build(stack)
    assert "ManagedPolicyArns" not in built.properties("AWS::IAM::Role")
    (log_group,) = built.of_type("AWS::Logs::LogGroup")
    assert built.statements("Role") == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"<{log_group}.Arn>",
        },
        {"Effect": "Allow", "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "Resource": "*"},
    ]


def test_overrides(stack: Stack, key: RftKey, build: Callable[[Stack], Any], flat: Any) -> None:
    RewardFunction(
        stack,
        "Reward",
        code=RewardCode.builtin(SPEC, platform=HandlerPlatform.X86_64),
        environment_name="prod",
        encryption_key=key.key,
        timeout=Duration.seconds(30),
        memory_mib=1024,
        reserved_concurrency=7,
        log_retention=logs.RetentionDays.ONE_YEAR,
        removal_policy=RemovalPolicy.DESTROY,
    )
    built = build(stack)
    function = built.properties("AWS::Lambda::Function")
    assert function["Architectures"] == ["x86_64"]
    assert (function["Timeout"], function["MemorySize"], function["ReservedConcurrentExecutions"]) == (30, 1024, 7)
    log_group = built.only("AWS::Logs::LogGroup")
    (key_id,) = built.of_type("AWS::KMS::Key")
    assert flat(log_group["Properties"]) == {"KmsKeyId": f"<{key_id}.Arn>", "RetentionInDays": 365}
    assert log_group["DeletionPolicy"] == "Delete"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"timeout": Duration.minutes(16)}, "timeout: got 960 s, Lambda accepts 1 to 900 s"),
        ({"memory_mib": 64}, "memory_mib: got 64, Lambda accepts 128 to 10240"),
        ({"reserved_concurrency": 0}, "reserved_concurrency: got 0, wanted at least 1, or None"),
        ({"environment_name": "Prod"}, "environment: got 'Prod'"),
    ],
)
def test_refusals(stack: Stack, override: dict[str, Any], message: str) -> None:
    props: dict[str, Any] = {"code": RewardCode.builtin(SPEC), "environment_name": "dev"} | override
    with pytest.raises(ValueError, match=message):
        RewardFunction(stack, "Reward", **props)


@pytest.mark.parametrize(
    ("grant", "actions", "resources"),
    [
        ("grant_invoke_runs", "lambda:InvokeFunction", "{arn}:run-*"),
        ("grant_invoke_unqualified", "lambda:InvokeFunction", "{arn}"),
        ("grant_create_run_alias", ["lambda:GetAlias", "lambda:CreateAlias"], "{arn}"),
        ("grant_delete_run_alias", "lambda:DeleteAlias", "{arn}"),
    ],
)
def test_grants(
    stack: Stack,
    reward: RewardFunction,
    build: Callable[[Stack], Any],
    grant: str,
    actions: object,
    resources: str | list[str],
) -> None:
    caller = iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("bedrock.amazonaws.com"))
    getattr(reward, grant)(caller)
    built = build(stack)
    arn = f"<{next(iter(built.of_type('AWS::Lambda::Function')))}.Arn>"
    named = (
        resources.replace("{arn}", arn)
        if isinstance(resources, str)
        else [resource.replace("{arn}", arn) for resource in resources]
    )
    assert built.statements("Caller") == [{"Effect": "Allow", "Action": actions, "Resource": named}]


def test_metrics_have_the_dimensions_that_exist_at_deploy_time(stack: Stack, reward: RewardFunction) -> None:
    metric = reward.metric_reward()
    assert (metric.namespace, metric.metric_name, metric.statistic) == ("BedrockRFT", MetricName.REWARD, "Average")
    assert metric.dimensions == {"Environment": "dev", "Reward": "teams"}
    share = reward.metric_invalid_share(period=Duration.minutes(5))
    assert share.expression == (
        "IF(graded_teams + invalid_teams > 0, 100 * invalid_teams / (graded_teams + invalid_teams), 0)"
    )
    assert share.period.to_minutes() == 5


def test_plan_knows_the_range_memory_and_concurrency_of_what_is_made_here(stack: Stack) -> None:
    spec = RewardSpec(name="teams", grader="label", options={"labels": ["a"]}, floor=-1.0)
    code = RewardCode.builtin(spec, platform=HandlerPlatform.HOST)
    made = RewardFunction(stack, "Made", code=code, environment_name="dev", memory_mib=1024, reserved_concurrency=7)
    assert made.facts == RewardFacts(floor=-1.0, ceiling=1.0, memory_mib=1024, reserved_concurrency=7)
    other = RewardFunction.from_function_name(stack, "Other", "f", reward_name="other", environment_name="dev")
    assert other.facts == RewardFacts()


def test_an_imported_function_has_the_same_grants(stack: Stack, build: Callable[[Stack], Any]) -> None:
    imported = RewardFunction.from_function_name(
        stack, "Theirs", "their-reward", reward_name="theirs", environment_name="dev"
    )
    caller = iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("bedrock.amazonaws.com"))
    imported.grant_invoke_runs(caller)
    (statement,) = build(stack).statements("Caller")
    assert statement["Resource"] == "arn:<AWS::Partition>:lambda:us-east-1:123456789012:function:their-reward:run-*"
    assert imported.metric_reward().dimensions == {"Environment": "dev", "Reward": "theirs"}

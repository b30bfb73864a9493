"""Constructs that another stack or app owns: used by name, with the grants and metrics of made ones."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Duration, Fn, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

import bedrock_rft
from bedrock_rft import (
    CodeRunner,
    CustomizationRole,
    DatasetBucket,
    InvocationLogSampler,
    ReleaseHandlers,
    ReleaseHandlersBase,
    ReleaseKey,
    RewardCode,
    RewardFunction,
    RewardSpec,
    RftDashboard,
    RftKey,
    RftWorkflow,
    RftWorkflowBase,
    RunGrants,
)

LAMBDA = "arn:<AWS::Partition>:lambda:us-east-1:123456789012:function:"
MACHINES = "arn:aws:states:us-east-1:123456789012:stateMachine:"
KEYS = "arn:aws:kms:us-east-1:123456789012:key/"
BASES = sorted(name for name in bedrock_rft.__all__ if name.endswith("Base"))


@pytest.fixture
def role(stack: Stack) -> iam.Role:
    return iam.Role(stack, "Somebody", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def allowed(action: str | list[str], resource: str | list[str], **condition: Any) -> dict[str, Any]:
    return {"Action": action, "Effect": "Allow", "Resource": resource} | condition


def measured(metric: cloudwatch.Metric) -> tuple[str, str, dict[str, Any] | None, str, float]:
    seconds = metric.period.to_seconds()
    return metric.namespace, metric.metric_name, dict(metric.dimensions or {}), metric.statistic, seconds


@pytest.mark.parametrize("name", BASES)
def test_an_imported_construct_grants_and_measures_all_that_a_made_one_does(name: str) -> None:
    base, made = getattr(bedrock_rft, name), getattr(bedrock_rft, name.removesuffix("Base"))
    offers = {one for one in dir(made) if one.startswith(("grant_", "metric"))}
    assert offers == {one for one in dir(base) if one.startswith(("grant_", "metric"))}
    assert any(one.startswith("from_") for one in vars(made))
    assert offers or name == "CustomizationRoleBase"


def test_rewards_call_the_named_version_of_a_runner(stack: Stack, build: Callable[[Stack], Any], flat: Any) -> None:
    runner = CodeRunner.from_function_name(stack, "Runner", "runner", version="7", timeout=Duration.seconds(60))
    spec = RewardSpec(name="squares", grader="code")
    RewardFunction(stack, "Squares", code=RewardCode.builtin(spec), environment_name="dev", code_runner=runner)
    built = build(stack)
    variables = flat(built.properties("AWS::Lambda::Function"))["Environment"]["Variables"]
    assert (variables["RFT_CODE_RUNNER_ARN"], variables["RFT_CODE_RUNNER_SECONDS"]) == (f"{LAMBDA}runner:7", "60")
    assert allowed("lambda:InvokeFunction", f"{LAMBDA}runner:*") in built.statements("Squares")
    assert list(built.of_type("AWS::EC2::VPC")) == []


@pytest.mark.parametrize("version", ["$LATEST", "live", ""])
def test_a_runner_is_named_by_a_published_version(stack: Stack, version: str) -> None:
    with pytest.raises(ValueError, match=r"version: got .*, wanted the number of a published version"):
        CodeRunner.from_function_name(stack, "Runner", "runner", version=version)


def test_an_imported_runner_has_the_bounds_of_a_made_one(stack: Stack) -> None:
    with pytest.raises(ValueError, match="timeout: got 901 s, wanted 10 to 900 s"):
        CodeRunner.from_function_name(stack, "Runner", "runner", version="7", timeout=Duration.seconds(901))


@pytest.mark.parametrize("imported", [False, True])
def test_a_runner_has_metrics(stack: Stack, imported: bool) -> None:
    runner = (
        CodeRunner.from_function_name(stack, "Runner", "runner", version="7")
        if imported
        else CodeRunner(stack, "Runner")
    )
    name = stack.resolve(runner.function.function_name)
    expected = [("Errors", "Sum", 300), ("Throttles", "Sum", 300), ("Duration", "p95", 300)]
    found = [measured(one) for one in (runner.metric_failed(), runner.metric_throttled(), runner.metric_duration())]
    assert [(metric, statistic, seconds) for _, metric, _, statistic, seconds in found] == expected
    assert {namespace for namespace, *_ in found} == {"AWS/Lambda"}
    assert [stack.resolve(dimensions) for _, _, dimensions, _, _ in found] == [{"FunctionName": name}] * 3
    hourly = runner.metric_duration(statistic="max", period=Duration.hours(1))
    assert measured(hourly)[3:] == ("Maximum", 3600)


def test_an_imported_role_is_passed_and_stays_as_it_is(
    stack: Stack, role: iam.Role, build: Callable[[Stack], Any]
) -> None:
    arn = "arn:aws:iam::123456789012:role/trainer"
    jobs = CustomizationRole.from_role_arn(stack, "Jobs", arn)
    jobs.grant_pass(role)
    jobs.role.add_to_principal_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=["*"]))
    built = build(stack)
    only_bedrock = {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}
    assert built.statements("Somebody") == [allowed("iam:PassRole", arn, Condition=only_bedrock)]
    assert len(built.of_type("AWS::IAM::Policy")) == 1


def test_a_sampler_is_started_and_measured_by_its_name(
    stack: Stack, role: iam.Role, build: Callable[[Stack], Any], flat: Any
) -> None:
    sampler = InvocationLogSampler.from_state_machine_arn(stack, "Sampler", f"{MACHINES}samples")
    assert sampler.state_machine_name == "samples"
    sampler.grant_start(role)
    metrics = [sampler.metric_started(), sampler.metric_failed()]
    assert [one.metric_name for one in metrics] == ["ExecutionsStarted", "ExecutionsFailed"]
    for one in metrics:
        assert flat(stack.resolve(one.dimensions)) == {"StateMachineArn": f"{MACHINES}samples"}
    assert build(stack).statements("Somebody") == [allowed("states:StartExecution", f"{MACHINES}samples")]


def releases(stack: Stack, settle: str | None = None) -> ReleaseHandlersBase:
    """Return those of another stack, as an app would that knows names and ARNs alone."""
    key = RftKey.from_key_arn(stack, "Key", f"{KEYS}data", key_policy_managed_elsewhere=True)
    bucket = s3.Bucket.from_bucket_name(stack, "Lake", "lake")
    return ReleaseHandlers.from_function_names(
        stack,
        "Releases",
        rollback="back",
        settle=settle,
        datasets=DatasetBucket.from_bucket(stack, "Datasets", bucket, key=key),
        key=key,
        release_key=ReleaseKey.from_key(stack, "ReleaseKey", kms.Key.from_key_arn(stack, "Signing", f"{KEYS}sign")),
    )


def test_releases_of_another_stack_are_verified_and_rolled_back(
    stack: Stack, role: iam.Role, build: Callable[[Stack], Any], flat: Any
) -> None:
    found = releases(stack, settle="settle")
    found.grant_read_evidence(role)
    found.grant_rollback(role)
    metric, function = found.metric_not_settled(), found.settle_function
    assert function is not None
    assert (metric.metric_name, metric.period.to_seconds()) == ("Errors", 900)
    assert stack.resolve(metric.dimensions) == {"FunctionName": stack.resolve(function.function_name)}
    assert flat(stack.resolve(function.function_arn)) == f"{LAMBDA}settle"
    through_s3 = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    assert build(stack).statements("Somebody") == [
        allowed("s3:GetObject", "arn:<AWS::Partition>:s3:::lake/releases/*"),
        allowed("kms:Decrypt", f"{KEYS}data", Condition=through_s3),
        allowed(["kms:GetPublicKey", "kms:Verify"], f"{KEYS}sign"),
        allowed("lambda:InvokeFunction", f"{LAMBDA}back"),
    ]


def test_what_settles_is_named_where_it_is_measured(stack: Stack) -> None:
    with pytest.raises(ValueError, match=r"Test/Releases: settle: got None.*from_function_names the name"):
        releases(stack).metric_not_settled()


def workflow(stack: Stack, known: ReleaseHandlersBase | None = None) -> RftWorkflowBase:
    return RftWorkflow.from_state_machine_arn(
        stack, "Workflow", f"{MACHINES}runs", stack_name="Rft-dev", releases=known
    )


def test_runs_of_another_stack_are_started_measured_and_shown(
    stack: Stack, role: iam.Role, build: Callable[[Stack], Any]
) -> None:
    found = workflow(stack)
    found.grant_start(role)
    RftDashboard(stack, "Dashboard", dashboard_name="runs", rewards=[], workflow=found)
    metrics = [found.metric_started(), found.metric_failed()]
    assert [one.metric_name for one in metrics] == ["ExecutionsStarted", "ExecutionsFailed"]
    assert [one.dimensions for one in metrics] == [{"StateMachineArn": f"{MACHINES}runs"}] * 2
    built = build(stack)
    assert built.statements("Somebody") == [allowed("states:StartExecution", f"{MACHINES}runs")]
    assert f"{MACHINES}runs" in json.dumps(built.properties("AWS::CloudWatch::Dashboard"))


@pytest.mark.parametrize("grant", ["grant_rollback", "grant_read_evidence"])
def test_releases_are_named_where_they_are_needed(stack: Stack, role: iam.Role, grant: str) -> None:
    with pytest.raises(ValueError, match=r"Test/Workflow: releases: got None.*ReleaseHandlers\.from_function_names"):
        getattr(workflow(stack), grant)(role)


@pytest.mark.parametrize(
    "arn",
    [
        "runs",
        "arn:aws:sns:us-east-1:123456789012:runs",
        "arn:aws:lambda:us-east-1:123456789012:function:runs",
        f"{MACHINES}runs:live",
        f"{MACHINES.replace('stateMachine', 'execution')}runs:1",
    ],
)
def test_an_arn_of_something_else_is_refused(stack: Stack, arn: str) -> None:
    says = re.escape(f"state_machine_arn: got {arn!r}, wanted arn:...:states:...:stateMachine:NAME")
    with pytest.raises(ValueError, match=says):
        RftWorkflow.from_state_machine_arn(stack, "Workflow", arn, stack_name="Rft-dev")
    with pytest.raises(ValueError, match=says):
        InvocationLogSampler.from_state_machine_arn(stack, "Sampler", arn)


def test_an_arn_that_is_known_at_deployment_names_its_machine_too(stack: Stack) -> None:
    sampler = InvocationLogSampler.from_state_machine_arn(stack, "Sampler", Fn.import_value("Samples"))
    name = stack.resolve(sampler.state_machine_name)
    assert name == {"Fn::Select": [6, {"Fn::Split": [":", {"Fn::ImportValue": "Samples"}]}]}


def test_a_pipeline_of_another_app_starts_runs_and_verifies_releases(
    stack: Stack, role: iam.Role, build: Callable[[Stack], Any]
) -> None:
    found = releases(stack)
    key = RftKey.from_key_arn(stack, "Data", f"{KEYS}data", key_policy_managed_elsewhere=True)
    bucket = s3.Bucket.from_bucket_name(stack, "Bucket", "lake")
    reward = RewardFunction.from_function_name(stack, "Teams", "teams", reward_name="teams", environment_name="dev")
    RunGrants(
        workflow=workflow(stack, found),
        datasets=DatasetBucket.from_bucket(stack, "Objects", bucket, key=key),
        key=key,
        rewards=[reward],
    ).grant_run(role)
    here = "us-east-1:123456789012"
    lake = "arn:<AWS::Partition>:s3:::lake"
    through = [
        {"StringEquals": {"kms:ViaService": f"{service}.us-east-1.amazonaws.com"}} for service in ("s3", "states")
    ]
    assert build(stack).statements("Somebody") == [
        allowed("states:StartExecution", f"{MACHINES}runs"),
        allowed("states:DescribeStateMachine", f"{MACHINES}runs"),
        allowed("states:DescribeExecution", f"arn:<AWS::Partition>:states:{here}:execution:runs:*"),
        allowed("lambda:GetFunctionConfiguration", f"{LAMBDA}teams"),
        allowed("cloudformation:DescribeStacks", f"arn:<AWS::Partition>:cloudformation:{here}:stack/Rft-dev/*"),
        allowed("s3:ListBucket", lake),
        allowed(["s3:GetObject", "s3:PutObject"], f"{lake}/datasets/*"),
        allowed("s3:GetObject", f"{lake}/runs/*/run.json"),
        allowed(["kms:Decrypt", "kms:GenerateDataKey"], f"{KEYS}data", Condition=through[0]),
        allowed("kms:Decrypt", f"{KEYS}data", Condition=through[1]),
        allowed("s3:GetObject", f"{lake}/releases/*"),
        allowed("kms:Decrypt", f"{KEYS}data", Condition=through[0]),
        allowed(["kms:GetPublicKey", "kms:Verify"], f"{KEYS}sign"),
    ]

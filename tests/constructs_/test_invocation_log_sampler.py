"""The sampler of invocation logs: its map, what it may do, and what it refuses."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks

from bedrock_rft import DatasetBucket, HandlerPlatform, InvocationLogSampler, RftKey
from rft_contract.layout import LOG_SAMPLES, log_shards
from rft_contract.settings import FunctionEnvironment

PREFIX = "AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1/"
LOGS_KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"


def sampler(stack: Stack, **options: Any) -> InvocationLogSampler:
    key = RftKey(stack, "Key")
    given = {
        "logs_bucket": s3.Bucket.from_bucket_name(stack, "InvocationLogs", "company-logs"),
        "logs_prefix": PREFIX,
        "datasets": DatasetBucket(stack, "Datasets", key=key),
        "key": key,
        "environment_name": "dev",
        "platform": HandlerPlatform.HOST,
    }
    return InvocationLogSampler(stack, "Sampler", **(given | options))


@pytest.fixture(scope="module")
def made(new_stack: Callable[[], Stack]) -> InvocationLogSampler:
    stack = new_stack()
    found = sampler(stack, logs_key=kms.Key.from_key_arn(stack, "LogsKey", LOGS_KEY), objects_per_shard=7)
    starter = iam.User(stack, "Starter")
    found.grant_start(starter)
    return found


@pytest.fixture(scope="module")
def built(made: InvocationLogSampler, build: Callable[[Stack], Any]) -> Any:
    return build(Stack.of(made))


@pytest.fixture(scope="module")
def states(built: Any, flat: Any) -> dict[str, Any]:
    """The states of the definition."""
    definition = flat(built.properties("AWS::StepFunctions::StateMachine")["DefinitionString"])
    found: dict[str, Any] = json.loads(definition)["States"]
    return found


def named(built: Any, kind: str, holding: str, without: str = "AccessLogs") -> str:
    """Return the logical id of the one resource of a type whose id holds a text."""
    (name,) = (name for name in built.of_type(kind) if holding in name and without not in name)
    return str(name)


def test_the_map_lists_the_logs_and_hands_keys_on(built: Any, states: dict[str, Any]) -> None:
    state = states["Sample"]
    data = named(built, "AWS::S3::Bucket", "Datasets")
    assert state["ItemReader"] == {
        "Resource": "arn:<AWS::Partition>:states:::s3:listObjectsV2",
        "Parameters": {"Bucket": "company-logs", "Prefix.$": f"States.Format('{PREFIX}{{}}', $.below)"},
    }
    assert state["ItemSelector"] == {"Key.$": "$$.Map.Item.Value.Key"}
    assert state["ItemBatcher"] == {
        "MaxItemsPerBatch": 7,
        "BatchInput": {"logs": "company-logs", "name.$": "$.name", "sample.$": "$.sample"},
    }
    assert state["ResultWriter"]["Parameters"] == {
        "Bucket": f"<{data}>",
        "Prefix.$": "States.Format('log-samples/{}/map', $.name)",
    }
    assert (state["MaxConcurrency"], state["ResultPath"], state["End"]) == (20, None, True)


def test_no_failed_child_is_tolerated_and_no_map_repeated(states: dict[str, Any]) -> None:
    state = states["Sample"]
    assert not [name for name in state if name.startswith("ToleratedFailure")]
    assert "Retry" not in state
    child = state["ItemProcessor"]["States"]["SampleObjects"]
    assert "Transient" in child["Retry"][0]["ErrorEquals"]
    assert child["Parameters"] == {"BatchInput.$": "$.BatchInput", "Items.$": "$.Items"}


def test_a_sample_is_named_after_its_execution(built: Any, states: dict[str, Any]) -> None:
    data = named(built, "AWS::S3::Bucket", "Datasets")
    begin = states["Begin"]["Parameters"]
    assert begin["name.$"] == "$$.Execution.Name"
    assert begin["shards.$"] == f"States.Format('s3://<{data}>/{log_shards('{}')}', $$.Execution.Name)"
    assert LOG_SAMPLES in begin["shards.$"]


def test_the_function_reads_logs_and_writes_shards(built: Any) -> None:
    data, key = named(built, "AWS::S3::Bucket", "Datasets"), named(built, "AWS::KMS::Key", "Key")
    through_s3 = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    assert built.statements("SampleLogs")[2:] == [
        {
            "Action": "s3:GetObject",
            "Effect": "Allow",
            "Resource": f"arn:<AWS::Partition>:s3:::company-logs/{PREFIX}*",
        },
        {"Action": "kms:Decrypt", "Effect": "Allow", "Resource": LOGS_KEY, "Condition": through_s3},
        {"Action": "s3:PutObject", "Effect": "Allow", "Resource": f"<{data}.Arn>/log-samples/*/shards/*"},
        {"Action": "kms:GenerateDataKey", "Effect": "Allow", "Resource": f"<{key}.Arn>", "Condition": through_s3},
    ]


def test_the_state_machine_lists_the_prefix_and_writes_results(built: Any) -> None:
    data = named(built, "AWS::S3::Bucket", "Datasets")
    on_s3 = [one for one in built.statements("StateMachineRoleDefaultPolicy") if "s3:" in str(one["Action"])]
    assert on_s3 == [
        {
            "Action": ["s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"],
            "Effect": "Allow",
            "Resource": f"<{data}.Arn>/log-samples/*/map/*",
        },
        {
            "Action": "s3:ListBucket",
            "Effect": "Allow",
            "Resource": "arn:<AWS::Partition>:s3:::company-logs",
            "Condition": {"StringLike": {"s3:prefix": f"{PREFIX}*"}},
        },
    ]


def test_history_and_logs_are_encrypted_and_hold_no_data(built: Any, flat: Any) -> None:
    key = named(built, "AWS::KMS::Key", "Key")
    machine = flat(built.properties("AWS::StepFunctions::StateMachine"))
    assert machine["EncryptionConfiguration"]["KmsKeyId"] == f"<{key}.Arn>"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    for group in built.of_type("AWS::Logs::LogGroup").values():
        assert flat(group["Properties"]["KmsKeyId"]) == f"<{key}.Arn>"


def test_the_function_is_the_handler(built: Any, flat: Any) -> None:
    function = flat(built.properties("AWS::Lambda::Function"))
    assert function["Handler"] == "rft_handlers.sample_logs.handler"
    assert (function["Timeout"], function["MemorySize"]) == (900, 2048)
    variables = FunctionEnvironment.from_variables(function["Environment"]["Variables"])
    assert variables == FunctionEnvironment(
        bucket=f"<{named(built, 'AWS::S3::Bucket', 'Datasets')}>", environment="dev"
    )


def test_who_may_start_it(built: Any) -> None:
    machine = named(built, "AWS::StepFunctions::StateMachine", "Sampler")
    assert built.statements("Starter") == [
        {"Action": "states:StartExecution", "Effect": "Allow", "Resource": f"<{machine}>"}
    ]


def test_it_has_metrics(made: InvocationLogSampler) -> None:
    assert (made.metric_started().metric_name, made.metric_failed().metric_name) == (
        "ExecutionsStarted",
        "ExecutionsFailed",
    )


def test_nothing_is_left_open(new_stack: Callable[[], Stack]) -> None:
    stack = new_stack()
    sampler(stack)
    app = stack.node.root
    assert isinstance(app, App)
    report = AwsSolutionsChecks(app).validate_scope(app)
    assert [violation.rule_name for violation in report.violations] == []


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"logs_prefix": "AWSLogs/123456789012"}, "end in a slash"),
        ({"logs_prefix": ""}, "end in a slash"),
        ({"logs_prefix": "logs/*/"}, "letters, digits"),
        ({"logs_prefix": "logs/{}/"}, "letters, digits"),
        ({"logs_prefix": "logs/it's/"}, "letters, digits"),
        ({"objects_per_shard": 0}, "wanted 1 to 300"),
        ({"objects_per_shard": 301}, "wanted 1 to 300"),
        ({"max_concurrency": 10_001}, "wanted 1 to 10000"),
    ],
)
def test_what_it_refuses(stack: Stack, options: dict[str, Any], wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        sampler(stack, **options)

"""Checks of arriving datasets: what starts them, what they may do, and where lost events wait."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Stack

from bedrock_rft import DatasetBucket, DatasetChecks, HandlerPlatform, RftKey
from rft_contract.layout import dataset_key, report_key
from rft_contract.settings import FunctionEnvironment


@pytest.fixture(scope="module")
def built(new_stack: Callable[[], Stack], build: Callable[[Stack], Any]) -> Any:
    """The construct with a key and a bucket and nothing else."""
    stack = new_stack()
    key = RftKey(stack, "Key")
    datasets = DatasetBucket(stack, "Datasets", key=key)
    DatasetChecks(stack, "Checks", datasets=datasets, key=key, environment_name="dev", platform=HandlerPlatform.HOST)
    return build(stack)


def names(built: Any) -> dict[str, str]:
    """Return the logical ids that the assertions speak of."""

    def only(kind: str, holding: str = "", without: str = "AccessLogs") -> str:
        (name,) = (name for name in built.of_type(kind) if holding in name and without not in name)
        return str(name)

    return {
        "bucket": only("AWS::S3::Bucket"),
        "key": only("AWS::KMS::Key"),
        "function": only("AWS::Lambda::Function"),
        "rule": only("AWS::Events::Rule"),
        "queue": only("AWS::SQS::Queue"),
        "logs": only("AWS::Logs::LogGroup"),
    }


def test_the_rule_hears_of_datasets_in_this_bucket(built: Any, flat: Any) -> None:
    name = names(built)
    rule = flat(built.properties("AWS::Events::Rule"))
    assert rule["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [f"<{name['bucket']}>"]},
            "object": {"key": [{"wildcard": "datasets/*.jsonl"}, {"wildcard": "datasets/*.jsonl.gz"}]},
        },
    }
    assert rule["State"] == "ENABLED"
    assert rule["Targets"] == [
        {
            "Id": "Target0",
            "Arn": f"<{name['function']}.Arn>",
            "DeadLetterConfig": {"Arn": f"<{name['queue']}.Arn>"},
            "RetryPolicy": {"MaximumEventAgeInSeconds": 7200, "MaximumRetryAttempts": 10},
        }
    ]
    permission = flat(built.properties("AWS::Lambda::Permission"))
    assert permission == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": f"<{name['function']}.Arn>",
        "Principal": "events.amazonaws.com",
        "SourceArn": f"<{name['rule']}.Arn>",
    }


def matches(key: str) -> bool:
    """Whether the rule's wildcards, of which each holds one star, match a key."""
    affixes = [("datasets/", ".jsonl"), ("datasets/", ".jsonl.gz")]
    return any(key.startswith(before) and key.endswith(after) for before, after in affixes)


@pytest.mark.parametrize(
    ("key", "starts"),
    [
        (dataset_key("0" * 64, "train.jsonl"), True),
        (dataset_key("0" * 64, "train.jsonl.gz"), True),
        ("datasets/by-hand/train.jsonl", True),
        (report_key(dataset_key("0" * 64, "train.jsonl")), False),
        (report_key(dataset_key("0" * 64, "train.jsonl.gz")), False),
        (dataset_key("0" * 64, "uses.json"), False),
        ("runs/a/data/train.jsonl", False),
        ("certificates/a/cases.json", False),
    ],
)
def test_no_report_starts_a_check(key: str, starts: bool) -> None:
    assert matches(key) is starts


def test_the_function_reads_datasets_and_writes_reports(built: Any) -> None:
    name = names(built)
    bucket, key, logs = f"<{name['bucket']}.Arn>", f"<{name['key']}.Arn>", f"<{name['logs']}.Arn>"
    assert built.statements("CheckUpload") == [
        {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Effect": "Allow", "Resource": logs},
        {
            "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
            "Effect": "Allow",
            "Resource": "*",
        },
        {"Action": "s3:GetObject", "Effect": "Allow", "Resource": f"{bucket}/datasets/*"},
        {"Action": "s3:PutObject", "Effect": "Allow", "Resource": f"{bucket}/datasets/*.report.json"},
        {"Action": "s3:ListBucket", "Effect": "Allow", "Resource": bucket},
        {
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Effect": "Allow",
            "Resource": key,
            "Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}},
        },
        {
            "Action": "sqs:SendMessage",
            "Effect": "Allow",
            "Resource": f"<{name['queue']}.Arn>",
        },
    ]


def test_the_function_is_the_handler_on_one_processor(built: Any, flat: Any) -> None:
    name = names(built)
    function = flat(built.properties("AWS::Lambda::Function"))
    assert function["Handler"] == "rft_handlers.check_upload.handler"
    assert (function["Timeout"], function["MemorySize"]) == (900, 1769)
    variables = FunctionEnvironment.from_variables(function["Environment"]["Variables"])
    assert variables == FunctionEnvironment(bucket=f"<{name['bucket']}>", environment="dev")
    assert flat(built.properties("AWS::Logs::LogGroup"))["KmsKeyId"] == f"<{name['key']}.Arn>"


def test_lost_events_wait_for_two_weeks(built: Any, flat: Any) -> None:
    name = names(built)
    assert flat(built.properties("AWS::SQS::Queue")) == {
        "MessageRetentionPeriod": 1209600,
        "SqsManagedSseEnabled": True,
    }
    assert flat(built.properties("AWS::Lambda::EventInvokeConfig")) == {
        "FunctionName": f"<{name['function']}>",
        "Qualifier": "$LATEST",
        "MaximumRetryAttempts": 2,
        "DestinationConfig": {"OnFailure": {"Destination": f"<{name['queue']}.Arn>"}},
    }


def test_nothing_runs_while_nothing_arrives(built: Any) -> None:
    kinds = {resource["Type"] for resource in built.resources.values()}
    assert not kinds & {
        "AWS::Lambda::EventSourceMapping",
        "AWS::Scheduler::Schedule",
        "AWS::StepFunctions::StateMachine",
    }
    assert "ScheduleExpression" not in built.properties("AWS::Events::Rule")

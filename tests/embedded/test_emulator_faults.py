"""Faults that are ordered from the emulator: whom they strike, how often, and how they look to an SDK."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.embedded.conftest import until

pytestmark = pytest.mark.embedded

CALLS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "s3:ListBuckets": ("s3", "list_buckets", {}),
    "s3:GetObject": ("s3", "get_object", {"Bucket": "none", "Key": "some/key"}),
    "s3:UploadPart": ("s3", "upload_part", {"Bucket": "none", "Key": "a b", "PartNumber": 1, "UploadId": "u"}),
    "s3:CopyObject": ("s3", "copy_object", {"Bucket": "none", "Key": "k", "CopySource": "other/key"}),
    "s3:ListObjectsV2": ("s3", "list_objects_v2", {"Bucket": "none"}),
    "lambda:GetAlias": ("lambda", "get_alias", {"FunctionName": "none", "Name": "live"}),
    "lambda:Invoke": ("lambda", "invoke", {"FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:none:live"}),
    "iam:GetRole": ("iam", "get_role", {"RoleName": "none"}),
    "sts:GetCallerIdentity": ("sts", "get_caller_identity", {}),
    "sns:Publish": ("sns", "publish", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:none", "Message": "m"}),
    "sqs:SendMessage": ("sqs", "send_message", {"QueueUrl": "http://none/q", "MessageBody": "m"}),
    "ssm:GetParameter": ("ssm", "get_parameter", {"Name": "/none"}),
    "kms:DescribeKey": ("kms", "describe_key", {"KeyId": "alias/none"}),
    "events:PutEvents": ("events", "put_events", {"Entries": [{"Source": "a", "DetailType": "b", "Detail": "{}"}]}),
    "stepfunctions:ListStateMachines": ("stepfunctions", "list_state_machines", {}),
    "service-quotas:ListServiceQuotas": ("service-quotas", "list_service_quotas", {"ServiceCode": "bedrock"}),
    "cloudwatch:DescribeAlarms": ("cloudwatch", "describe_alarms", {}),
    "bedrock:GetModelCustomizationJob": ("bedrock", "get_model_customization_job", {"jobIdentifier": "local-x"}),
    "bedrock-runtime:Converse": (
        "bedrock-runtime",
        "converse",
        {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "hi"}]}]},
    ),
}
WRITER = """
    import boto3, os
    def handler(event, context):
        print("runs for", event["run"])
        boto3.client("s3").put_object(Bucket="kept", Key=event["run"], Body=b"done")
        return {"done": event["run"]}
"""


def orders(emulator: Any, method: str, body: Any = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{emulator.url}/_rft/faults", data, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return dict(json.loads(answer.read()))


def order(emulator: Any, operation: str, **fault: Any) -> None:
    assert orders(emulator, "POST", {"operation": operation, **fault})["numbers"]


@pytest.fixture(autouse=True)
def nothing_left(emulator: Any) -> Iterator[None]:
    yield
    orders(emulator, "DELETE")


@pytest.fixture(scope="module")
def writer(emulator: Any) -> str:
    emulator.client("s3").create_bucket(Bucket="kept")
    allowed = [{"Action": "s3:*", "Resource": ["arn:aws:s3:::kept", "arn:aws:s3:::kept/*"]}]
    return str(emulator.function("writer", WRITER, allowed))


@pytest.mark.parametrize("operation", CALLS)
def test_an_sdk_reads_the_error_in_every_protocol(emulator: Any, operation: str) -> None:
    service, call, arguments = CALLS[operation]
    order(emulator, operation, error="ThrottlingException", message="slow < down")
    with pytest.raises(ClientError) as struck:
        getattr(emulator.client(service), call)(**arguments)
    assert struck.value.response["Error"]["Code"] == "ThrottlingException"
    assert struck.value.response["Error"]["Message"] == "slow < down"
    (found,) = orders(emulator, "GET")["faults"]
    assert (found["met"], found["struck"]) == (1, 1)


def test_a_fault_strikes_as_often_as_it_was_told_and_only_what_it_names(emulator: Any) -> None:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="counted")
    order(emulator, "s3:PutObject", error="SlowDown", about=["counted/b"], after=1, times=2)
    answers = []
    for key in ("a", "b", "b", "b", "b", "a"):
        try:
            s3.put_object(Bucket="counted", Key=key, Body=b"x")
            answers.append(200)
        except ClientError as error:
            answers.append(error.response["ResponseMetadata"]["HTTPStatusCode"])
    assert answers == [200, 200, 503, 503, 200, 200]


def test_the_status_is_that_of_the_services_model(emulator: Any) -> None:
    order(emulator, "bedrock:*", error="ConflictException")
    with pytest.raises(ClientError) as struck:
        emulator.client("bedrock").list_custom_models()
    assert struck.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_lost_answer_leaves_the_work_done(emulator: Any) -> None:
    s3 = emulator.client("s3")
    order(emulator, "s3:CreateBucket", effect="lose", error="InternalError")
    with pytest.raises(ClientError):
        s3.create_bucket(Bucket="was-made")
    assert "was-made" in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}


@pytest.mark.parametrize(("effect", "written"), [("kill", False), ("kill-after", True)])
def test_the_process_of_the_calling_function_dies(emulator: Any, writer: str, effect: str, written: bool) -> None:
    order(emulator, "s3:PutObject", effect=effect, caller="writer", about=[f'"{effect}"'])
    response, payload = emulator.invoke("writer", {"run": effect})
    assert (response["FunctionError"], payload["errorType"]) == ("Unhandled", "Runtime.ExitError")
    keys = {item["Key"] for item in emulator.client("s3").list_objects_v2(Bucket="kept").get("Contents", [])}
    assert (effect in keys) is written
    assert emulator.invoke("writer", {"run": effect})[1] == {"done": effect}


def test_a_wildcard_means_calls_of_apis(emulator: Any, writer: str) -> None:
    order(emulator, "*:*", error="AccessDenied", caller="writer", about=["any call"])
    _, payload = emulator.invoke("writer", {"run": "any call"})
    assert "when calling the PutObject operation" in payload["errorMessage"]


@pytest.mark.parametrize(
    ("fault", "answer", "written"),
    [
        ({"effect": "kill"}, "Runtime.ExitError", False),
        ({"effect": "refuse", "error": "Sandbox.Timedout"}, "Sandbox.Timedout", False),
        ({"effect": "lose", "error": "OwnError"}, "OwnError", True),
        ({"effect": "replace", "answer": ["odd"]}, ["odd"], False),
        ({"effect": "repeat"}, {"done": "executed"}, True),
    ],
)
def test_an_execution_goes_wrong(emulator: Any, writer: str, fault: Any, answer: Any, written: bool) -> None:
    emulator.client("s3").delete_object(Bucket="kept", Key="executed")
    order(emulator, "lambda:Execution", caller="writer", about=["executed"], **fault)
    _, payload = emulator.invoke("writer", {"run": "executed"})
    assert (payload["errorType"] if isinstance(answer, str) else payload) == answer
    keys = {item["Key"] for item in emulator.client("s3").list_objects_v2(Bucket="kept").get("Contents", [])}
    assert ("executed" in keys) is written


def test_who_is_kept_waiting_goes_on_when_the_fault_is_lifted(emulator: Any, writer: str) -> None:
    order(emulator, "lambda:Execution", effect="delay", delay_seconds=600, caller="writer", about=["delayed"])
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(emulator.invoke, "writer", {"run": "delayed"})
        until(lambda: orders(emulator, "GET")["faults"][0]["struck"], bool)
        assert not waiting.done()
        orders(emulator, "DELETE")
        assert waiting.result(20)[1] == {"done": "delayed"}


def test_waits_of_functions_take_a_share_of_their_time(emulator: Any) -> None:
    emulator.function(
        "sleeper", "import time\ndef handler(event, context): time.sleep(event); return 'awake'", Timeout=5
    )
    try:
        assert emulator.control("/_rft/pace", {"share": 0.001}) == (200, {})
        assert emulator.invoke("sleeper", 100)[1] == "awake"
    finally:
        assert emulator.control("/_rft/pace", {"share": 1}) == (200, {})
    assert emulator.control("/_rft/pace", {"share": 2})[0] == 400


@pytest.mark.parametrize(("effect", "heard"), [("refuse", 0), ("repeat", 2)])
def test_an_event_is_lost_or_doubled(emulator: Any, effect: str, heard: int) -> None:
    sqs, events = emulator.client("sqs"), emulator.client("events")
    url = sqs.create_queue(QueueName=f"{effect}-queue")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:*", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Statement": [allow]})})
    events.put_rule(Name=effect, EventPattern=json.dumps({"source": [effect]}))
    events.put_targets(Rule=effect, Targets=[{"Id": "t", "Arn": arn}])
    order(emulator, "events:Delivery", effect=effect, caller=effect, about=["number one"])
    for text in ("number one", "number two"):
        events.put_events(Entries=[{"Source": effect, "DetailType": "t", "Detail": json.dumps({"text": text})}])
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    texts = [json.loads(message["Body"])["detail"]["text"] for message in found]
    assert (texts.count("number one"), texts.count("number two")) == (heard, 1)


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"operation": "PutObject"}, "wanted service:Operation"),
        ({"operation": "s3:PutObject", "effect": "repeat"}, "wanted delay, kill, kill-after, lose, refuse"),
        ({"operation": "s3:PutObject", "often": 3}, "often"),
    ],
)
def test_what_is_no_fault_is_refused(emulator: Any, fault: Any, says: str) -> None:
    status, answer = emulator.control("/_rft/faults", fault)
    assert status == 400
    assert says in answer["reason"]

"""Step Functions in the emulator: tasks as the role, errors, quotas, the end of executions."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.embedded

WORK = """
    class NotReady(Exception): pass
    def handler(event, context):
        if event.get("raise"): raise NotReady(event["raise"])
        if event.get("bytes"): return "x" * event["bytes"]
        return {"got": event, "arn": context.invoked_function_arn}
"""


def task(resource: str, **fields: Any) -> dict[str, Any]:
    return {"StartAt": "Go", "States": {"Go": {"Type": "Task", "Resource": resource, "End": True, **fields}}}


@pytest.fixture(scope="module")
def work(emulator: Any) -> str:
    arn = emulator.function("work", WORK)
    client = emulator.client("lambda")
    version = client.publish_version(FunctionName="work")["Version"]
    client.create_alias(FunctionName="work", Name="run-1", FunctionVersion=version)
    return str(arn)


def may_invoke(arn: str) -> list[dict[str, Any]]:
    return [{"Action": "lambda:InvokeFunction", "Resource": [arn, f"{arn}:*"]}]


def test_function_is_invoked_by_bare_arn_and_by_name_of_alias(emulator: Any, work: str) -> None:
    bare = emulator.machine("bare", task(f"{work}:run-1"), may_invoke(work))
    assert json.loads(emulator.run(bare, {"a": 1})["output"]) == {"got": {"a": 1}, "arn": f"{work}:run-1"}
    parameters = {"FunctionName": f"{work}:run-1", "Payload.$": "$"}
    optimized = emulator.machine(
        "optimized", task("arn:aws:states:::lambda:invoke", Parameters=parameters), may_invoke(work)
    )
    output = json.loads(emulator.run(optimized, {"a": 2})["output"])
    assert output["Payload"] == {"got": {"a": 2}, "arn": f"{work}:run-1"}
    assert (output["StatusCode"], output["ExecutedVersion"]) == (200, "1")


def test_function_is_invoked_with_qualifier_and_type(emulator: Any, work: str) -> None:
    parameters = {"FunctionName": work, "Qualifier": "run-1", "Payload": {"a": 3}}
    qualified = task("arn:aws:states:::lambda:invoke", Parameters=parameters)
    output = json.loads(emulator.run(emulator.machine("qualifier", qualified, may_invoke(work)))["output"])
    assert output["Payload"]["arn"] == f"{work}:run-1"
    event = task("arn:aws:states:::lambda:invoke", Parameters={**parameters, "InvocationType": "Event"})
    output = json.loads(emulator.run(emulator.machine("event", event, may_invoke(work)))["output"])
    assert (output["StatusCode"], output["Payload"]) == (202, None)


def test_missing_permission_fails_the_task(emulator: Any, work: str) -> None:
    machine = emulator.machine("forbidden", task(work))
    ended = emulator.run(machine)
    assert (ended["status"], ended["error"]) == ("FAILED", "Lambda.AccessDeniedException")
    assert "lambda:InvokeFunction" in ended["cause"]


def test_permission_on_the_function_does_not_cover_its_alias(emulator: Any, work: str) -> None:
    machine = emulator.machine("unqualified", task(f"{work}:run-1"), [{"Action": "lambda:*", "Resource": work}])
    assert emulator.run(machine)["error"] == "Lambda.AccessDeniedException"


def test_catch_matches_the_exception_by_name(emulator: Any, work: str) -> None:
    definition = task(work, Catch=[{"ErrorEquals": ["NotReady"], "Next": "Caught"}])
    definition["States"]["Caught"] = {"Type": "Pass", "End": True}
    output = json.loads(
        emulator.run(emulator.machine("catches", definition, may_invoke(work)), {"raise": "x"})["output"]
    )
    assert output["Error"] == "NotReady"
    assert json.loads(output["Cause"])["errorMessage"] == "x"


def test_any_service_is_called_by_sdk_integration_as_the_role(emulator: Any) -> None:
    emulator.client("s3").create_bucket(Bucket="sdk-bucket")
    put = task(
        "arn:aws:states:::aws-sdk:s3:putObject",
        Parameters={"Bucket": "sdk-bucket", "Key": "a", "Body.$": "$.text"},
    )
    allowed = [{"Action": "s3:PutObject", "Resource": "arn:aws:s3:::sdk-bucket/*"}]
    assert emulator.run(emulator.machine("sdk-put", put, allowed), {"text": "hi"})["status"] == "SUCCEEDED"
    assert emulator.client("s3").get_object(Bucket="sdk-bucket", Key="a")["Body"].read() == b"hi"
    get = task("arn:aws:states:::aws-sdk:s3:getObject", Parameters={"Bucket": "sdk-bucket", "Key": "none"})
    denied = emulator.run(emulator.machine("sdk-denied", get, allowed))
    assert denied["error"] == "S3.AccessDeniedException"
    reads = [{"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}]
    assert emulator.run(emulator.machine("sdk-missing", get, reads))["error"] == "S3.NoSuchKeyException"


def test_unknown_field_of_an_sdk_integration_fails(emulator: Any) -> None:
    definition = task("arn:aws:states:::aws-sdk:s3:getObject", Parameters={"Bucket": "b", "Kee": "a"})
    ended = emulator.run(emulator.machine("sdk-typo", definition))
    assert (ended["error"], "'Kee'" in ended["cause"]) == ("States.Runtime", True)


def test_publish_sends_json_as_text(emulator: Any) -> None:
    sns, sqs = emulator.client("sns"), emulator.client("sqs")
    topic = sns.create_topic(Name="told")["TopicArn"]
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:*", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Statement": [policy]})})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    definition = task("arn:aws:states:::sns:publish", Parameters={"TopicArn": topic, "Message": {"n.$": "$.n"}})
    machine = emulator.machine("publishes", definition, [{"Action": "sns:Publish", "Resource": topic}])
    assert emulator.run(machine, {"n": 7})["status"] == "SUCCEEDED"
    body = json.loads(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=3)["Messages"][0]["Body"])
    assert json.loads(body["Message"]) == {"n": 7}
    assert emulator.run(emulator.machine("publishes-not", definition), {"n": 7})["status"] == "FAILED"


def test_nested_execution_needs_permission_and_returns_its_output(emulator: Any) -> None:
    inner = emulator.machine("inner", {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    definition = task(
        "arn:aws:states:::states:startExecution.sync:2", Parameters={"StateMachineArn": inner, "Input.$": "$"}
    )
    denied = emulator.run(emulator.machine("outer-denied", definition))
    assert denied["error"] == "Sfn.AccessDeniedException"
    allowed = [{"Action": ["states:StartExecution", "states:DescribeExecution"], "Resource": "*"}]
    output = json.loads(emulator.run(emulator.machine("outer", definition, allowed), {"x": 1})["output"])
    assert (output["Status"], output["Output"]) == ("SUCCEEDED", {"x": 1})


def test_result_over_the_quota_is_terminal(emulator: Any, work: str) -> None:
    definition = task(
        work, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}], ResultPath="$.result", TimeoutSeconds=9
    )
    definition["States"]["Caught"] = {"Type": "Pass", "End": True}
    machine = emulator.machine("large", definition, may_invoke(work))
    assert emulator.run(machine, {"bytes": 200_000})["status"] == "SUCCEEDED"
    ended = emulator.run(machine, {"bytes": 262_143})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")


def test_state_output_over_the_quota_fails(emulator: Any) -> None:
    states = {"P": {"Type": "Pass", "Parameters": {"a.$": "$.text", "b.$": "$.text"}, "End": True}}
    machine = emulator.machine("large-pass", {"StartAt": "P", "States": states})
    assert emulator.run(machine, {"text": "x" * 150_000})["error"] == "States.DataLimitExceeded"


@pytest.mark.parametrize(
    ("text", "code"), [(json.dumps("x" * 262_143), "ValidationException"), ("{", "InvalidExecutionInput")]
)
def test_execution_input_is_checked(emulator: Any, text: str, code: str) -> None:
    machine = emulator.machine("checked", {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    with pytest.raises(ClientError) as caught:
        emulator.client("stepfunctions").start_execution(stateMachineArn=machine, input=text)
    assert caught.value.response["Error"]["Code"] == code


WAITS = {"StartAt": "W", "States": {"W": {"Type": "Wait", "SecondsPath": "$.seconds", "End": True}}}


def test_wait_takes_its_seconds_from_the_input(emulator: Any) -> None:
    ended = emulator.run(emulator.machine("waits", WAITS), {"seconds": 1})
    assert ended["status"] == "SUCCEEDED"
    assert (ended["stopDate"] - ended["startDate"]).total_seconds() >= 1


def test_machine_time_out_ends_the_execution(emulator: Any) -> None:
    machine = emulator.machine("times-out", {**WAITS, "TimeoutSeconds": 1})
    ended = emulator.run(machine, {"seconds": 30})
    assert (ended["status"], ended["error"]) == ("TIMED_OUT", "States.Timeout")
    time.sleep(0.3)
    history = emulator.client("stepfunctions").get_execution_history(executionArn=ended["executionArn"])["events"]
    assert [event["type"] for event in history] == ["ExecutionStarted", "WaitStateEntered", "ExecutionTimedOut"]
    assert emulator.metric("AWS/States", "ExecutionsTimedOut", StateMachineArn=machine) == [1]


def test_task_time_out_is_catchable(emulator: Any) -> None:
    arn = emulator.function("slow", "import time\ndef handler(e, c): time.sleep(3)")
    definition = task(arn, TimeoutSeconds=1, Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "Late"}])
    definition["States"]["Late"] = {"Type": "Pass", "End": True}
    output = json.loads(emulator.run(emulator.machine("slow-task", definition, may_invoke(arn)))["output"])
    assert output["Error"] == "States.Timeout"


def test_stopped_execution_runs_nothing_more_and_tells(emulator: Any, work: str) -> None:
    definition = {
        "StartAt": "W",
        "States": {
            "W": {"Type": "Wait", "Seconds": 30, "Next": "Go"},
            "Go": {"Type": "Task", "Resource": work, "End": True},
        },
    }
    machine = emulator.machine("stops", definition, may_invoke(work))
    sqs, events, client = emulator.client("sqs"), emulator.client("events"), emulator.client("stepfunctions")
    queue = sqs.create_queue(QueueName="stopped")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    document = json.dumps({"Statement": [{**policy, "Resource": arn}]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": document})
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [machine], "status": ["ABORTED"]}}
    events.put_rule(Name="stopped", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="stopped", Targets=[{"Id": "q", "Arn": arn}])
    execution = client.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    time.sleep(0.4)
    client.stop_execution(executionArn=execution, error="Enough", cause="told to")
    detail = json.loads(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"][0]["Body"])["detail"]
    assert (detail["executionArn"], detail["status"]) == (execution, "ABORTED")
    time.sleep(0.3)
    history = client.get_execution_history(executionArn=execution)["events"]
    assert history[-1]["type"] == "ExecutionAborted"
    assert client.describe_execution(executionArn=execution)["status"] == "ABORTED"
    assert emulator.metric("AWS/States", "ExecutionsAborted", StateMachineArn=machine) == [1]


def test_executions_are_measured(emulator: Any) -> None:
    states = {
        "C": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.ok", "BooleanEquals": True, "Next": "Good"}],
            "Default": "Bad",
        },
        "Good": {"Type": "Succeed"},
        "Bad": {"Type": "Fail", "Error": "E"},
    }
    machine = emulator.machine("measured", {"StartAt": "C", "States": states})
    for ok in (True, True, False):
        emulator.run(machine, {"ok": ok})
    counts = {
        name: emulator.metric("AWS/States", f"Executions{name}", StateMachineArn=machine)
        for name in ("Started", "Succeeded", "Failed")
    }
    assert counts == {"Started": [3], "Succeeded": [2], "Failed": [1]}
    assert emulator.metric("AWS/States", "ExecutionTime", "SampleCount", StateMachineArn=machine) == [3]


@pytest.mark.parametrize("with_data", [True, False])
def test_history_reaches_the_log_group_with_data_only_if_asked(emulator: Any, with_data: bool) -> None:
    name = f"logged-{str(with_data).lower()}"
    logs = emulator.client("logs")
    logs.create_log_group(logGroupName=name)
    arn = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]["arn"]
    configuration = {
        "level": "ALL",
        "includeExecutionData": with_data,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}],
    }
    definition = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    machine = emulator.machine(name, definition, loggingConfiguration=configuration)
    emulator.run(machine, {"prompt": "canary"})
    messages = [event["message"] for event in logs.filter_log_events(logGroupName=name)["events"]]
    assert [json.loads(message)["type"] for message in messages] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    assert any("canary" in message for message in messages) is with_data

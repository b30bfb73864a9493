"""EventBridge in the emulator: which targets a rule may reach, and input transformers."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from rft_local.emulator.environment import ACCOUNT

pytestmark = pytest.mark.embedded

NOTES = """
    import json
    def handler(event, context):
        print("got", json.dumps(event))
        if event.get("fail"): raise RuntimeError("no")
"""


def logged(emulator: Any, name: str) -> list[str]:
    groups = emulator.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
    if not groups:
        return []
    events = emulator.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    return [event["message"] for event in events if event["message"].startswith("got")]


def wait_for(ask: Any, seconds: float = 5) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := ask()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def rule(emulator: Any, name: str, target: dict[str, Any], source: str) -> str:
    events = emulator.client("events")
    arn = events.put_rule(Name=name, EventPattern=json.dumps({"source": [source]}))["RuleArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "t", **target}])
    return str(arn)


def send(emulator: Any, source: str, detail: dict[str, Any]) -> None:
    entry = {"Source": source, "DetailType": "Test", "Detail": json.dumps(detail)}
    emulator.client("events").put_events(Entries=[entry])


def test_function_gets_the_transformed_event_only_with_permission(emulator: Any) -> None:
    arn = emulator.function("notes", NOTES)
    transformer = {"InputPathsMap": {"id": "$.detail.id"}, "InputTemplate": '{"run": <id>, "kind": "closed"}'}
    rule_arn = rule(emulator, "to-notes", {"Arn": arn, "InputTransformer": transformer}, "probe.notes")
    send(emulator, "probe.notes", {"id": "r0"})
    time.sleep(0.5)
    assert logged(emulator, "notes") == []
    emulator.client("lambda").add_permission(
        FunctionName="notes",
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule_arn,
    )
    send(emulator, "probe.notes", {"id": "r1"})
    assert wait_for(lambda: logged(emulator, "notes")) == ['got {"run": "r1", "kind": "closed"}']


def test_failing_function_is_retried_as_an_asynchronous_invocation(emulator: Any) -> None:
    arn = emulator.function("stumbles", NOTES)
    client = emulator.client("lambda")
    client.put_function_event_invoke_config(FunctionName="stumbles", MaximumRetryAttempts=1)
    rule_arn = rule(emulator, "to-stumbles", {"Arn": arn, "Input": '{"fail": true}'}, "probe.stumbles")
    client.add_permission(
        FunctionName="stumbles",
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule_arn,
    )
    send(emulator, "probe.stumbles", {})
    assert wait_for(lambda: len(logged(emulator, "stumbles")) == 2)


@pytest.mark.parametrize("allowed", [True, False])
def test_machine_is_started_with_the_role_of_the_target(emulator: Any, allowed: bool) -> None:
    name = f"started-{str(allowed).lower()}"
    machine = emulator.machine(name, {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    action = "states:StartExecution" if allowed else "states:DescribeExecution"
    role = emulator.role(f"{name}-rule", "events.amazonaws.com", [{"Action": action, "Resource": machine}])
    rule(emulator, name, {"Arn": machine, "RoleArn": role}, f"probe.{name}")
    send(emulator, f"probe.{name}", {})
    client = emulator.client("stepfunctions")

    def executions() -> list[Any]:
        return list(client.list_executions(stateMachineArn=machine)["executions"])

    found = wait_for(executions, 5 if allowed else 0.7)
    assert len(found) == (1 if allowed else 0)


def test_event_of_a_service_reaches_a_rule(emulator: Any) -> None:
    machine = emulator.machine("hears-bedrock", {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    start = {"Action": "states:StartExecution", "Resource": machine}
    role = emulator.role("hears-bedrock-rule", "events.amazonaws.com", [start])
    rule(emulator, "hears-bedrock", {"Arn": machine, "RoleArn": role, "InputPath": "$.detail"}, "aws.bedrock")
    entry = {"Source": "aws.bedrock", "DetailType": "T", "Resources": ["arn:r"], "Detail": '{"status": "Completed"}'}
    assert emulator.control("/_rft/service-event", entry)[0] == 200
    assert emulator.control("/_rft/service-event", {**entry, "Source": "mine"})[0] == 400
    client = emulator.client("stepfunctions")
    (execution,) = wait_for(lambda: client.list_executions(stateMachineArn=machine)["executions"])
    described = emulator.ended(execution["executionArn"])
    assert json.loads(described["input"]) == {"status": "Completed"}


def test_object_created_reaches_a_rule(emulator: Any) -> None:
    s3, sqs = emulator.client("s3"), emulator.client("sqs")
    s3.create_bucket(Bucket="eventful")
    s3.put_bucket_notification_configuration(
        Bucket="eventful", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    queue = sqs.create_queue(QueueName="eventful")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:eventful"
    policy = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    document = json.dumps({"Statement": [{**policy, "Resource": arn}]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": document})
    pattern = {"source": ["aws.s3"], "detail": {"object": {"key": [{"prefix": "in/"}]}}}
    emulator.client("events").put_rule(Name="eventful", EventPattern=json.dumps(pattern))
    emulator.client("events").put_targets(Rule="eventful", Targets=[{"Id": "q", "Arn": arn}])
    s3.put_object(Bucket="eventful", Key="out/a", Body=b"x")
    s3.put_object(Bucket="eventful", Key="in/b", Body=b"x")
    messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=3, MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(message["Body"])["detail"]["object"]["key"] for message in messages] == ["in/b"]

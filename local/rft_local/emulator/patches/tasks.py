"""Step Functions patches: what a Task state calls, and as whom."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from rft_local.emulator.patches.executions import check_running, check_size, current_role, failure
from rft_local.emulator.sdk import RoleClients, SdkError
from rft_local.emulator.upstream import replace, require, wrap

SERVICE = "services.stepfunctions"
POLL_SECONDS = 0.5
MAX_POLL_SECONDS = 5.0
OPTIMIZED = {
    "sns:publish": ("Message",),
    "sqs:sendMessage": ("MessageBody",),
    "events:putEvents": (),
    "dynamodb:putItem": (),
    "dynamodb:getItem": (),
    "dynamodb:deleteItem": (),
    "dynamodb:updateItem": (),
}
INVOKE_OPTIONS = ("InvocationType", "Qualifier", "ClientContext")

Call = Callable[[str, str, Mapping[str, Any]], Any]


def call_services_as_the_role(clients: RoleClients) -> None:
    """Makes every task's call over HTTP, signed as the state machine's role, so that IAM is evaluated.

    Gap: ministack performs tasks inside its own process, without permissions, and knows few services.
    AWS: a task calls with the role of the state machine, and `aws-sdk` integrations reach every service ("How Step
    Functions generates IAM policies for integrated services"; "Learning to use AWS service SDK integrations").
    A result over 256 KiB fails the task ("Quotas related to state machine executions").
    """
    call = _call(clients)
    dispatch = require(SERVICE, "_SERVICE_DISPATCH")
    for name in OPTIMIZED:
        dispatch[f"arn:aws:states:::{name}"] = _optimized(call)
    dispatch["arn:aws:states:::bedrock:createModelCustomizationJob"] = _customization_job(call)
    dispatch["arn:aws:states:::bedrock:invokeModel"] = _invoke_model(call)
    replace(SERVICE, "_call_lambda", lambda function, event: _invoke(clients, function, event)["Payload"])
    replace(SERVICE, "_invoke_aws_sdk_integration", _aws_sdk(call))
    replace(SERVICE, "_invoke_nested_start_execution", _start_execution(call))
    replace(SERVICE, "_invoke_nested_start_execution_sync", _start_execution(call))
    wrap(SERVICE, "_invoke_resource", _invoke_resource(clients))


def _call(clients: RoleClients) -> Call:
    """Performs one service call as the role of the current execution."""

    def call(service: str, action: str, parameters: Mapping[str, Any]) -> Any:
        try:
            return clients.call(service, action, parameters, current_role())
        except SdkError as error:
            raise failure(error.error, error.cause) from None

    return call


def _invoke_resource(clients: RoleClients) -> Callable[..., Any]:
    """Performs one task: checks that the execution still runs, and the size of the result."""

    def invoke(original: Any, resource: str, parameters: Any) -> Any:
        check_running()
        if resource.startswith("arn:aws:states:::lambda:invoke"):
            options = {name: parameters[name] for name in INVOKE_OPTIONS if name in parameters}
            result = _invoke(clients, parameters.get("FunctionName", ""), parameters.get("Payload"), **options)
        else:
            result = original(resource, parameters)
        check_running()
        check_size(json.dumps(result), "The state/task")
        return result

    return invoke


def _invoke(clients: RoleClients, function: str, event: Any, **options: str) -> dict[str, Any]:
    """Invokes a function; a function error becomes a failed task under the exception's name."""
    client = clients.client("lambda", current_role())
    payload = json.dumps({} if event is None else event).encode()
    try:
        response = client.invoke(FunctionName=function, Payload=payload, **options)
    except ClientError as error:
        details = error.response["Error"]
        raise failure(f"Lambda.{details.get('Code')}", details.get("Message", "")) from None
    body = json.loads(response["Payload"].read() or b"null")
    if response.get("FunctionError"):
        name = body.get("errorType") if isinstance(body, dict) else None
        raise failure(name or "Lambda.Unknown", json.dumps(body))
    return {"ExecutedVersion": response.get("ExecutedVersion"), "Payload": body, "StatusCode": response["StatusCode"]}


def _aws_sdk(call: Call) -> Callable[[str, Any], Any]:
    """The generic integration `arn:aws:states:::aws-sdk:<service>:<action>`."""

    def invoke(resource: str, parameters: Any) -> Any:
        *_, service, action = resource.split(".")[0].split(":")
        return call(service.lower(), action, parameters or {})

    return invoke


def _optimized(call: Call) -> Callable[[str, Any], Any]:
    """Integrations that differ from the SDK only in taking JSON where the service takes text."""

    def invoke(resource: str, parameters: Any) -> Any:
        name = resource.removeprefix("arn:aws:states:::").split(".")[0]
        service, action = name.split(":")
        service = "eventbridge" if service == "events" else service
        texts = OPTIMIZED[name]
        arguments = {
            key: json.dumps(value) if key in texts and not isinstance(value, str) else value
            for key, value in parameters.items()
        }
        if name == "events:putEvents":
            arguments["Entries"] = [_entry(entry) for entry in parameters.get("Entries", [])]
        return call(service, action, arguments)

    return invoke


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An EventBridge entry with its detail as text."""
    detail = entry.get("Detail", {})
    return {**entry, "Detail": detail if isinstance(detail, str) else json.dumps(detail)}


def _poll(ask: Callable[[], Any], ended: Callable[[Any], bool]) -> Any:
    """Asks again and again until something has ended, as `.sync` integrations do."""
    pause = POLL_SECONDS
    while True:
        answer = ask()
        if ended(answer):
            return answer
        time.sleep(pause)
        check_running()
        pause = min(pause * 1.5, MAX_POLL_SECONDS)


def _customization_job(call: Call) -> Callable[[str, Any], Any]:
    """`bedrock:createModelCustomizationJob`, with `.sync` until the job has ended."""

    def invoke(resource: str, parameters: Any) -> Any:
        job = call("bedrock", "createModelCustomizationJob", parameters)
        if not resource.endswith(".sync"):
            return job
        identifier = {"JobIdentifier": job["JobArn"]}
        final = _poll(
            lambda: call("bedrock", "getModelCustomizationJob", identifier),
            lambda answer: answer["Status"] not in ("InProgress", "Stopping"),
        )
        if final["Status"] != "Completed":
            raise failure("States.TaskFailed", json.dumps(final))
        return final

    return invoke


def _invoke_model(call: Call) -> Callable[[str, Any], Any]:
    """`bedrock:invokeModel`, whose body is JSON in both directions."""

    def invoke(resource: str, parameters: Any) -> Any:
        answer = call("bedrockruntime", "invokeModel", parameters)
        return {**answer, "Body": json.loads(answer["Body"])}

    return invoke


def _start_execution(call: Call) -> Callable[[str, Any], Any]:
    """`states:startExecution`, with `.sync` and `.sync:2` until the child has ended."""

    def invoke(resource: str, parameters: Any) -> Any:
        given = parameters.get("Input", {})
        text = given if isinstance(given, str) else json.dumps(given)
        started = call("sfn", "startExecution", {**parameters, "Input": text})
        mode = resource.removeprefix("arn:aws:states:::states:startExecution")
        if not mode.startswith(".sync"):
            return started
        child = {"ExecutionArn": started["ExecutionArn"]}
        final = _poll(
            lambda: call("sfn", "describeExecution", child),
            lambda answer: answer["Status"] != "RUNNING",
        )
        if final["Status"] != "SUCCEEDED":
            raise failure("States.TaskFailed", json.dumps(final))
        return {**final, "Output": json.loads(final["Output"])} if mode == ".sync:2" else final

    return invoke

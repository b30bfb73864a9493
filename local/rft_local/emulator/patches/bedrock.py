"""Bedrock patches: requests are authorized here and answered by our own endpoint, never by ministack's mock."""

from __future__ import annotations

import contextvars
import http.client
import json
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rft_local.emulator.authorization import principal_policies
from rft_local.emulator.bedrock_authorization import INVOKE_ACTIONS, Request, actions, read_request
from rft_local.emulator.environment import ACCOUNT, HOST
from rft_local.emulator.patches.alarms import metrics_changed
from rft_local.emulator.undocumented import DeploymentMetrics, ModelTags, StopTags, Undocumented
from rft_local.emulator.upstream import require, wrap

SERVICES = ("bedrock", "bedrock-runtime")
CALLER_HEADER = "x-rft-caller-arn"
TIMEOUT_SECONDS = 910
OK = 200
DEPLOYMENT = ":custom-model-deployment/"
HOP_BY_HOP = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding", "expect"})

STOPS = frozenset({"StopModelCustomizationJob"})
USES = frozenset(INVOKE_ACTIONS) | {
    "CreateCustomModelDeployment",
    "UpdateCustomModelDeployment",
    "DeleteCustomModelDeployment",
    "DeleteCustomModel",
}

raw_target: contextvars.ContextVar[str] = contextvars.ContextVar("raw_target", default="")


def forward_bedrock(url: str, undocumented: Undocumented) -> None:
    """Forwards Bedrock's control plane and runtime over HTTP, path and query as they came.

    Gap: ministack answers with a mock whose jobs never end and whose models reply with canned text.
    AWS: "Amazon Bedrock API Reference". If the endpoint is down, callers get 503 `ServiceUnavailableException`.

    Args:
        url: Base URL of the endpoint; it is told the caller's ARN in the header `x-rft-caller-arn`.
        undocumented: At which requests IAM is told the tags of the resource, and what metrics call a deployment.
    """

    async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        run = require("core.concurrency", "run_reentrant")
        target = raw_target.get() or path
        return await run(_answer, url, undocumented, method, target, headers, body, thread_name="bedrock-forward")

    handlers = require("app", "SERVICE_HANDLERS")
    for service in SERVICES:
        handlers[service] = handle


def authorize_bedrock_by_resource() -> None:
    """Leaves the authorization of Bedrock requests to this module.

    Gap: ministack names the action of Converse `bedrock:Converse`, which does not exist, and asks most operations for
    the resource `*`, which no least-privilege policy allows.
    AWS: "Actions, resources, and condition keys for Amazon Bedrock" (Service Authorization Reference).
    """

    def extract(original: Any, service: str, *arguments: Any, **options: Any) -> Any:
        return None if service in SERVICES else original(service, *arguments, **options)

    wrap("core.iam_actions", "extract_iam_action", extract)


def _count_invocation(model: str, named_by: DeploymentMetrics) -> None:
    """Records the metric `Invocations` of a deployment; those of other models have no reader here.

    Source: Bedrock user guide, "Monitor bedrock-runtime inference using CloudWatch metrics".
    """
    if DEPLOYMENT not in model:
        return
    name = model if named_by is DeploymentMetrics.ARN else model.rpartition("/")[2]
    require("services.cloudwatch", "record_metric")("AWS/Bedrock", "Invocations", 1, "Count", {"ModelId": name})
    metrics_changed()


def _answer(
    url: str, undocumented: Undocumented, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> Any:
    """Authorizes one request, then forwards it and counts it."""
    split = urlsplit(target)
    request = read_request(method, split.path, parse_qs(split.query), body)
    refusal = _refusal(url, undocumented, request, headers)
    if refusal is not None:
        return refusal
    caller = require("core.iam_evaluator", "caller_arn")()
    try:
        answer = _forward(url, method, target, {**_forwarded(headers), CALLER_HEADER: caller}, body)
    except OSError as error:
        return _error("ServiceUnavailableException", f"the Bedrock endpoint at {url} does not answer: {error}", 503)
    if request.operation in INVOKE_ACTIONS and answer[0] == OK:
        _count_invocation(request.path_value, undocumented.deployment_metrics)
    return answer


def _refusal(url: str, undocumented: Undocumented, request: Request, headers: Mapping[str, str]) -> Any:
    """The response to a request the caller may not make; None when it may."""
    enforce = require("core.iam_evaluator", "enforce")
    key = require("core.router", "extract_access_key_id")(headers, {})
    region = require("core.responses", "get_region")()
    told = _are_tags_told(undocumented, request.operation)
    by_tags = told and _asks_for_tags(require("core.iam_evaluator", "caller_arn")())
    for action, resource, context in actions(request):
        with_tags = {**context, **_resource_tags(url, resource)} if by_tags else context
        denied = enforce(key, action, "bedrock", region, resource_arn=resource, service_context=with_tags)
        if denied is None:
            continue
        if isinstance(denied, require("core.iam_evaluator", "AuthError")):
            return _error(denied.code, denied.message, 403)
        explicit = (
            "with an explicit deny" if denied.decision == "Deny" else "because no identity-based policy allows it"
        )
        message = (
            f"User: {denied.principal_arn} is not authorized to perform: {action} on resource: {resource} {explicit}"
        )
        return _error("AccessDeniedException", message, 403)
    return None


def _are_tags_told(undocumented: Undocumented, operation: str) -> bool:
    """Whether IAM is told the resource's tags at an operation."""
    if operation in STOPS:
        return undocumented.stop_tags is StopTags.TOLD
    return operation not in USES or undocumented.model_tags is ModelTags.TOLD


def _asks_for_tags(caller: str) -> bool:
    """Whether a policy of the caller has a condition on the resource's tags; others need not ask for them."""
    known = principal_policies(caller)
    return known is not None and require("core.iam_evaluator", "_names_condition_key")(known[0], "aws:resourcetag/")


def _resource_tags(url: str, resource: str) -> dict[str, str]:
    """The tags of a Bedrock resource as condition keys; none when it does not exist or takes no tags."""
    if ":foundation-model/" in resource or ":inference-profile/" in resource or resource.endswith("*"):
        return {}
    headers = {"content-type": "application/json", CALLER_HEADER: f"arn:aws:iam::{ACCOUNT}:root"}
    try:
        status, _, body = _forward(
            url, "POST", "/listTagsForResource", headers, json.dumps({"resourceARN": resource}).encode()
        )
        tags = json.loads(body).get("tags", []) if status == 200 else []
    except (OSError, ValueError):
        return {}
    return {f"aws:ResourceTag/{tag['key']}": tag["value"] for tag in tags}


def _forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that belong to the message and not to its connection."""
    return {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP | {CALLER_HEADER}}


def _forward(
    url: str, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """One HTTP exchange with the endpoint.

    Raises:
        OSError: When the endpoint does not answer.
    """
    base = urlsplit(url)
    connection = http.client.HTTPConnection(base.hostname or HOST, base.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, base.path.rstrip("/") + target, body=body or None, headers=dict(headers))
        response = connection.getresponse()
        kept = {name: value for name, value in response.getheaders() if name.lower() not in HOP_BY_HOP}
        return response.status, kept, response.read()
    except http.client.HTTPException as error:
        raise OSError(f"broken answer ({type(error).__name__})") from error
    finally:
        connection.close()


def _error(code: str, message: str, status: int) -> Any:
    """An error in the form of Bedrock's protocol (REST with JSON)."""
    headers = {"Content-Type": "application/json", "x-amzn-errortype": code, "x-amzn-requestid": str(uuid.uuid4())}
    return status, headers, json.dumps({"message": message}).encode()

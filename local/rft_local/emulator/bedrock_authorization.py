"""Which IAM actions, resources and condition keys a Bedrock request is checked against.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock". An action with
several required resources is checked on each. CreateModelCustomizationJob is checked on the foundation model, on
`custom-model/*` and, because the Step Functions Developer Guide lists it too, on `model-customization-job/*`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from rft_local.emulator.environment import ACCOUNT, REGION
from rft_local.emulator.upstream import require

INVOKE_ACTIONS = {
    "Converse": "InvokeModel",
    "InvokeModel": "InvokeModel",
    "ConverseStream": "InvokeModelWithResponseStream",
    "InvokeModelWithResponseStream": "InvokeModelWithResponseStream",
    "InvokeModelWithBidirectionalStream": "InvokeModelWithResponseStream",
    "CountTokens": "CountTokens",
}
PATH_RESOURCES = {
    "GetModelCustomizationJob": "model-customization-job",
    "StopModelCustomizationJob": "model-customization-job",
    "GetCustomModel": "custom-model",
    "DeleteCustomModel": "custom-model",
    "GetCustomModelDeployment": "custom-model-deployment",
    "UpdateCustomModelDeployment": "custom-model-deployment",
    "DeleteCustomModelDeployment": "custom-model-deployment",
    "GetFoundationModel": "foundation-model",
    "GetInferenceProfile": "inference-profile",
}
BODY_RESOURCES = {
    "CreateCustomModelDeployment": "modelArn",
    "TagResource": "resourceARN",
    "UntagResource": "resourceARN",
    "ListTagsForResource": "resourceARN",
}
TAG_FIELDS = ("tags", "jobTags", "customModelTags")
PROFILE = re.compile(r"(?:us|us-gov|eu|apac|jp|au|ca|sa|global)\.(?P<model>.+)")

Check = tuple[str, str, dict[str, Any]]


@dataclass(frozen=True)
class Request:
    """A Bedrock request as far as authorization looks at it.

    Attributes:
        operation: Name of the API operation; empty for an unknown one.
        path_value: The identifier in the path, decoded; empty when there is none.
        body: The JSON body; empty when there is none.
    """

    operation: str
    path_value: str
    body: Mapping[str, Any]


def read_request(method: str, raw_path: str, query: Mapping[str, Sequence[str]], body: bytes) -> Request:
    """Recognizes a request by botocore's service models.

    Args:
        method: HTTP method.
        raw_path: The path with its percent-encoding, so that an ARN stays one segment.
        query: Query parameters.
        body: The request's body.

    Returns:
        The request.
    """
    service = "bedrock-runtime" if raw_path.startswith(("/model/", "/guardrail/", "/async-invoke")) else "bedrock"
    operation = require("core.iam_actions", "_match_rest_action")(service, method, unquote(raw_path), dict(query))
    segments = [unquote(segment) for segment in raw_path.strip("/").split("/")]
    if service == "bedrock-runtime" and segments[0] == "model":
        operation = _runtime_operation(segments) or operation
    try:
        document = json.loads(body) if body else {}
    except ValueError:
        document = {}
    return Request(str(operation or ""), _identifier(segments), document if isinstance(document, dict) else {})


def _runtime_operation(segments: Sequence[str]) -> str:
    """The operation of `/model/<id>/<verb>`, whose id may be an ARN with slashes."""
    return {
        "converse": "Converse",
        "converse-stream": "ConverseStream",
        "invoke": "InvokeModel",
        "invoke-with-response-stream": "InvokeModelWithResponseStream",
        "count-tokens": "CountTokens",
    }.get(segments[-1], "")


def _identifier(segments: Sequence[str]) -> str:
    """The resource named in a path: `/model/<id>/<verb>`, `/<collection>/<id>` or `/model-customization/<c>/<id>`."""
    if segments[0] == "model-customization":
        return segments[2] if len(segments) > 2 else ""
    return segments[1] if len(segments) > 1 else ""


def arn(kind: str, identifier: str) -> str:
    """The ARN of a resource named by id, name or ARN."""
    if identifier.startswith("arn:"):
        return identifier
    owner = "" if kind == "foundation-model" else ACCOUNT
    return f"arn:aws:bedrock:{REGION}:{owner}:{kind}/{identifier}"


def actions(request: Request) -> Iterator[Check]:
    """The checks a request must pass.

    Args:
        request: The request.

    Yields:
        Action, resource and condition keys of each check.
    """
    operation, body = request.operation, request.body
    context = _request_tags(body)
    if operation in INVOKE_ACTIONS:
        yield from _invocation(f"bedrock:{INVOKE_ACTIONS[operation]}", request.path_value)
        return
    action = f"bedrock:{operation or 'UnknownOperation'}"
    if operation == "CreateModelCustomizationJob":
        resources = [arn("foundation-model", str(body.get("baseModelIdentifier", ""))), arn("custom-model", "*")]
        resources.append(arn("model-customization-job", "*"))
    elif operation in PATH_RESOURCES:
        resources = [arn(PATH_RESOURCES[operation], request.path_value)]
        resources += (
            [str(body["modelArn"])] if operation == "UpdateCustomModelDeployment" and "modelArn" in body else []
        )
    elif operation in BODY_RESOURCES:
        resources = [str(body.get(BODY_RESOURCES[operation], ""))]
    else:
        resources = ["*"]
    for resource in resources:
        yield action, resource, context


def _invocation(action: str, model: str) -> Iterator[Check]:
    """The checks of an invocation: an inference profile needs its own ARN and that of its model."""
    profile = PROFILE.fullmatch(model.rsplit("/", 1)[-1])
    if profile is None:
        kind = model.split(":", 5)[-1].split("/")[0] if model.startswith("arn:") else "foundation-model"
        yield action, arn(kind, model), {}
        return
    profile_arn = arn("inference-profile", model)
    yield action, profile_arn, {}
    yield action, arn("foundation-model", profile["model"]), {"bedrock:InferenceProfileArn": profile_arn}


def _request_tags(body: Mapping[str, Any]) -> dict[str, Any]:
    """The tags a request sets, as condition keys."""
    tags = [tag for field in TAG_FIELDS for tag in body.get(field) or [] if isinstance(tag, dict)]
    keys = {f"aws:RequestTag/{tag.get('key')}": tag.get("value") for tag in tags}
    return {**keys, "aws:TagKeys": sorted({str(tag.get("key")) for tag in tags})} if tags else {}

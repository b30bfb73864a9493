"""Routing, reading and writing of requests by botocore's models of `bedrock` and `bedrock-runtime`.

Source: the service models that ship with botocore (`botocore/data/bedrock*/*/service-2.json.gz`), protocol rest-json.
"""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.model import ServiceModel as BotocoreServiceModel
from botocore.utils import parse_timestamp

from rft_contract.json_value import JsonObject, JsonValue
from rft_local.bedrock.constraint import error_message, violations
from rft_local.bedrock.service_error import ServiceError, invalid

SERVICES = ("bedrock", "bedrock-runtime")

_DEFAULT_STATUS = {"UnknownOperationException": 404, "NotImplementedException": 501}


@dataclass(frozen=True)
class HttpRequest:
    """What arrived.

    Args:
        method: HTTP method.
        target: Path and query as they came over the wire, percent-encoded or not.
        headers: Header names in lower case.
        body: The raw body.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class HttpResponse:
    """What goes back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Route:
    """An operation and the labels its path carries."""

    operation: OperationModel
    labels: Mapping[str, str]


class ServiceModel:
    """The two services, as one set of operations told apart by method and path."""

    def __init__(self) -> None:
        models = _service_models()
        operations = [model.operation_model(name) for model in models for name in model.operation_names]
        self._routes = [_Template(operation) for operation in operations]
        self._error_status = {
            shape.name: int(shape.metadata["error"]["httpStatusCode"])
            for model in models
            for shape in model.error_shapes
            if "error" in shape.metadata
        }

    def route(self, request: HttpRequest) -> Route:
        """Find the operation of a request.

        A label may hold slashes, because a proxy may have decoded the ARN in it; the template with the most literal
        text wins.

        Raises:
            ServiceError: UnknownOperationException when no operation has this method and path.
        """
        path = urlsplit(request.target).path
        found = [
            (template.literal, template.operation, match)
            for template in self._routes
            if template.method == request.method and (match := template.pattern.fullmatch(path))
        ]
        if not found:
            raise ServiceError("UnknownOperationException", f"no operation has the path {request.method} {path}")
        _, operation, match = max(found, key=lambda item: item[0])
        return Route(operation, {name: unquote(text) for name, text in match.groupdict().items()})

    def members(self, route: Route, request: HttpRequest) -> JsonObject:
        """Read and check the input of an operation.

        Returns:
            The members that are present; timestamps as seconds since the epoch. A blob payload is left out: it is the
            request's body.

        Raises:
            ServiceError: ValidationException naming every member that breaks a constraint.
        """
        shape = route.operation.input_shape
        if shape is None:
            return {}
        if not isinstance(shape, StructureShape):
            raise TypeError(f"{route.operation.name}: its input is no structure")
        values = _body_members(shape, request.body)
        values.update(_located_members(shape, route.labels, request))
        found = list(violations(values, shape))
        if found:
            raise invalid(error_message(found))
        return {name: value for name, value in values.items() if name in shape.members and value is not None}

    def response(
        self, operation: OperationModel, members: JsonObject, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """Write the output of an operation, checked against its own shape.

        Args:
            operation: The operation.
            members: Its output; timestamps as seconds since the epoch; the value of a blob payload is written as JSON.
            headers: More headers.

        Raises:
            ValueError: When the output breaks the service's model: a fault of this endpoint, never of the caller.
        """
        shape = operation.output_shape
        sent = dict(headers or {}) | {"content-type": "application/json"}
        status = int(operation.http.get("responseCode", 200))
        if not isinstance(shape, StructureShape):
            return HttpResponse(status, sent, b"{}")
        present: JsonObject = {name: value for name, value in members.items() if value is not None}
        found = list(violations(present, shape))
        unknown = sorted(set(present) - set(shape.members))
        if found or unknown:
            raise ValueError(f"{operation.name}: response breaks the service model: {found or unknown}")
        payload = shape.serialization.get("payload")
        written = present[payload] if payload else _written(_in_body(present, shape), shape)
        return HttpResponse(status, sent, json.dumps(written, ensure_ascii=False).encode())

    def error(self, error: ServiceError) -> HttpResponse:
        """Write an error with its own HTTP status (ConflictException is 400 in this service, not 409)."""
        status = self._error_status.get(error.code, _DEFAULT_STATUS.get(error.code, 500))
        headers = {"content-type": "application/json", "x-amzn-errortype": error.code}
        return HttpResponse(status, headers, json.dumps({"message": error.message}).encode())


class _Template:
    """An operation's method and path as a regular expression."""

    def __init__(self, operation: OperationModel) -> None:
        self.operation = operation
        self.method = operation.http["method"]
        uri = operation.http["requestUri"].split("?")[0]
        parts = re.split(r"\{(\w+)\+?\}", uri)
        self.literal = sum(map(len, parts[::2]))
        self.pattern = re.compile(
            "".join(f"(?P<{part}>.+)" if number % 2 else re.escape(part) for number, part in enumerate(parts))
        )


@functools.cache
def _service_models() -> tuple[BotocoreServiceModel, ...]:
    """Return botocore's models; reading them takes a good part of a second."""
    session = botocore.session.get_session()
    return tuple(session.get_service_model(service) for service in SERVICES)


def _body_members(shape: StructureShape, body: bytes) -> JsonObject:
    if shape.serialization.get("payload") or not body:
        return {}
    try:
        value = json.loads(body)
    except ValueError:
        raise invalid("the request body is not JSON") from None
    if not isinstance(value, dict):
        raise invalid(f"the request body is a {type(value).__name__}, wanted a JSON object")
    return {
        name: _read(item, shape.members[name])
        for name, item in value.items()
        if name in shape.members and "location" not in shape.members[name].serialization
    }


def _located_members(shape: StructureShape, labels: Mapping[str, str], request: HttpRequest) -> JsonObject:
    query = parse_qs(urlsplit(request.target).query, keep_blank_values=True)
    values: JsonObject = {}
    for name, member in shape.members.items():
        wire = member.serialization.get("name", name)
        match member.serialization.get("location"):
            case "uri":
                values[name] = labels.get(wire)
            case "querystring" if wire in query:
                values[name] = _from_text(query[wire][0], member)
            case "header" if wire.lower() in request.headers:
                values[name] = request.headers[wire.lower()]
    return values


def _from_text(text: str, shape: Shape) -> JsonValue:
    """Read a member of the query; what cannot be read stays text, and then has the wrong type."""
    try:
        match shape.type_name:
            case "integer" | "long":
                return int(text)
            case "boolean":
                return {"true": True, "false": False}.get(text, text)
            case "timestamp":
                return _seconds(text)
    except ValueError:
        return text
    return text


def _read(value: JsonValue, shape: Shape) -> JsonValue:
    """Turn the timestamps inside a decoded body into seconds since the epoch."""
    if shape.type_name == "timestamp" and isinstance(value, str):
        return _seconds(value)
    if isinstance(shape, StructureShape) and isinstance(value, dict) and not shape.metadata.get("document"):
        return {
            name: _read(item, shape.members[name]) if name in shape.members else item for name, item in value.items()
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_read(item, shape.member) for item in value]
    return value


def _written(value: JsonValue, shape: Shape) -> JsonValue:
    """Turn seconds since the epoch into the ISO 8601 timestamps of the wire."""
    if shape.type_name == "timestamp" and isinstance(value, (int, float)):
        return iso8601(value)
    if isinstance(shape, StructureShape) and isinstance(value, dict) and not shape.metadata.get("document"):
        return {name: _written(item, shape.members[name]) for name, item in value.items() if item is not None}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_written(item, shape.member) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {name: _written(item, shape.value) for name, item in value.items()}
    return value


def _in_body(members: JsonObject, shape: StructureShape) -> JsonObject:
    return {name: value for name, value in members.items() if "location" not in shape.members[name].serialization}


def iso8601(seconds: float) -> str:
    """Return a timestamp as Bedrock writes it, such as `2026-01-31T12:00:00.123Z`.

    Args:
        seconds: Since the epoch.
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(text: str) -> JsonValue:
    try:
        return float(parse_timestamp(text).timestamp())
    except ValueError:
        return text

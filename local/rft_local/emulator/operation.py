"""Which operation of which service an HTTP request asks for, by botocore's service models.

Source: Smithy specification, "AWS protocols": JSON names the operation in `X-Amz-Target`, query in `Action`, RPC v2
CBOR at the end of the path; the REST protocols bind it to method, path and what is required in query and headers.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import botocore.session
from botocore.model import OperationModel, ServiceModel, StructureShape

SDK_NAMES = {"monitoring": "cloudwatch", "states": "stepfunctions", "servicequotas": "service-quotas"}
"""botocore's name of a service where it is not that of its endpoint."""

_CBOR_PATH = re.compile(r"/service/[^/]+/operation/(\w+)")


def operation_of(service: str, method: str, target: str, headers: Mapping[str, str], body: bytes) -> str:
    """Name the operation of a request.

    Args:
        service: botocore's name of the service.
        method: HTTP method.
        target: Path and query, percent-encoded as they came.
        headers: Names in lower case.
        body: The body.

    Returns:
        Its name, such as `PutObject`; empty when no operation of the service looks like this.
    """
    split = urlsplit(target)
    if found := _CBOR_PATH.fullmatch(split.path):
        return found[1]
    if "." in headers.get("x-amz-target", ""):
        return headers["x-amz-target"].rsplit(".", 1)[-1]
    query = parse_qs(split.query, keep_blank_values=True)
    form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    action = query.get("Action") or (parse_qs(body.decode("utf-8", "replace")).get("Action") if form else None)
    if action:
        return action[0]
    path = split.path.rstrip("/") or "/"
    fitting = [route for route in _routes(service) if route.fits(method, path, query, headers)]
    return max(fitting, key=lambda route: route.weight).name if fitting else ""


@functools.cache
def service_model(service: str) -> ServiceModel:
    """Return botocore's model of a service.

    Raises:
        UnknownServiceError: When there is none of this name.
    """
    return botocore.session.get_session().get_service_model(service)


@dataclass(frozen=True)
class _Route:
    """How the REST protocols bind one operation.

    Args:
        name: The operation.
        method: HTTP method.
        path: What its path looks like.
        query: What must be in the query; a value of None may be any.
        headers: Headers that must be there.
        literal: Characters of the path that are always the same.
    """

    name: str
    method: str
    path: re.Pattern[str]
    query: Mapping[str, str | None]
    headers: frozenset[str]
    literal: int

    @property
    def weight(self) -> tuple[int, int]:
        """How much a fitting request says for this operation."""
        return self.literal, len(self.query) + len(self.headers)

    def fits(self, method: str, path: str, query: Mapping[str, list[str]], headers: Mapping[str, str]) -> bool:
        """Whether a request looks like this operation."""
        return (
            method == self.method
            and self.path.fullmatch(path) is not None
            and all(name in query and value in (None, query[name][0]) for name, value in self.query.items())
            and self.headers <= headers.keys()
        )


@functools.cache
def _routes(service: str) -> tuple[_Route, ...]:
    model = service_model(service)
    return tuple(_route(model.operation_model(name)) for name in model.operation_names)


def _route(operation: OperationModel) -> _Route:
    uri, _, fixed = operation.http["requestUri"].partition("?")
    query: dict[str, str | None] = {
        name: values[0] or None for name, values in parse_qs(fixed, keep_blank_values=True).items()
    }
    headers = set()
    shape = operation.input_shape
    members = shape.members if isinstance(shape, StructureShape) else {}
    for name in shape.required_members if isinstance(shape, StructureShape) else ():
        place = members[name].serialization
        if place.get("location") == "querystring":
            query.setdefault(place["name"])
        elif place.get("location") == "header":
            headers.add(place["name"].lower())
    parts = re.split(r"\{\w+(\+?)\}", uri.rstrip("/") or "/")
    # Every second part is the mark of a label that may hold slashes.
    pattern = "".join(
        (".+" if part else "[^/]+") if number % 2 else re.escape(part) for number, part in enumerate(parts)
    )
    return _Route(
        name=operation.name,
        method=operation.http["method"],
        path=re.compile(pattern),
        query=query,
        headers=frozenset(headers),
        literal=sum(map(len, parts[::2])),
    )

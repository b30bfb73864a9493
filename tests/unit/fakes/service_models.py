"""What botocore's service models say of requests, and the errors that services answer."""

import re
from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape


def aws_error(code: str, operation: str = "Operation", status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": f"{code} by the test"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]  # the rest of the metadata is not read
        operation,
    )


@cache
def service_model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


def breaches(shape: Shape, value: Any, path: str = "$") -> list[str]:
    """Return how a request breaks the service model: members, bounds, enums, patterns (botocore checks only some)."""
    meta = shape.metadata
    found = []
    if isinstance(shape, StructureShape) and not shape.is_document_type:
        found += [f"{path}.{name}: missing" for name in shape.required_members if name not in value]
        for name, inner in value.items():
            if name not in shape.members:
                found.append(f"{path}.{name}: unknown")
            else:
                found += breaches(shape.members[name], inner, f"{path}.{name}")
        return found
    if isinstance(shape, ListShape):
        return [text for number, item in enumerate(value) for text in breaches(shape.member, item, f"{path}[{number}]")]
    if isinstance(shape, MapShape):
        return [text for name, item in value.items() for text in breaches(shape.value, item, f"{path}.{name}")]
    if isinstance(shape, StructureShape):
        return found  # a document: any JSON
    kinds: dict[str, type | tuple[type, ...]] = {"string": str, "integer": int, "float": (int, float)}
    if shape.type_name in kinds and not isinstance(value, kinds[shape.type_name]):
        return [f"{path}: {value!r} is no {shape.type_name}"]
    size = len(value) if isinstance(value, (str, bytes)) else value
    if ("min" in meta and size < meta["min"]) or ("max" in meta and size > meta["max"]):
        found.append(f"{path}: {value!r} out of bounds")
    if "pattern" in meta and not re.fullmatch(meta["pattern"], value):
        found.append(f"{path}: {value!r} does not match")
    if "enum" in meta and value not in meta["enum"]:
        found.append(f"{path}: {value!r} not in {meta['enum']}")
    return found


def check_request(service: str, operation: str, request: dict[str, Any]) -> None:
    shape = service_model(service).operation_model(operation).input_shape
    assert shape is not None
    assert breaches(shape, request) == []

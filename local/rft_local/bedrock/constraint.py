"""The constraints that a botocore shape puts on a value: type, required, length, range, enum, pattern, union.

botocore itself checks only types, required members, minimums and unions before a request leaves (see
`botocore.validate.ParamValidator`); maximums, enums and patterns are left to the service, that is to this module.
Members that a shape does not know are ignored, as AWS services with the rest-json protocol ignore them. The wording is
the one that AWS services use ("... failed to satisfy constraint: Member must ...").
"""

import re
from collections.abc import Iterator
from functools import cache

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from rft_contract.json_value import JsonValue

_SHOWN = 200
_NUMBERS = ("integer", "long", "float", "double")


def violations(value: JsonValue, shape: Shape, path: str = "") -> Iterator[str]:
    """Yield what is wrong with a value, one sentence each; nothing when it satisfies the shape.

    Args:
        value: A decoded JSON value; timestamps are seconds since the epoch. Blobs are not looked at.
        shape: The shape it has to satisfy.
        path: The member's dotted path, for the message.
    """
    if shape.metadata.get("document") or shape.type_name == "blob":
        return
    if not _has_type(value, shape.type_name):
        yield _violation(value, path, f"Member must be of type {shape.type_name}")
    elif isinstance(shape, StructureShape) and isinstance(value, dict):
        yield from _structure(value, shape, path)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        yield from _size(len(value), value, shape, path, "length")
        for number, item in enumerate(value, start=1):
            yield from violations(item, shape.member, f"{path}.{number}.member")
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        yield from _size(len(value), value, shape, path, "length")
        for key, item in value.items():
            yield from violations(key, shape.key, f"{path}.key")
            yield from violations(item, shape.value, f"{path}.{key}.value")
    elif isinstance(value, str):
        yield from _text(value, shape, path)
    elif isinstance(value, (int, float)) and shape.type_name in _NUMBERS:
        yield from _size(value, value, shape, path, "value")


def error_message(found: list[str]) -> str:
    """Return the message of a ValidationException for some violations."""
    return f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: {'; '.join(found)}"


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    r"""Return a service pattern as a Python regular expression, to be used with `fullmatch`.

    Three differences matter: the service's classes are ASCII; `$` there ends the text, while Python's also matches
    before a final newline; and `(-*[...\-...])*`, which Bedrock uses for job names, takes exponential time in a
    backtracking engine although it accepts just what `([...\-...])*` accepts, since the class holds the dash itself.

    Args:
        pattern: The `pattern` of a string shape.
    """
    linear = re.sub(r"\(-\*(\[[^\]]*\\-[^\]]*\])\)\*", r"\1*", pattern)
    ended = re.sub(r"(?<!\\)\$(?![^\[]*\])", r"\\Z", linear)
    return re.compile(ended, re.ASCII)


def _structure(value: dict[str, JsonValue], shape: StructureShape, path: str) -> Iterator[str]:
    present = {name: value[name] for name in shape.members if value.get(name) is not None}
    for name in shape.required_members:
        if name not in present:
            yield _violation(None, _below(path, name), "Member must not be null")
    if shape.is_tagged_union and len(present) != 1:
        yield _violation(
            value, path, f"Member must have exactly one of [{', '.join(shape.members)}], got {len(present)}"
        )
    for name, item in present.items():
        yield from violations(item, shape.members[name], _below(path, name))


def _text(value: str, shape: Shape, path: str) -> Iterator[str]:
    if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield _violation(value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
    too_long = list(_size(len(value), value, shape, path, "length"))
    yield from too_long
    pattern = shape.metadata.get("pattern")
    if pattern and not too_long and not compiled(pattern).fullmatch(value):
        yield _violation(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _size(size: float, value: JsonValue, shape: Shape, path: str, noun: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield _violation(value, path, f"Member must have {noun} greater than or equal to {low}")
    if high is not None and size > high:
        yield _violation(value, path, f"Member must have {noun} less than or equal to {high}")


def _has_type(value: JsonValue, type_name: str) -> bool:
    match type_name:
        case "structure" | "map":
            return isinstance(value, dict)
        case "list":
            return isinstance(value, list)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer" | "long":
            return isinstance(value, int) and not isinstance(value, bool)
        case _:
            return isinstance(value, (int, float)) and not isinstance(value, bool)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _violation(value: JsonValue, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    if len(shown) > _SHOWN:
        shown = f"{shown[:_SHOWN]}...'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"

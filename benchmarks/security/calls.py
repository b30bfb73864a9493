"""What the roles of a deployed stack asked for, as an embedded AWS recorded it."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

_BY_HAND = "lambda"
"""Session name of a test that acts with a function's role; a function's own session bears the function's name, and one
of a build that of its service."""

_SHORTEST_NAME = 10
_BORN = re.compile(r"(?<=runs/)[^/\"]+|(?<=:run-)[\w-]+|(?<=releases/)[\w-]+|[0-9a-f]{8,}|\d+")
_UNCONDITIONED = (
    "kms:calleraccount",
    "kms:encryptioncontext:aws:s3:",
    "s3:delimiter",
    "s3:max-keys",
    "s3:versionid",
    "s3:x-amz-",
)
"""Condition keys of requests, by prefix, on which no policy here has a condition; without them fewer calls differ."""


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One authorization question and its answer; names of resources are their logical ids.

    Args:
        role: Logical id of the role.
        action: Such as `s3:GetObject`.
        resource: ARN, or `*`.
        by: `call` for a request of the role's own, `check` for what a service asks before it acts for the role, `trust`
            for a service that assumes it.
        context: Condition keys of the request.
        allowed: The answer.
        by_hand: A test acted with the role's credentials: nothing that the platform does.
    """

    role: str
    action: str
    resource: str
    by: str
    context: dict[str, Any] = {}
    allowed: bool = True
    by_hand: bool = False


def read_calls(log: Path, stacks: Collection[str]) -> list[Call]:
    """Return the calls of some stacks' roles, one of each kind, sorted.

    Calls that differ only in what is born at run time (names of runs and lines, numbers, hashes) are of one kind.

    Args:
        log: What emulators wrote.
        stacks: Names of stacks in which a logical id stands for the same everywhere.
    """
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    names = _names(line["resources"] for line in lines if line.get("stack") in stacks)
    kinds: dict[str, str] = {}
    for text in sorted(msgspec.json.encode(call).decode() for call in _calls(lines, names)):
        kinds.setdefault(_BORN.sub("#", text), text)
    return [msgspec.json.decode(text, type=Call) for text in sorted(kinds.values())]


def _calls(lines: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> Iterator[Call]:
    longest_first = sorted(map(re.escape, names), key=len, reverse=True)
    physical = re.compile("|".join(longest_first))

    def logical(value: Any) -> Any:
        return physical.sub(lambda found: names[found.group()], value) if isinstance(value, str) else value

    for line in lines:
        if line.get("role") in names:
            yield Call(
                role=names[line["role"]],
                action=line["action"],
                resource=logical(line["resource"]),
                by=line["by"],
                context={
                    key: logical(value)
                    for key, value in line["context"].items()
                    if not key.lower().startswith(_UNCONDITIONED)
                },
                allowed=line["allowed"],
                by_hand=line["session"] == _BY_HAND,
            )


def _names(stacks: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return physical name -> logical id, for names long enough to be no other word."""
    found = {}
    for resources in stacks:
        for logical, physical in resources.items():
            name = physical if physical.startswith("/") else re.split(r"[/:]", physical)[-1]
            if len(name) >= _SHORTEST_NAME:
                found[name] = logical
    return found

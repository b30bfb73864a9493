"""Every authorization question about the role of a deployed stack, each written down once."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rft_local.emulator.upstream import require

CALL = "call"
"""A request that reached a service, signed by the principal."""

CHECK = "check"
"""A question that a service asks before it acts for the principal: KMS behind S3, PassRole, a function's log."""

TRUST = "trust"
"""A service that wants to assume a role."""


class AuthorizationLog:
    """A file of JSON lines: questions, and before the first of each stack, what the stack's resources are called.

    A question is `{"by", "role", "session", "action", "resource", "context", "allowed"}`, a stack `{"stack",
    "resources": {logical id: physical id}}`. Principals that belong to no stack are left out.

    Args:
        path: The file; several emulators may write one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def note(
        self, by: str, principal_arn: str, action: str, resource: str, context: Mapping[str, Any], *, allowed: bool
    ) -> None:
        """Write a question down, unless it was.

        Args:
            by: `CALL`, `CHECK` or `TRUST`.
            principal_arn: A role, or a session of one.
            action: For example `s3:GetObject`.
            resource: ARN, or `*`.
            context: Condition keys.
            allowed: The answer.
        """
        role, session = _role_and_session(principal_arn)
        stack = _stack_of(role) if role else None
        if stack is None:
            return
        question = {
            "by": by,
            "role": role,
            "session": session,
            "action": action,
            "resource": resource,
            "context": {key: context[key] for key in sorted(context) if context[key] is not None},
            "allowed": allowed,
        }
        resources = {
            name: found["PhysicalResourceId"]
            for name, found in stack.get("_resources", {}).items()
            if found.get("PhysicalResourceId")
        }
        for line in ({"stack": stack["StackName"], "resources": resources}, question):
            self._write(json.dumps(line, default=str))

    def _write(self, line: str) -> None:
        with self._lock:
            if line in self._seen:
                return
            self._seen.add(line)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")


def _role_and_session(arn: str) -> tuple[str, str]:
    """Return the name of a role and of its session; both empty for anyone else."""
    kind, _, name = arn.split(":", 5)[-1].partition("/")
    if kind == "assumed-role":
        role, _, session = name.partition("/")
        return role, session
    return (name.rsplit("/", 1)[-1], "") if kind == "role" else ("", "")


def _stack_of(role: str) -> Any:
    """Return the stack that a role belongs to, as ministack keeps it; None for other roles."""
    for stack in require("services.cloudformation", "_stacks").values():
        if any(found.get("PhysicalResourceId") == role for found in stack.get("_resources", {}).values()):
            return stack
    return None

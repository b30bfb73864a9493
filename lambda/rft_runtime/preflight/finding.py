"""What a check found."""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from rft_runtime.failures import error_code, explain

_UNSERVED = frozenset(
    {
        "InvalidAction",
        "NotImplemented",
        "NotImplementedException",
        "UnknownOperation",
        "UnknownOperationException",
        "UnsupportedOperation",
        "Unknown",
        "400",
        "404",
        "501",
    }
)
"""Codes with which an AWS that does not know an operation answers, such as the embedded one; AWS's own services always
give an error a name."""

_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403", "Forbidden"}
)
_ACTION = re.compile(r"not authorized to perform: (?P<action>[\w:*-]+)")
_EXPLICIT = re.compile(r"with an explicit deny in an? (?P<policy>[a-z -]+)")


class Severity(StrEnum):
    """How much a finding matters; only an error ends a run."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    ERROR = "error"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found.

    Args:
        check: Name of the check, such as `model` or `quota-jobs`.
        severity: How much it matters.
        found: One line.
        remedy: What to do about it; empty when there is nothing to do.
        limit: What was found as a number, where the run's need is compared with it later.
    """

    check: str
    severity: Severity
    found: str
    remedy: str = ""
    limit: float | None = None

    def words(self) -> str:
        """Return the finding on one line."""
        return f"{self.check}: {self.found}{f'; {self.remedy}' if self.remedy else ''}"


def unanswered(check: str, error: ClientError | BotoCoreError, action: str) -> Finding:
    """Return what an error of a check's own call means: never that the run must end.

    Args:
        check: Name of the check.
        error: What the call raised.
        action: The IAM action that the call needs.
    """
    if isinstance(error, ClientError) and error_code(error) in _DENIED:
        message = str(error.response.get("Error", {}).get("Message", ""))
        named = _ACTION.search(message)
        action = named["action"] if named else action
        if explicit := _EXPLICIT.search(message):
            policy = explicit["policy"].strip()
            return Finding(
                check=check,
                severity=Severity.WARNING,
                found=f"{action} is denied explicitly, in a {policy}: no grant helps against it",
                remedy=f"have the {policy} allow {action} in this Region, or use another account",
            )
        return Finding(
            check=check,
            severity=Severity.WARNING,
            found=f"not checked: {action} is not allowed to the one who asks",
            remedy=f"allow {action} for a full preflight",
        )
    if isinstance(error, ClientError) and error_code(error) in _UNSERVED:
        found = f"not checked: {error.operation_name} is not simulated here"
        return Finding(check=check, severity=Severity.UNKNOWN, found=found)
    return Finding(check=check, severity=Severity.UNKNOWN, found=f"not checked: {explain(error)}")


def errors_of(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the findings that end a run."""
    return (finding for finding in findings if finding.severity is Severity.ERROR)

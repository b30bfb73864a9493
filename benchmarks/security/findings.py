"""What policy checkers find in an environment, and for which of it the constructs say why it is accepted.

cdk-nag looks at the construct tree and is asked here; checkov and cfn-lint read templates, need an environment of their
own (`make security`), and their answers are kept in `benchmarks/results/scanners.json`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from unittest.mock import patch

from aws_cdk import App
from cdk_nag import (
    AwsSolutionsChecks,
    HIPAASecurityChecks,
    NIST80053R5Checks,
    PCIDSS321Checks,
    ServerlessChecks,
)
from constructs import IConstruct

from bedrock_rft import nag
from benchmarks.security.rights import construct_path

PACKS: Mapping[str, Callable[[App], Any]] = {
    "AwsSolutions": AwsSolutionsChecks,
    "Serverless": ServerlessChecks,
    "HIPAA.Security": HIPAASecurityChecks,
    "NIST.800.53.R5": NIST80053R5Checks,
    "PCI.DSS.321": PCIDSS321Checks,
}
SCANNERS = ("checkov", "cfn-lint")

_REASON = re.compile(
    r"(?P<why>.{20,}) \((?P<page>https://docs\.aws\.amazon\.com/\S+); until (?P<until>\d{4}-\d\d-\d\d)\)"
)


@dataclass(frozen=True, order=True)
class Finding:
    """One rule at one resource.

    Args:
        tool: A pack of cdk-nag, `checkov` or `cfn-lint`.
        rule: Full id, such as `AwsSolutions-IAM5[Resource::*]`.
        path: Path of the resource's construct.
    """

    tool: str
    rule: str
    path: str

    @property
    def name(self) -> str:
        """The rule without its pack and without what it names, such as `IAM5`."""
        return self.rule.partition("[")[0].removeprefix(f"{self.tool}-")


@dataclass(frozen=True, order=True)
class Acceptance:
    """An acknowledgement: why a rule's findings at or below a construct are accepted.

    Args:
        path: Path of the construct.
        rule: Full id.
        reason: As the construct wrote it.
    """

    path: str
    rule: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Whether a finding is meant."""
        return finding.rule == self.rule and f"{finding.path}/".startswith(f"{self.path}/")

    def parts(self) -> tuple[str, str, date]:
        """Return constraint, page and last day.

        Raises:
            ValueError: When the reason does not name them.
        """
        found = _REASON.fullmatch(self.reason)
        if found is None:
            raise ValueError(f"{self.path}: {self.rule}: got the reason {self.reason!r}, wanted a Constraint's")
        return found["why"], found["page"], date.fromisoformat(found["until"])


class _Recorder:
    """Stands in for CDK's `Validations`: keeps acknowledgements instead of applying them."""

    kept: list[Acceptance]

    def __init__(self, construct: IConstruct) -> None:
        self._path = construct.node.path

    @classmethod
    def of(cls, construct: IConstruct) -> "_Recorder":
        return cls(construct)

    def acknowledge(self, acknowledgment: Any) -> None:
        self.kept.append(Acceptance(self._path, acknowledgment.id, acknowledgment.reason))


@contextmanager
def unacknowledged() -> Iterator[list[Acceptance]]:
    """Let constructs that are made meanwhile acknowledge in vain; yield what they acknowledged."""
    kept: list[Acceptance] = []
    _Recorder.kept = kept
    with patch.object(nag, "Validations", _Recorder):
        yield kept


def of_packs(app: App) -> list[Finding]:
    """Return what the packs of cdk-nag find in an app."""
    return sorted(
        Finding(pack, violation.rule_name, str(resource.construct_path))
        for pack, checks in PACKS.items()
        for violation in checks(app).validate_scope(app).violations
        for resource in violation.violating_resources
    )


def in_template(template: Mapping[str, Any]) -> list[Acceptance]:
    """Return what a template's metadata tell checkov and cfn-lint to accept.

    Args:
        template: As CloudFormation reads it.
    """
    return sorted(
        Acceptance(construct_path(resource, name), rule, reason)
        for name, resource in template["Resources"].items()
        for rule, reason in _marks(resource.get("Metadata", {}))
    )


def without_marks(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return a template in which checkov and cfn-lint find everything."""
    resources = {
        name: {
            **resource,
            "Metadata": {key: value for key, value in resource.get("Metadata", {}).items() if key not in SCANNERS},
        }
        for name, resource in template["Resources"].items()
    }
    return {**template, "Resources": resources}


def unanswered(findings: Iterable[Finding], acceptances: Iterable[Acceptance]) -> list[Finding]:
    """Return the findings that nothing acknowledges."""
    by_rule: dict[str, list[Acceptance]] = {}
    for acceptance in acceptances:
        by_rule.setdefault(acceptance.rule, []).append(acceptance)
    return [finding for finding in findings if not any(one.covers(finding) for one in by_rule.get(finding.rule, ()))]


def unneeded(findings: Iterable[Finding], acceptances: Iterable[Acceptance]) -> list[Acceptance]:
    """Return the acknowledgements that no finding needs."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    return [one for one in acceptances if not any(one.covers(finding) for finding in by_rule.get(one.rule, ()))]


def _marks(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for skip in metadata.get("checkov", {}).get("skip", []):
        yield skip["id"], skip["comment"]
    lint = metadata.get("cfn-lint", {})
    for rule in lint.get("config", {}).get("ignore_checks", []):
        yield rule, lint["reason"]

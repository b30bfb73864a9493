"""Acknowledging findings of policy checkers (cdk-nag, checkov, cfn-lint) at the resource that causes them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import cast

from aws_cdk import Acknowledgment, CfnResource, Stack, Validations
from constructs import Construct, IConstruct

_IAM5 = "AwsSolutions-IAM5"
_NEXT_LOOK = date(2027, 11, 30)


@dataclass(frozen=True)
class Constraint:
    """What leaves no choice but to accept a finding.

    Args:
        why: The constraint, in one sentence of at least 20 characters.
        page: Address of the AWS page that states it.
        findings: Ids of the findings that it answers wherever it holds, such as `Serverless-LambdaDLQ`; those that
            name a resource (`AwsSolutions-IAM5[...]`) are acknowledged one by one.
        until: Last day on which it counts; by then somebody looks whether AWS has moved. Default: a common day.

    Raises:
        ValueError: When the sentence is too short to be one.
    """

    why: str
    page: str
    findings: tuple[str, ...] = ()
    until: date = field(default=_NEXT_LOOK, kw_only=True)

    def __post_init__(self) -> None:
        _check(self.why, "constraint")

    def __str__(self) -> str:
        return f"{self.why} ({self.page}; until {self.until})"


def acknowledge(construct: IConstruct, finding: str, *, reason: str | Constraint) -> None:
    """Record why a finding of cdk-nag is accepted on one construct.

    Args:
        construct: The resource, or the construct directly around it.
        finding: The finding's full id, such as `AwsSolutions-IAM5[Resource::*]`.
        reason: The constraint that forces it, in at least 20 characters.

    Raises:
        ValueError: When the reason is too short to be one.
    """
    text = str(reason)
    _check(text, f"acknowledgement of {finding}")
    Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=text))


def accept(construct: IConstruct, constraint: Constraint) -> None:
    """Acknowledge on a resource every finding that a constraint answers.

    Findings of checkov (`CKV_...`) and cfn-lint (`W...`, `E...`) are written into the resource's metadata, where those
    tools look for them; the others are left to `acknowledge`.

    Args:
        construct: An L2 or L1 resource.
        constraint: Why its findings are accepted.
    """
    for finding in constraint.findings:
        if finding.startswith("CKV_"):
            skips = _metadata(construct, "checkov").get("skip", [])
            skip = {"id": finding, "comment": str(constraint)}
            _resource(construct).add_metadata("checkov", {"skip": [*skips, skip]})
        elif finding[1:].isdecimal():
            ignored = {"config": {"ignore_checks": [finding]}, "reason": str(constraint)}
            _resource(construct).add_metadata("cfn-lint", ignored)
        else:
            acknowledge(construct, finding, reason=constraint)


def acknowledge_wildcards(principal: object, resources: Iterable[str], *, reason: str | Constraint) -> None:
    """Acknowledge the wildcards in the resource names of a grant.

    Args:
        principal: Whoever was granted something; an imported principal has no policy here, so nothing is recorded.
        resources: The granted ARNs, tokens welcome; those without a `*` are passed over.
        reason: Why the names cannot be narrower.
    """
    if not isinstance(principal, Construct):
        return
    stack = Stack.of(principal)
    for resource in resources:
        name = flatten(stack.resolve(resource))
        if "*" in name:
            acknowledge(principal, f"{_IAM5}[Resource::{name}]", reason=reason)


def flatten(value: object) -> str:
    """Return a resolved CloudFormation value as findings spell it: `{"Fn::GetAtt": ["A", "Arn"]}` is `<A.Arn>`.

    Args:
        value: What `Stack.resolve` returned for a string.
    """
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return f"<{name}>"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [str(separator), [*parts]]}:
            return separator.join(flatten(part) for part in parts)
        case _:
            return json.dumps(value, separators=(",", ":"))


def _check(reason: str, what: str) -> None:
    if len(reason) < 20:
        raise ValueError(f"{what}: got the reason {reason!r}, wanted at least 20 characters")


def _resource(construct: IConstruct) -> CfnResource:
    return construct if isinstance(construct, CfnResource) else cast(CfnResource, construct.node.default_child)


def _metadata(construct: IConstruct, tool: str) -> dict[str, list[object]]:
    """Return what a tool's metadata on a resource say so far."""
    return cast(dict[str, list[object]], _resource(construct).get_metadata(tool) or {})

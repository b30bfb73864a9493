"""Who else than the stack's roles may do something, and who may not: what its resources' own policies say."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.security.calls import Call
from benchmarks.security.fact import Fact, first
from benchmarks.security.replay import Evidence
from benchmarks.security.rights import Template

BEDROCK = "bedrock.amazonaws.com"

DOCUMENTS = {
    "AWS::EC2::VPCEndpoint": "PolicyDocument",
    "AWS::IAM::Role": "AssumeRolePolicyDocument",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
}
"""Types whose resources carry a policy of their own, and where."""

_CONFINING = (
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:SourceAccount",
    "aws:SourceArn",
    "kms:EncryptionContext",
    "token.actions.githubusercontent.com:sub",
)


@dataclass(frozen=True, order=True)
class Statement:
    """A statement of a resource's own policy.

    Args:
        principal: A service (`events.amazonaws.com`), an account's ARN, a role's, `*` or an identity provider's.
        kind: CloudFormation type of what carries the policy.
        resource: Label of it.
        actions: What is allowed, or denied.
        condition: As JSON with sorted keys; empty without one.
        effect: `Allow` or `Deny`.
    """

    principal: str
    kind: str
    resource: str
    actions: tuple[str, ...]
    condition: str
    effect: str = "Allow"

    @property
    def is_confined(self) -> bool:
        """Whether a condition says for which resource, account or repository the principal may act."""
        return any(key in self.condition for key in _CONFINING)


@dataclass(frozen=True)
class Ground:
    """A statement and what it is needed for.

    Args:
        statement: The statement.
        evidence: How that is known.
        fact: What AWS says; None when a recorded call shows it.
    """

    statement: Statement
    evidence: Evidence
    fact: Fact | None = None


def grounds(template: Template, calls: Sequence[Call], facts: Sequence[Fact]) -> list[Ground]:
    """Return for every statement in the policies of a template's resources what it is needed for.

    The embedded Bedrock asks the policy of a role whether it may take it. No other service here asks the policy of a
    resource, and what tests ask in the name of Lambda or of builds proves nothing: all others are documented.

    Args:
        template: The template.
        calls: What was recorded.
        facts: What is documented of them.
    """
    taken = {
        template.label(call.role)
        for call in calls
        if call.by == "trust" and call.allowed and call.context.get("service") == BEDROCK
    }
    return [_ground(one, taken, facts) for one in statements(template)]


def _ground(one: Statement, taken: Collection[str], facts: Sequence[Fact]) -> Ground:
    if one.kind == "AWS::IAM::Role" and one.principal == BEDROCK and one.resource in taken:
        return Ground(one, Evidence.SIMULATED)
    fact = first(facts, one.effect, one.actions, f"{one.kind} {one.principal}", one.condition)
    return Ground(one, Evidence.DOCUMENTED if fact else Evidence.NONE, fact)


def admissions(template: Template) -> list[Statement]:
    """Return who is admitted by the policies of a template's resources, sorted and without repetitions."""
    return [one for one in statements(template) if one.effect == "Allow"]


def statements(template: Template) -> list[Statement]:
    """Return what the policies of a template's resources say, sorted and without repetitions."""
    found = set[Statement]()
    for kind, document in DOCUMENTS.items():
        for name, resource in template.of_type(kind):
            said = resource["Properties"][document]["Statement"]
            found.update(_of(template, kind, template.label(name), said))
    for name, permission in template.of_type("AWS::Lambda::Permission"):
        found.add(_permission(template, name, permission["Properties"]))
    return sorted(found)


def _of(template: Template, kind: str, label: str, said: list[Mapping[str, Any]]) -> Iterator[Statement]:
    for statement in said:
        principals = statement["Principal"]
        named = principals.values() if isinstance(principals, dict) else [principals]
        actions = statement["Action"]
        condition = statement.get("Condition")
        for one in named:
            for principal in one if isinstance(one, list) else [one]:
                yield Statement(
                    template.text(principal),
                    kind,
                    label,
                    tuple(actions) if isinstance(actions, list) else (actions,),
                    json.dumps(template.plain(condition), sort_keys=True) if condition else "",
                    statement["Effect"],
                )


def _permission(template: Template, name: str, properties: Mapping[str, Any]) -> Statement:
    """Return what a permission of a function says; its source takes the place of a condition."""
    keys = {"SourceArn": "aws:SourceArn", "SourceAccount": "aws:SourceAccount"}
    condition = {keys[key]: template.plain(properties[key]) for key in keys if key in properties}
    return Statement(
        template.text(properties["Principal"]),
        "AWS::Lambda::Permission",
        template.label(name).rpartition("/")[0],
        (properties["Action"],),
        json.dumps(condition, sort_keys=True) if condition else "",
    )

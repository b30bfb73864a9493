"""Who else than the stack's roles may do something: what its resources' own policies say."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.security.rights import Template

_DOCUMENTS = {
    "AWS::IAM::Role": "AssumeRolePolicyDocument",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
}
_CONFINING = (
    "aws:PrincipalArn",
    "aws:SourceAccount",
    "aws:SourceArn",
    "kms:EncryptionContext",
    "token.actions.githubusercontent.com:sub",
)


@dataclass(frozen=True, order=True)
class Admission:
    """A statement of a resource's own policy that allows something.

    Args:
        principal: A service (`events.amazonaws.com`), an account's ARN, a role's, `*` or an identity provider's.
        kind: CloudFormation type of what carries the policy.
        resource: Label of it.
        actions: What is allowed.
        condition: As JSON with sorted keys; empty without one.
    """

    principal: str
    kind: str
    resource: str
    actions: tuple[str, ...]
    condition: str

    @property
    def is_confined(self) -> bool:
        """Whether a condition says for which resource, account or repository the principal may act."""
        return any(key in self.condition for key in _CONFINING)


def admissions(template: Template) -> list[Admission]:
    """Return who is admitted by the policies of a template's resources, sorted and without repetitions."""
    found = set[Admission]()
    for kind, document in _DOCUMENTS.items():
        for name, resource in template.of_type(kind):
            statements = resource["Properties"][document]["Statement"]
            found.update(_of(template, kind, template.label(name), statements))
    for name, permission in template.of_type("AWS::Lambda::Permission"):
        found.add(_permission(template, name, permission["Properties"]))
    return sorted(found)


def _of(template: Template, kind: str, label: str, statements: list[Mapping[str, Any]]) -> Iterator[Admission]:
    for statement in statements:
        if statement["Effect"] != "Allow":
            continue
        principals = statement["Principal"]
        named = principals.values() if isinstance(principals, dict) else [principals]
        actions = statement["Action"]
        condition = statement.get("Condition")
        for one in named:
            for principal in one if isinstance(one, list) else [one]:
                yield Admission(
                    template.text(principal),
                    kind,
                    label,
                    tuple(actions) if isinstance(actions, list) else (actions,),
                    json.dumps(template.plain(condition), sort_keys=True) if condition else "",
                )


def _permission(template: Template, name: str, properties: Mapping[str, Any]) -> Admission:
    """Return what a permission of a function says; its source takes the place of a condition."""
    keys = {"SourceArn": "aws:SourceArn", "SourceAccount": "aws:SourceAccount"}
    condition = {keys[key]: template.plain(properties[key]) for key in keys if key in properties}
    return Admission(
        template.text(properties["Principal"]),
        "AWS::Lambda::Permission",
        template.label(name).rpartition("/")[0],
        (properties["Action"],),
        json.dumps(condition, sort_keys=True) if condition else "",
    )

"""Acknowledging findings of validation plugins, such as cdk-nag, at the resource that causes them."""

import json
from collections.abc import Iterable

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import Construct, IConstruct

_IAM5 = "AwsSolutions-IAM5"


def acknowledge(construct: IConstruct, finding: str, *, reason: str) -> None:
    """Record why a finding is accepted on one construct.

    Args:
        construct: The resource, or the construct directly around it.
        finding: The finding's full id, such as `AwsSolutions-IAM5[Resource::*]`.
        reason: The constraint that forces it, in at least 20 characters.

    Raises:
        ValueError: When the reason is too short to be one.
    """
    if len(reason) < 20:
        raise ValueError(f"acknowledgement of {finding}: got the reason {reason!r}, wanted at least 20 characters")
    Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))


def acknowledge_wildcards(principal: object, resources: Iterable[str], *, reason: str) -> None:
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

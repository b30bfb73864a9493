"""For what a right is needed: recorded calls are asked again, with the right and without it.

A call that is allowed with all rights of its role and refused without one of them is what that right is for.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from benchmarks.security.calls import Call
from benchmarks.security.documented import DOCUMENTED
from benchmarks.security.fact import Fact, first
from benchmarks.security.rights import Right, Template
from rft_local.emulator.policies import Question, identity_allows

_NEVER_REFUSED = ("sts:GetCallerIdentity",)
"""IAM user guide, "Policy evaluation logic": needs no right."""


class Evidence(StrEnum):
    """How it is known that a right is needed."""

    PROVED = "proved"
    """A run on the embedded AWS makes a call that is refused without it (a denial: one that is allowed without it)."""

    SIMULATED = "simulated"
    """The embedded AWS itself asks for it in the place of a service: KMS behind S3, PassRole, Bedrock's own calls."""

    DOCUMENTED = "documented"
    """AWS says so, and no call of it ever reaches the embedded AWS."""

    NONE = "none"
    """Nothing says so: a test fails."""


@dataclass(frozen=True)
class Need:
    """A right and what it is needed for.

    Args:
        right: The right.
        evidence: How that is known.
        call: A call that needs it; None when only a page says so.
        fact: What AWS says; None when a call shows it.
    """

    right: Right
    evidence: Evidence
    call: Call | None = None
    fact: Fact | None = None


def needs(
    template: Template, calls: Sequence[Call], bedrock_roles: Iterable[str], facts: Sequence[Fact] = DOCUMENTED
) -> list[Need]:
    """Return for every right of a template what it is needed for.

    Args:
        template: The template.
        calls: What was recorded of a stack with this template.
        bedrock_roles: Logical ids of the roles with which the embedded Bedrock itself acts.
        facts: What is documented of its roles. Default: what is of an environment's.
    """
    services = set(bedrock_roles)
    rights: dict[str, list[Right]] = defaultdict(list)
    asked: dict[str, list[Call]] = defaultdict(list)
    for right in template.rights():
        rights[right.role].append(right)
    for call in calls:
        if template.same(call.role) in template.resources:
            asked[template.same(call.role)].append(_same(template, call))
    return [
        _need(template, right, rights[role], asked[role], facts, by_service=role in services)
        for role in sorted(rights)
        for right in rights[role]
    ]


def _need(
    template: Template,
    right: Right,
    rights: Sequence[Right],
    calls: Sequence[Call],
    facts: Sequence[Fact],
    *,
    by_service: bool,
) -> Need:
    others = [other for other in rights if other != right]
    found = [
        call
        for call in calls
        if call.by != "trust"
        and (right.effect == "Deny" or not call.by_hand)
        and call.action == right.action
        and _decides(template, call, rights, others)
    ]
    for call in sorted(found, key=lambda call: call.by == "check"):
        evidence = Evidence.SIMULATED if by_service or call.by == "check" else Evidence.PROVED
        return Need(right, evidence, call=call)
    fact = first(facts, right.effect, [right.action], template.label(right.role), right.condition)
    return Need(right, Evidence.DOCUMENTED if fact else Evidence.NONE, fact=fact)


def _decides(template: Template, call: Call, rights: Sequence[Right], others: Sequence[Right]) -> bool:
    """Whether a call's answer hangs on the right that `others` lack."""
    question = Question(template.arn(call.role), call.action, call.resource, call.context)
    with_it, without = (
        identity_allows([one.statement() for one in some if _same_action(one, call)], question)
        for some in (rights, others)
    )
    return with_it != without


def _same(template: Template, call: Call) -> Call:
    """Return a call in which every reward bears the name of the first one."""
    return msgspec.json.decode(template.same(msgspec.json.encode(call).decode()), type=Call)


def _same_action(right: Right, call: Call) -> bool:
    return right.action in (call.action, "*")


def excess(template: Template, calls: Sequence[Call]) -> list[Call]:
    """Return the calls that were allowed, but that the template's rights refuse: the record is of another template."""
    rights: dict[str, list[Right]] = defaultdict(list)
    for right in template.rights():
        rights[right.role].append(right)
    return [
        call
        for call in (_same(template, call) for call in calls)
        if call.allowed
        and call.by == "call"
        and call.role in template.resources
        and call.action not in _NEVER_REFUSED
        and not identity_allows(
            [one.statement() for one in rights[call.role] if _same_action(one, call)],
            Question(template.arn(call.role), call.action, call.resource, call.context),
        )
    ]

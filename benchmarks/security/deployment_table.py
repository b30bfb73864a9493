"""The page's table about CloudFormation: what it may do when it deploys, and what says that it must."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.security.documented_deployment import OF_DEPLOYMENT, REGISTRY
from benchmarks.security.fact import Fact, first
from benchmarks.security.page_parts import evidence
from benchmarks.security.registry import unnamed
from benchmarks.security.replay import Evidence
from benchmarks.security.subjects import registry
from stacks.deployment_rights import ALWAYS, RIGHTS, Rights


@dataclass(frozen=True)
class Grant:
    """What CloudFormation may do to resources of one type, as far as one fact says that it must.

    Args:
        kind: The type; empty for every template.
        rights: Of which it is a part.
        actions: Which of their actions.
        fact: What says so; None: nothing.
    """

    kind: str
    rights: Rights
    actions: tuple[str, ...]
    fact: Fact | None


def grants() -> list[Grant]:
    """Return all that CloudFormation may do, in the order of the types."""
    known = registry()
    kinds = [("", ALWAYS), *sorted(RIGHTS.items())]
    return [
        Grant(kind, rights, actions, fact)
        for kind, all_rights in kinds
        for rights in all_rights
        for fact, actions in _by_fact(rights, known).items()
    ]


def _by_fact(rights: Rights, known: dict[str, list[str]]) -> dict[Fact | None, tuple[str, ...]]:
    beside = set(unnamed(rights.actions, known))
    found: dict[Fact | None, tuple[str, ...]] = {}
    for action in rights.actions:
        fact = first(OF_DEPLOYMENT, "Allow", [action], "") if action in beside else REGISTRY
        found[fact] = (*found.get(fact, ()), action)
    return found


def of_deployment() -> Iterator[str]:
    """Yield the section about what CloudFormation may do."""
    found, known = grants(), registry()
    count = sum(len(grant.actions) for grant in found)
    named = sum(len(grant.actions) for grant in found if grant.fact is REGISTRY)
    beside = sum(len(unnamed(one.actions, {one.kind: known[one.kind]})) for one in found if one.fact is REGISTRY)
    nothing = sum(len(grant.actions) for grant in found if grant.fact is None)
    yield "## What CloudFormation may do\n"
    yield (
        f"Its role has what follows from the types of a template, and not `AdministratorAccess` "
        f"([bootstrap](environments.md)). No run can prove it, since the embedded AWS does not ask on CloudFormation's "
        f"behalf: of {count} rights (a type, an action), **{count - nothing} are documented and {nothing} without "
        f"evidence**. {named} are named by the schemas of the stack's types in CloudFormation's registry (`make "
        f"security` keeps them; {beside} by that of another type than the one they are for), "
        f"{count - named - nothing} by other pages. `*` is for a key that does not exist yet, for log deliveries and "
        "hosted zones of AWS, and for reading.\n"
    )
    yield "| for | may | on | only | evidence |"
    yield "|---|---|---|---|---|"
    for grant in found:
        on = ", ".join(f"`{_plain(pattern)}`" for pattern in grant.rights.on)
        class_ = Evidence.DOCUMENTED if grant.fact else Evidence.NONE
        yield (
            f"| {grant.kind or 'every template'} | {', '.join(grant.actions)} | {on} | {_only(grant.rights)} | "
            f"{evidence(class_, grant.fact)} |"
        )
    yield ""


def _plain(pattern: str) -> str:
    """Return a pattern of ARNs without what all have in common, its placeholders as `<name>`."""
    shown = pattern.replace("{partition}", "aws").replace(":{region}:", "::").replace(":{account}:", "::")
    return shown.replace("{", "<").replace("}", ">")


def _only(rights: Rights) -> str:
    if rights.bounds:
        return "where the configuration has a permissions boundary: with it"
    return f"through {rights.through}" if rights.through else ""

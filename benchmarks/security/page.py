"""The generated half of docs/security.md: findings, rights, and who else is admitted."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from benchmarks.result import RESULTS, ROOT
from benchmarks.security.calls import Call
from benchmarks.security.documented import DENIALS, OF_SERVICES, OF_SITUATIONS, Fact
from benchmarks.security.environments import EVERYTHING, synthesized
from benchmarks.security.outsiders import Admission, admissions
from benchmarks.security.replay import Evidence, Need, needs
from benchmarks.security.rights import Template, short
from rft_local.emulator.environment import ACCOUNT, REGION
from stacks.config import ENVIRONMENTS, choose

PAGE = ROOT / "docs" / "security.md"
MARK = "<!-- Generated from here on: make security; python -m benchmarks privileges -->\n"

_ENVIRONMENTS = ("prod", EVERYTHING)
_BEDROCK = "bedrock.amazonaws.com"


def write() -> None:
    """Renew the generated half of the page."""
    (local,) = choose(ENVIRONMENTS, "local")
    template = synthesized(local)
    text = PAGE.read_text(encoding="utf-8").partition(MARK)[0] + MARK + generated(template)
    PAGE.write_text(text, encoding="utf-8")


def generated(template: Template) -> str:
    """Return the generated half.

    Args:
        template: Of the environment whose calls were recorded.
    """
    found = needs(template, recorded(), bedrock_roles(template))
    parts = [
        *_findings(_record("findings")),
        *_rights(template, found),
        *_facts(found),
        *_removals(),
        *_admissions(admissions(template)),
    ]
    return "\n".join(["", *parts, ""])


def recorded() -> list[Call]:
    """Return the calls that are kept."""
    return msgspec.convert(_record("privileges")["figures"]["calls"], list[Call])


def bedrock_roles(template: Template) -> list[str]:
    """Return the logical ids of the roles that Bedrock assumes."""
    return [
        name
        for name, role in template.of_type("AWS::IAM::Role")
        if _BEDROCK in json.dumps(role["Properties"]["AssumeRolePolicyDocument"])
    ]


def _findings(record: Mapping[str, Any]) -> Iterator[str]:
    environments = record["figures"]["environments"]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(record["figures"]["versions"].items()))
    yield "## Findings\n"
    still_open, idle = (sum(len(one[what]) for one in environments.values()) for what in ("open", "unneeded"))
    yield f"`{record['command']}` · {record['date']} · {versions}\n"
    yield (
        "Raised is what a checker finds when nothing is acknowledged. Over all environments, "
        f"**{still_open} findings are open** and {idle} acknowledgements idle.\n"
    )
    names = list(environments)
    yield f"| raised by | {' | '.join(names)} |"
    yield f"|---|{'---:|' * len(names)}"
    for tool in sorted({tool for one in environments.values() for tool in one["raised"]}):
        yield f"| {tool} | {' | '.join(str(one['raised'].get(tool, 0)) for one in environments.values())} |"
    yield f"| checkov: checks passed | {' | '.join(str(one['checkov_passed']) for one in environments.values())} |"
    yield ""
    yield (
        "Every finding of prod as it is configured, and with everything on: network, concurrency set aside, copies, "
        "programs, judges, sampled logs, roles for GitHub. *Inherited by config*: gone where the configuration turns "
        "the feature on.\n"
    )
    yield "| constraint | rules | findings: prod | everything on | state |"
    yield "|---|---|---:|---:|---|"
    prod, everything = ({row["why"]: row for row in environments[name]["rows"]} for name in _ENVIRONMENTS)
    for why in sorted({*prod, *everything}):
        row = prod.get(why) or everything[why]
        counts = [one[why]["findings"] if why in one else 0 for one in (prod, everything)]
        state = f"acknowledged until {row['until']}"
        if why in prod and _gone(prod[why], everything.get(why)):
            state = f"inherited by config; where off, {state}"
        yield f"| [{why}]({row['page']}) | {_rules(row['rules'])} | {counts[0]} | {counts[1]} | {state} |"
    yield ""


def _gone(before: Mapping[str, Any], after: Mapping[str, Any] | None) -> bool:
    """Whether turning everything on fixes a constraint's findings where they were raised."""
    return after is None or not {*before["places"]} & {*after["places"]}


def _rules(rules: Sequence[str]) -> str:
    """Return rules by name, with the tools that know them: `LambdaDLQ (HIPAA.Security, Serverless)`."""
    tools: dict[str, list[str]] = defaultdict(list)
    for rule in rules:
        tool, _, name = rule.partition(": ")
        tools[name].append(tool)
    return ", ".join(f"{name} ({', '.join(known)})" for name, known in sorted(tools.items()))


def _rights(template: Template, found: Sequence[Need]) -> Iterator[str]:
    count = Counter(need.evidence for need in found)
    documented = [need.fact for need in found if need.fact]
    kinds = [sum(fact in facts for fact in documented) for facts in (OF_SERVICES, OF_SITUATIONS, DENIALS)]
    yield "## Rights\n"
    roles = len({need.right.role for need in found})
    yield (
        f"{len(found)} rights (a role, an action, a resource, a condition) of {roles} roles: "
        f"**{count[Evidence.PROVED]} proved**, **{count[Evidence.SIMULATED]} simulated**, "
        f"**{count[Evidence.DOCUMENTED]} documented** (what services do with a role: {kinds[0]}; situations that no "
        f"recorded run was in: {kinds[1]}; denials: {kinds[2]}), {count[Evidence.NONE]} without evidence.\n"
    )
    yield (
        "Rewards are instances of one construct: the first one stands for all of them. Account and Region are left "
        "out.\n"
    )
    yield "| role | right | on | if | evidence |"
    yield "|---|---|---|---|---|"
    for need, actions in _merged(found):
        right = need.right
        name = f"**deny** {actions}" if right.effect == "Deny" else actions
        condition = _condition(right.condition)
        evidence = need.evidence.value + (f" {_number(need.fact)}" if need.fact else "")
        yield f"| {template.label(right.role)} | {name} | {_arn(right.resource)} | {condition} | {evidence} |"
    yield ""


def _merged(found: Sequence[Need]) -> Iterator[tuple[Need, str]]:
    """Yield rights that differ in nothing but their action as one, with the names of the actions."""
    grouped: dict[tuple[Any, ...], list[Need]] = defaultdict(list)
    for need in found:
        right = need.right
        key = (right.role, right.effect, right.resource, right.condition, need.evidence, need.fact)
        grouped[key].append(need)
    for group in grouped.values():
        yield group[0], ", ".join(need.right.action for need in group)


def _facts(found: Sequence[Need]) -> Iterator[str]:
    yield "### What is documented\n"
    used = {need.fact for need in found if need.fact}
    for fact in (*OF_SERVICES, *OF_SITUATIONS, *DENIALS):
        if fact in used:
            yield f"{_number(fact)}. [{fact.says}]({fact.page})"
    yield ""


def _number(fact: Fact) -> int:
    return (*OF_SERVICES, *OF_SITUATIONS, *DENIALS).index(fact) + 1


def _removals() -> Iterator[str]:
    yield "### Tried on deployed roles\n"
    yield "An action was taken from a deployed role, and a run started. It failed with:\n"
    yield "| role | without | what the run said |"
    yield "|---|---|---|"
    for removal in _record("privileges")["figures"]["removals"]:
        yield f"| {removal['role']} | {removal['action']} | {_said(removal['failed_with'], removal['action'])} |"
    yield ""


def _said(cause: str, action: str) -> str:
    """Return the words around the name of the action in a failure, on one line."""
    text = " ".join(cause.replace("|", "/").replace("\\", "").split())
    begin = max(0, text.find(action) - 100)
    return f"`…{short(text[begin : text.find(action) + len(action)])}…`".replace(ACCOUNT, "<account>")


def _record(name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return record


def _admissions(found: Sequence[Admission]) -> Iterator[str]:
    yield "## Who else is admitted\n"
    yield (
        "What the resources' own policies allow, beside the roles' policies: trust, keys, buckets, topics, queues, "
        "permissions of functions. Lambda's trust names no source: handing a role to Lambda takes `iam:PassRole`.\n"
    )
    yield "| who | may | on | confined by |"
    yield "|---|---|---|---|"
    grouped: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in found:
        grouped[one.principal, ", ".join(one.actions), _condition(one.condition)].append(one.resource)
    for (principal, actions, condition), places in grouped.items():
        on = ", ".join(places) if len(places) <= 3 else f"{len(places)} resources"
        yield f"| {_arn(principal)} | {actions} | {on} | {condition} |"


def _arn(arn: str) -> str:
    """Return an ARN without what all of a stack's have in common."""
    return f"`{short(arn).replace(f':{REGION}:', '::').replace(f':{ACCOUNT}:', '::')}`"


def _condition(condition: str) -> str:
    """Return a condition as `key = value`, joined by `and`."""
    if not condition:
        return ""
    found = json.loads(condition)
    texts = [
        f"{key} = {', '.join(value) if isinstance(value, list) else value}{' or none' * operator.endswith('IfExists')}"
        for operator, block in (found if _is_nested(found) else {"": found}).items()
        for key, value in block.items()
    ]
    return f"`{short(' and '.join(texts)).replace(ACCOUNT, '<account>').replace(REGION, '<region>')}`"


def _is_nested(condition: Mapping[str, Any]) -> bool:
    return all(isinstance(block, dict) for block in condition.values())

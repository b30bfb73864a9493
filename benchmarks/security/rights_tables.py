"""The page's tables about rights of roles: what each is needed for, and what happened to roles that lost one."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.security.documented import DENIALS, OF_SERVICES, OF_SITUATIONS
from benchmarks.security.fact import Fact
from benchmarks.security.page_parts import arn, condition, evidence, places
from benchmarks.security.replay import Evidence, Need
from benchmarks.security.rights import Right, Template, short
from benchmarks.security.subjects import Subject, Subjects, record
from rft_local.emulator.environment import ACCOUNT

_Kind = tuple[str, str, Evidence, Fact | None, bool]


@dataclass(frozen=True)
class _Row:
    """Some actions on some resources by some roles: all of them, under one condition and with one evidence."""

    need: Need
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    labels: tuple[str, ...]
    is_always: bool


def of_environment(subjects: Subjects) -> Iterator[str]:
    """Yield the section about the rights of an environment's roles."""
    found = subjects.environment.needs
    always = [need for need in found if need.right in subjects.always]
    documented = [need.fact for need in found if need.fact]
    kinds = [sum(fact in facts for fact in documented) for facts in (OF_SERVICES, OF_SITUATIONS, DENIALS)]
    yield "## Rights\n"
    yield (
        f"{_counted(found)}, in prod with everything on: **{_classes(found)}**. Of the documented, {kinds[0]} are for "
        f"what services do with a role, {kinds[1]} for situations that no recorded run was in, and {kinds[2]} are "
        "denials.\n"
    )
    yield (
        f"{_counted(always)} are in every environment ({_classes(always)}); what a configuration turns on brings the "
        "others, marked *option*. Prod's are local's but for names and options, so that the calls recorded on the "
        "embedded AWS are asked again of prod's policies, under local's names.\n"
    )
    yield (
        "Rewards are instances of one construct: the first one stands for all of them. Account and Region are left "
        "out. Rights that several roles have alike come first.\n"
    )
    yield "| role | right | on | if | in | evidence |"
    yield "|---|---|---|---|---|---|"
    yield from _lines(subjects.environment, subjects.always)
    yield ""


def of_pipeline(subject: Subject) -> Iterator[str]:
    """Yield the section about the rights of the pipeline's roles."""
    yield "## The pipeline in AWS\n"
    yield (
        f"`PipelineStack` is one way to promote, and lies in an account of its own. {_counted(subject.needs)}: "
        f"**{_classes(subject.needs)}**. CDK Pipelines makes these roles and their rights; actions by pattern are its "
        "grants on the artifacts' bucket and key, and `*` is what it gives to the builds that publish files and update "
        "the pipeline. Ours is one right of each build that starts runs or verifies releases: to take the one role "
        "that its environment has for it.\n"
    )
    yield "| role | right | on | if | evidence |"
    yield "|---|---|---|---|---|"
    yield from _lines(subject)
    yield ""


def _lines(subject: Subject, always: Collection[Right] | None = None) -> Iterator[str]:
    template = subject.template
    for row in _merged(template, subject.needs, always or ()):
        right = row.need.right
        name = f"**deny** {', '.join(row.actions)}" if right.effect == "Deny" else ", ".join(row.actions)
        option = "" if always is None else f" {'' if row.is_always else 'option'} |"
        on = ", ".join(arn(resource, template) for resource in row.resources)
        yield (
            f"| {places(row.labels)} | {name} | {on} | {condition(right.condition, template)} |{option} "
            f"{evidence(row.need.evidence, row.need.fact)} |"
        )


def _merged(template: Template, found: Sequence[Need], always: Collection[Right]) -> list[_Row]:
    """Return rights as few rows, those of several roles first."""
    alike: dict[tuple[str, str, _Kind], list[Need]] = defaultdict(list)
    for need in found:
        right = need.right
        kind = (right.effect, right.condition, need.evidence, need.fact, right in always)
        alike[(right.role, right.resource, kind)].append(need)
    of_role: dict[tuple[str, tuple[str, ...], _Kind], list[Need]] = defaultdict(list)
    for (role, _, kind), group in alike.items():
        of_role[(role, tuple(need.right.action for need in group), kind)].append(group[0])
    rows: dict[tuple[tuple[str, ...], tuple[str, ...], _Kind], _Row] = {}
    for (_, actions, kind), group in of_role.items():
        resources, label = tuple(need.right.resource for need in group), template.label(group[0].right.role)
        row = _Row(group[0], actions, resources, (), group[0].right in always)
        before = rows.get((actions, resources, kind), row)
        rows[(actions, resources, kind)] = replace(before, labels=(*before.labels, label))
    return sorted(rows.values(), key=lambda row: (len(row.labels) == 1, row.labels))


def _counted(found: Sequence[Need]) -> str:
    roles = len({need.right.role for need in found})
    return f"{len(found)} rights (a role, an action, a resource, a condition) of {roles} roles"


def _classes(found: Sequence[Need]) -> str:
    count = Counter(need.evidence for need in found)
    return (
        f"{count[Evidence.PROVED]} proved, {count[Evidence.SIMULATED]} simulated, {count[Evidence.DOCUMENTED]} "
        f"documented, {count[Evidence.NONE]} without evidence"
    )


def tried() -> Iterator[str]:
    """Yield the section about roles that lost a right."""
    yield "### Tried on deployed roles\n"
    yield "An action was taken from a deployed role, and a run started. It failed with:\n"
    yield "| role | without | what the run said |"
    yield "|---|---|---|"
    for removal in record("privileges")["figures"]["removals"]:
        yield f"| {removal['role']} | {removal['action']} | {_said(removal['failed_with'], removal['action'])} |"
    yield ""


def _said(cause: str, action: str) -> str:
    """Return the words around the name of the action in a failure, on one line."""
    text = " ".join(cause.replace("|", "/").replace("\\", "").split())
    begin = max(0, text.find(action) - 100)
    return f"`…{short(text[begin : text.find(action) + len(action)])}…`".replace(ACCOUNT, "<account>")

"""The page's tables about policies of resources: who else is admitted, and who is kept out."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from benchmarks.security.outsiders import Ground
from benchmarks.security.page_parts import arn, condition, evidence, places
from benchmarks.security.replay import Evidence
from benchmarks.security.rights import Template
from benchmarks.security.subjects import Subject

_HEAD = ("| who | may | on | confined by | evidence |", "|---|---|---|---|---|")


def of_environment(subject: Subject) -> Iterator[str]:
    """Yield the section about the policies of an environment's resources."""
    yield "## Who else is admitted\n"
    yield (
        "What the resources' own policies say, beside the roles' policies, in prod with everything on: trust, keys, "
        "buckets, topics, queues, permissions of functions, endpoints. Lambda's trust names no source: handing a role "
        "to Lambda takes `iam:PassRole`. An endpoint's policy grants nothing: it says whose requests may pass, to do "
        f"what they may do anyway. {_counted(subject.grounds)}.\n"
    )
    yield from _HEAD
    yield from _lines(subject.template, subject.grounds)
    yield ""


def of_pipeline(subject: Subject) -> Iterator[str]:
    """Yield the table about the policies of the pipeline's resources."""
    yield f"The policies of its resources: {_counted(subject.grounds)}.\n"
    yield from _HEAD
    yield from _lines(subject.template, subject.grounds)
    yield ""


def _lines(template: Template, grounds: Sequence[Ground]) -> Iterator[str]:
    grouped: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for ground in grounds:
        one = ground.statement
        actions = ("**deny** " if one.effect == "Deny" else "") + ", ".join(one.actions)
        known = evidence(ground.evidence, ground.fact)
        grouped[one.principal, actions, condition(one.condition, template), known].append(one.resource)
    for (principal, actions, limit, known), labels in grouped.items():
        yield f"| {arn(principal, template)} | {actions} | {places(dict.fromkeys(labels))} | {limit} | {known} |"


def _counted(grounds: Sequence[Ground]) -> str:
    count = Counter(ground.evidence for ground in grounds)
    return (
        f"{len(grounds)} statements: **{count[Evidence.SIMULATED]} simulated, {count[Evidence.DOCUMENTED]} documented, "
        f"{count[Evidence.NONE]} without evidence**"
    )

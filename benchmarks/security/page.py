"""The generated half of docs/security.md: findings, and for every right and policy how it is known to be needed."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.result import ROOT
from benchmarks.security import outsiders_tables, rights_tables
from benchmarks.security.deployment_table import grants, of_deployment
from benchmarks.security.environments import EVERYTHING
from benchmarks.security.fact import Fact
from benchmarks.security.subjects import EVERY_FACT, Subjects, number, record, subjects

PAGE = ROOT / "docs" / "security.md"
MARK = "<!-- Generated from here on: make security; python -m benchmarks privileges -->\n"

_ENVIRONMENTS = ("prod", EVERYTHING)


def write() -> None:
    """Renew the generated half of the page."""
    text = PAGE.read_text(encoding="utf-8").partition(MARK)[0] + MARK + generated(subjects())
    PAGE.write_text(text, encoding="utf-8")


def generated(found: Subjects) -> str:
    """Return the generated half.

    Args:
        found: What is deployed, and how each statement of it is known to be needed.
    """
    parts = [
        *_findings(record("findings")),
        *rights_tables.of_environment(found),
        *rights_tables.tried(),
        *outsiders_tables.of_environment(found.environment),
        *rights_tables.of_pipeline(found.pipeline),
        *outsiders_tables.of_pipeline(found.pipeline),
        *of_deployment(),
        *_facts(used(found)),
    ]
    return "\n".join(["", *parts])


def used(found: Subjects) -> set[Fact]:
    """Return the facts that the page refers to."""
    return found.environment.facts | found.pipeline.facts | {grant.fact for grant in grants() if grant.fact}


def _facts(facts: set[Fact]) -> Iterator[str]:
    yield "## What is documented\n"
    yield "What the numbers behind *documented* stand for: the fact in our words, and the page of AWS that states it.\n"
    for fact in EVERY_FACT:
        if fact in facts:
            yield f"{number(fact)}. [{fact.says}]({fact.page})"
    yield ""


def _findings(found: Mapping[str, Any]) -> Iterator[str]:
    environments = found["figures"]["environments"]
    versions = ", ".join(f"{name} {version}" for name, version in sorted(found["figures"]["versions"].items()))
    yield "## Findings\n"
    still_open, idle = (sum(len(one[what]) for one in environments.values()) for what in ("open", "unneeded"))
    yield f"`{found['command']}` · {found['date']} · {versions}\n"
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

"""Findings grouped for people: which constraint answers which rules at which resources."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.security.findings import Acceptance, Finding, unanswered, unneeded
from benchmarks.security.rights import label


@dataclass(frozen=True, order=True)
class Row:
    """One constraint and what it answers.

    Args:
        why: The constraint.
        page: AWS page that states it.
        until: Last day on which it counts, `YYYY-MM-DD`.
        rules: `tool: rule`, sorted.
        places: Labels of the constructs, sorted.
        findings: How many findings.
    """

    why: str
    page: str
    until: str
    rules: list[str]
    places: list[str]
    findings: int


def rows(findings: Sequence[Finding], acceptances: Sequence[Acceptance]) -> list[Row]:
    """Return the accepted findings by constraint, sorted.

    Args:
        findings: What was found with nothing accepted.
        acceptances: What the constructs accept.
    """
    answers: dict[str, list[Acceptance]] = defaultdict(list)
    for acceptance in acceptances:
        answers[acceptance.rule].append(acceptance)
    grouped: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        answer = next((one for one in answers[finding.rule] if one.covers(finding)), None)
        if answer is not None:
            why, page, until = answer.parts()
            grouped[why, page, until.isoformat()].append(finding)
    return sorted(
        Row(
            *key,
            rules=sorted({f"{finding.tool}: {finding.name}" for finding in found}),
            places=sorted({label(finding.path) for finding in found}),
            findings=len(found),
        )
        for key, found in grouped.items()
    )


@dataclass(frozen=True)
class Summary:
    """What the checkers found in one environment.

    Args:
        raised: How many findings each tool has when nothing is accepted.
        open: Findings that nothing accepts.
        unneeded: Acknowledgements that no finding needs.
        rows: What is accepted.
    """

    raised: dict[str, int]
    open: list[str]
    unneeded: list[str]
    rows: list[Row]


def summary(findings: Sequence[Finding], acceptances: Sequence[Acceptance]) -> Summary:
    """Return what the checkers found, grouped.

    Args:
        findings: What was found with nothing accepted.
        acceptances: What the constructs accept.
    """
    still_open, idle = unanswered(findings, acceptances), unneeded(findings, acceptances)
    tools = sorted({finding.tool for finding in findings})
    return Summary(
        raised={tool: sum(finding.tool == tool for finding in findings) for tool in tools},
        open=[f"{finding.rule} at {finding.path}" for finding in still_open],
        unneeded=[f"{one.rule} at {one.path}" for one in idle],
        rows=rows(findings, acceptances),
    )

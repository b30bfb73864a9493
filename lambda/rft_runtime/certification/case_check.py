"""The author's good and bad completions, graded."""

from typing import TypeAlias

from rft_runtime.certificate import Check, Finding, Thresholds, Verdict
from rft_runtime.certification.cases import ENOUGH, Case, Cases
from rft_runtime.certification.findings import NONE, Tally
from rft_runtime.certification.graded_probes import graded
from rft_runtime.certification.grading_calls import GradingCalls, Sent
from rft_runtime.certification.kind import Kind
from rft_runtime.certification.probe import Probe
from rft_runtime.certification.row import refuses
from rft_runtime.statistics import bootstrap_lower_bound, mean

NAME = "cases"

_Tried: TypeAlias = tuple[Probe, Sent]
"""A completion and its grade."""


def examine_cases(
    cases: Cases | None, kind: Kind, thresholds: Thresholds, calls: GradingCalls, *, golds_of_rows: int | None
) -> list[Check]:
    """Grade the author's cases.

    A good one must pass, and a bad one score less than the right answer by the margin; a judge is judged by its means.

    Args:
        cases: The author's. None: there are none.
        kind: The reward's.
        thresholds: What is demanded.
        calls: Where completions are graded.
        golds_of_rows: Right answers that rows brought themselves, where nothing else says what is right. None: the
            kind writes right answers, so that cases are not needed.
    """
    checks = (
        [] if cases is None else [_by_mean(cases, kind, calls) if kind.noisy else _each(cases, kind, thresholds, calls)]
    )
    if golds_of_rows is None:
        return checks
    good, bad = (cases.good + golds_of_rows, cases.bad) if cases else (golds_of_rows, 0)
    if min(good, bad) < ENOUGH:
        checks.append(
            Check(
                name="enough-cases",
                verdict=Verdict.INCOMPLETE,
                summary=f"the reward's right answers cannot be written from its references: wanted at least {ENOUGH} "
                f"good and {ENOUGH} bad completions in cases.json, got {good} and {bad}",
            )
        )
    return checks


def call_refusals_right(cases: Cases | None) -> bool:
    """Whether the author calls a refusal good."""
    return cases is not None and any(refuses(turn) for case in cases.cases for turn in case.good)


def _each(cases: Cases, kind: Kind, thresholds: Thresholds, calls: GradingCalls) -> Check:
    tally = Tally(
        NAME, f"good completions score at least {thresholds.pass_at:g}, bad ones {thresholds.margin:g} less", NONE
    )
    for case in cases.cases:
        good, bad = _grade(case, kind, calls)
        for probe, grade in good:
            if grade.value is not None and grade.value >= thresholds.pass_at - 1e-9:
                tally.passes()
            else:
                tally.fails(_shown(case, probe, grade), None, None, grade.value)
        worst_good = min([value for _, grade in good if (value := grade.value) is not None], default=thresholds.pass_at)
        reached = max(thresholds.pass_at, worst_good)
        for probe, grade in bad:
            if grade.value is not None and reached - grade.value >= thresholds.margin - 1e-9:
                tally.passes()
            else:
                tally.fails(_shown(case, probe, grade), None, None, grade.value)
    return tally.check()


def _by_mean(cases: Cases, kind: Kind, calls: GradingCalls) -> Check:
    good: list[float] = []
    bad: list[float] = []
    lost = 0
    for case in cases.cases:
        for into, tried in zip((good, bad), _grade(case, kind, calls), strict=True):
            values = [value for _, grade in tried if (value := grade.value) is not None]
            into += values
            lost += len(tried) - len(values)
    if not good or not bad:
        return Check(name=NAME, verdict=Verdict.INCOMPLETE, summary="wanted good and bad completions with a grade")
    # The good ones' lower bound above the bad ones' upper one: both at 95 %, so that the gap is surer than that.
    bound = bootstrap_lower_bound(good) + bootstrap_lower_bound([-value for value in bad])
    gap = mean(good) - mean(bad)
    findings = [Finding(what=f"{lost} completions got no grade")] if lost else []
    return Check(
        name=NAME,
        verdict=Verdict.PASSED if bound > 0 and not lost else Verdict.FAILED,
        summary=f"good completions beat bad ones by {gap:.3g} on average (95 %: at least {bound:.3g})",
        tried=len(good) + len(bad),
        failed=lost,
        findings=tuple(findings),
    )


def _grade(case: Case, kind: Kind, calls: GradingCalls) -> tuple[list[_Tried], list[_Tried]]:
    """Return the graded good and bad completions of a case."""
    sent = [
        (case.row, Probe(f"{name} {number}", turn, quotable=False))
        for name, turns in (("good", case.good), ("bad", case.bad))
        for number, turn in enumerate(turns, 1)
    ]
    if kind.sees_mates:
        tried = [(probe, grade) for _, probe, grade in graded(sent, calls)]
    else:
        items = [row.item(f"case-{case.number}-{number}", probe.turn) for number, (row, probe) in enumerate(sent)]
        tried = [(probe, grade) for (_, probe), grade in zip(sent, calls.grade(items), strict=True)]
        for probe, grade in tried:
            calls.groups.add(case.row, probe.turn, grade.value, grade.components)
    return tried[: len(case.good)], tried[len(case.good) :]


def _shown(case: Case, probe: Probe, grade: Sent) -> str:
    score = f"nothing ({grade.invalid})" if grade.value is None else f"{grade.value:.3g}"
    return f"case {case.number}, {probe.name} scores {score}"

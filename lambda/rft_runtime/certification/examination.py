"""The examination of a deployed reward on a dataset: everything that a certificate says."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from rft_runtime.certificate import Certificate, Check, Latency, Thresholds, Verdict, verdict_of
from rft_runtime.certification import sample_checks
from rft_runtime.certification.case_check import call_refusals_right, examine_cases
from rft_runtime.certification.cases import Cases
from rft_runtime.certification.component_shares import component_shares
from rft_runtime.certification.contract import Contract, Golds
from rft_runtime.certification.evidence import NOTHING, Evidence, calibration_checks
from rft_runtime.certification.grading_calls import GradingCalls, Reward
from rft_runtime.certification.kind import BARE, Kind
from rft_runtime.certification.prompt_groups import PromptGroups
from rft_runtime.certification.row import Row, Rows
from rft_runtime.certification.sampling import stratified
from rft_runtime.certification.subject import Demands, Subject
from rft_runtime.certification.unwritten_kind import UnwrittenKind

_PILOT_ROWS = 20
_NOISY_PILOT_ROWS = 2
_NOISY_ROWS = 200
_GRADES_A_NOISY_ROW = 8
"""What one row costs at most: its right answer, four rivals and three hacks."""

_GRADES_A_TRIED_ROW = 50
"""What one row costs about that is tried with renderings, hacks and forms of its prompt."""

_NOISY_SAMPLES = 16
_SAMPLES = 512

Tell = Callable[[str], None]


def examine(
    subject: Subject,
    reward: Reward,
    rows: Rows,
    *,
    dataset_sha256: str,
    evidence: Evidence = NOTHING,
    demands: Demands | None = None,
    at_once: int = 1,
    seconds: float = float("inf"),
    tell: Tell = lambda words: None,
) -> Certificate:
    """Try a reward on a dataset.

    Args:
        subject: The reward.
        reward: Calls it.
        rows: The dataset; read several times.
        dataset_sha256: Of its bytes.
        evidence: What the author brings.
        demands: How strictly. None: the kind's defaults.
        at_once: Events in flight.
        seconds: Time for the rows; what is left over then is said to be incomplete.
        tell: Told what is being done.

    Raises:
        ValueError: When the reward's options are not its grader's.
        Exception: Whatever the call of the reward raises beside `RewardRaised`.
    """
    began = time.monotonic()
    demands, cases = demands or Demands(), evidence.cases
    kind = subject.kind()
    thresholds = demands.thresholds(kind)
    count = sum(1 for _ in rows())
    if kind.noisy:
        tell(f"a judge is paid for: at most {demands.budget:,} completions are graded")
    tell(f"choosing from {count:,} rows")
    sample = stratified(rows(), kind, _sample_size(kind, demands, cases))
    calls = _calls(subject, reward, kind, demands, at_once, PromptGroups(row.line for row in sample))
    pilot = Golds(kind, kind.frames[0], sample)
    frame = sample_checks.chosen_frame(sample[: _pilot_rows(kind)], pilot, thresholds, calls)
    if frame is None:
        kind = UnwrittenKind(kind)
    golds = Golds(kind, frame or BARE, sample)

    examined: list[Row] | None = sample if kind.noisy else None
    tell(f"the contract on {len(sample) if kind.noisy else count:,} rows")
    contract = Contract(golds, thresholds, calls, refusals_are_right=call_refusals_right(cases))
    contract.examine(rows() if examined is None else examined, lambda: time.monotonic() - began > seconds)
    checks = contract.checks(count if examined is None else len(examined))
    more, measured = _sample_checks(sample, golds, thresholds, demands, calls, tell)
    tell("the author's cases")
    checks += more
    are_needed = all(kind.key(row.reference) is None for row in sample)
    checks += examine_cases(cases, kind, thresholds, calls, golds_of_rows=contract.with_gold if are_needed else None)
    checks = [_answers(calls), *checks, *calibration_checks(subject.spec, evidence, subject.environment)]
    return Certificate(
        reward=subject.reward,
        kind=kind.name,
        environment=subject.environment,
        reward_hash=subject.reward_hash,
        code_sha256=subject.code_sha256,
        dataset_sha256=dataset_sha256,
        rows=count,
        thresholds=thresholds,
        evidence_sha256=evidence.sha256,
        made=datetime.now(UTC),
        seconds=round(time.monotonic() - began, 3),
        verdict=verdict_of(checks),
        checks=tuple(checks),
        latency=measured,
        grades=calls.grades,
        component_shares=component_shares(subject.spec, calls.groups.groups()),
        stand_in="judge stand-in" if calls.met_stand_in else None,
    )


def _sample_checks(
    sample: Sequence[Row],
    golds: Golds,
    thresholds: Thresholds,
    demands: Demands,
    calls: GradingCalls,
    tell: Tell,
) -> tuple[list[Check], tuple[Latency, ...]]:
    checks: list[Check] = []
    tell(f"renderings and hacks on {len(sample)} rows")
    tried = sample[: _tried_rows(demands)] if golds.kind.noisy and golds.kind.can_write else sample
    for check in (sample_checks.renderings, sample_checks.hacks, sample_checks.prompts):
        checks += check(tried, golds, thresholds, calls)
    tell("repetition")
    checks.append(sample_checks.repetition(sample[: demands.repeated_rows(golds.kind)], golds, demands.most_sd, calls))
    if not demands.timed:
        return checks, ()
    tell("latency")
    latency, measured = sample_checks.latency(sample, golds, calls)
    return [*checks, latency], measured


def _pilot_rows(kind: Kind) -> int:
    return _NOISY_PILOT_ROWS if kind.noisy else _PILOT_ROWS


def _sample_size(kind: Kind, demands: Demands, cases: Cases | None) -> int:
    """Return how many rows are sampled: of a grader that costs money, as many as its budget allows."""
    if not kind.noisy:
        return demands.sample
    spent = sample_checks.NOISY_TIMED + sample_checks.GRADES_A_REPEATED_ROW * demands.repeated_rows(kind)
    spent += 0 if cases is None else cases.good + cases.bad
    if kind.can_write:
        spent += _NOISY_PILOT_ROWS * len(kind.frames) + _GRADES_A_TRIED_ROW * _tried_rows(demands)
    return max(1, min(_NOISY_ROWS, (demands.budget - spent) // _GRADES_A_NOISY_ROW))


def _tried_rows(demands: Demands) -> int:
    """Return on how many rows of a grader that costs money renderings and hacks are tried."""
    return max(1, demands.budget // 200)


def _calls(
    subject: Subject, reward: Reward, kind: Kind, demands: Demands, at_once: int, groups: PromptGroups
) -> GradingCalls:
    spec = subject.spec
    return GradingCalls(
        reward,
        floor=0.0 if spec is None else spec.floor,
        ceiling=1.0 if spec is None else spec.ceiling,
        is_bounded=spec is not None,
        most_samples=_NOISY_SAMPLES if kind.noisy else _SAMPLES,
        event_bytes=demands.event_bytes,
        at_once=at_once,
        groups=groups,
    )


def _answers(calls: GradingCalls) -> Check:
    """Return whether every answer had Bedrock's form: an array, in order, one finite score for each id."""
    faults = sum(calls.fault_counts.values())
    names = ", ".join(calls.fault_counts)
    return Check(
        name="answers",
        verdict=Verdict.FAILED if faults else Verdict.PASSED,
        summary=f"{faults} faults in the answers ({names})"
        if faults
        else f"all {calls.calls} answers have Bedrock's form",
        tried=calls.calls,
        failed=faults,
        findings=tuple(calls.faults),
    )

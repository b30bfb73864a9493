"""Close: the one idempotent ending of every run.

Whoever comes first decides the outcome: the workflow's last state, its Catch, the execution's status event, a person,
or the sweeper. Everybody then does all that is left to do, so a closing that died half way is finished by the next one.
Every step is tried even when one before it failed. The mark of the open run goes last: until then the sweeper comes
back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from rft_contract.naming import job_name
from rft_contract.outcomes import Outcome, RunFailed, Transient
from rft_contract.settings import PlatformResources
from rft_runtime.deployment import delete_deployment
from rft_runtime.ending import Ending
from rft_runtime.failures import explain, is_transient, one_line
from rft_runtime.job import find_job, stop_job
from rft_runtime.platform import Platform
from rft_runtime.report import Report, build_report, encode_report
from rft_runtime.report_markdown import render, verdict
from rft_runtime.reward_alias import delete_alias
from rft_runtime.run_record import ENDED, RunRecord

_SUBJECT_LIMIT = 100


def close_run(platform: Platform, run_id: str, ending: Ending, execution: str | None = None) -> Ending:
    """Close a run.

    Args:
        platform: Where this runs.
        run_id: The run.
        ending: How it ended, in the caller's eyes.
        execution: The caller's execution; one that is not the run's own closes nothing.

    Returns:
        How the run ended: the first closing's word.

    Raises:
        Transient: When a step failed for a cause that a retry may cure.
        RunFailed: When a step failed for another cause. The outcome stands in both cases.
    """
    record = _record_of(platform, run_id, execution)
    if execution and record.execution_arn and execution != record.execution_arn:
        return ending
    record = platform.runs.update(run_id, lambda current: _ended(current, ending))
    failures = _clean_up(platform, record)
    if record.closed is None:
        failures += _publish(platform, record)
    if not failures:
        # While something may still run, its place is taken.
        failures += _try("give the place back", lambda: platform.places.give_back(run_id))
    _note(platform, record, failures)
    if not failures:
        platform.runs.mark_closed(run_id)
    if failures:
        message = f"run {run_id} ended {record.outcome}, and closing is not finished: " + "; ".join(
            f"{failure.step}: {explain(failure.error)}" for failure in failures
        )
        transient = any(is_transient(failure.error) for failure in failures)
        raise Transient(message) if transient else RunFailed(message)
    return Ending(Outcome(record.outcome or Outcome.FAILED), record.reason or "")


@dataclass(frozen=True)
class _Failure:
    step: str
    error: Exception


def _try(step: str, action: Callable[[], object]) -> list[_Failure]:
    try:
        action()
    except Exception as error:
        return [_Failure(step, error)]
    return []


def _record_of(platform: Platform, run_id: str, execution: str | None) -> RunRecord:
    """Return the run's record; made here for a run that never came to one."""
    record = platform.runs.find(run_id)
    if record is not None:
        return record
    made = RunRecord(
        run_id=run_id, environment=platform.environment, execution_arn=execution or "", started=datetime.now(UTC)
    )
    try:
        return platform.runs.create(made)
    except RunFailed:  # Plan came in between
        return platform.runs.load(run_id)


def _ended(record: RunRecord, ending: Ending) -> RunRecord:
    """Return the record with its outcome; the first one stays.

    A run whose release is committed is PROMOTED, whatever went wrong afterwards.
    A Distributed Map says only that too many of its items failed, so the last error of a shard is added.
    """
    if record.status == ENDED:
        return record
    outcome, reason = ending.outcome, ending.reason
    if record.release is not None and outcome is not Outcome.PROMOTED:
        outcome, reason = Outcome.PROMOTED, one_line(f"release {record.release} is live, but: {reason}")
    if ending.outcome is Outcome.FAILED and record.stage in ("Probe", "Evaluate") and record.shard_error is not None:
        reason = one_line(f"{record.shard_error} ({reason})")
    return msgspec.structs.replace(
        record,
        status=ENDED,
        outcome=outcome.value,
        reason=reason,
        ended=datetime.now(UTC),
    )


def _clean_up(platform: Platform, record: RunRecord) -> list[_Failure]:
    """Remove what the run made outside its folder.

    Where a create's answer was lost, the thing is looked up by name; what only bears the name is somebody else's and is
    left alone.
    """
    bedrock = platform.clients.bedrock

    def stop() -> None:
        job = find_job(bedrock, record.job_arn or job_name(record.environment, record.run_id))
        if job is not None and (record.job_arn is not None or job.carries_token_of(record)):
            stop_job(bedrock, job)

    def unalias() -> None:
        if record.reward_version is not None:
            function = record.parsed_resources().rewards[record.parsed_recipe().reward]
            delete_alias(platform.clients.functions, function, record.run_id)

    return [
        *_try("stop the job", stop),
        *_try("delete the deployment", lambda: delete_deployment(bedrock, record)),
        *_try("delete the alias", unalias),
    ]


def _publish(platform: Platform, record: RunRecord) -> list[_Failure]:
    """Write the report and send the message."""
    try:
        report = build_report(platform.bucket, record)
    except Exception as error:
        return [_Failure("build the report", error)]
    keys, bucket = record.keys, platform.bucket

    def write_markdown() -> None:
        bucket.write(keys.report_markdown, render(report).encode(), content_type="text/markdown")

    return [
        *_try("note the stand-in", lambda: _note_stand_in(platform, record, report)),
        *_try("write report.json", lambda: bucket.write(keys.report_json, encode_report(report))),
        *_try("write report.md", write_markdown),
        *_try("announce the outcome", lambda: _announce(platform, record, report)),
    ]


def _note_stand_in(platform: Platform, record: RunRecord, report: Report) -> None:
    platform.runs.update(record.run_id, lambda current: msgspec.structs.replace(current, stand_in=report.stand_in))


def _announce(platform: Platform, record: RunRecord, report: Report) -> None:
    """Send one message. It is claimed in the record first, so that two closings never send two."""
    if not record.resources:
        return
    topic = PlatformResources.from_json(record.resources).topic_arn
    claimed = False

    def claim(current: RunRecord) -> RunRecord:
        nonlocal claimed
        claimed = not current.announced
        return msgspec.structs.replace(current, announced=True)

    platform.runs.update(record.run_id, claim)
    if not claimed:
        return
    try:
        platform.clients.sns.publish(
            TopicArn=topic,
            Subject=f"rft {record.environment}/{record.run_id}: {record.outcome}"[:_SUBJECT_LIMIT],
            Message=f"{verdict(report)}\n\n{platform.bucket.address(record.keys.report_markdown)}\n",
            MessageAttributes={
                "outcome": {"DataType": "String", "StringValue": record.outcome or Outcome.FAILED},
                "run": {"DataType": "String", "StringValue": record.run_id},
            },
        )
    except Exception:
        platform.runs.update(record.run_id, lambda current: msgspec.structs.replace(current, announced=False))
        raise


def _note(platform: Platform, record: RunRecord, failures: list[_Failure]) -> None:
    """Write into the record what closing could not do, or that nothing is left."""
    now = datetime.now(UTC)
    errors = [f"{failure.step}: {explain(failure.error)}" for failure in failures]

    def noted(current: RunRecord) -> RunRecord:
        closed = current.closed or (None if errors else now)
        return msgspec.structs.replace(current, closing_errors=errors, closed=closed)

    platform.runs.update(record.run_id, noted)

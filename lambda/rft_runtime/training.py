"""Train: the job from its start to its end, one look at a time."""

from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from rft_contract.json_value import JsonObject
from rft_contract.outcomes import OverLimit, RunFailed, RunStopped
from rft_contract.statuses import JobStatus, Progress
from rft_runtime.detectors import PATIENCE, Strikes, invalid_share
from rft_runtime.failures import explain
from rft_runtime.job import Job, deadline_of, find_job, start_job, stop_job
from rft_runtime.job_metrics import graded_rollouts
from rft_runtime.platform import Platform
from rft_runtime.polling import next_wait, wait_within
from rft_runtime.run_record import RunRecord
from rft_runtime.run_use import hold_limits


def start_training(platform: Platform, run_id: str) -> JsonObject:
    """Start the run's customization job.

    Returns:
        `run_id` and the seconds to wait before the first look.

    Raises:
        OverLimit: When Certify and Probe have passed a limit already; no job is started then.
    """
    record = platform.runs.enter(run_id, "Train")
    if record.job_arn is None:
        record = hold_limits(platform, record, datetime.now(UTC))
        job = start_job(platform.clients.bedrock, record, platform.region)
        record = platform.runs.set(run_id, job_arn=job.arn, job_started=job.created)
    return {"run_id": run_id, "wait_seconds": record.parsed_settings().poll_first_seconds}


def poll_training(platform: Platform, run_id: str, waited: int) -> JsonObject:
    """Look at the run's job.

    Args:
        platform: Where this runs.
        run_id: The run.
        waited: Seconds waited before this look.

    Returns:
        `run_id`, `progress` and the seconds to wait before the next look.

    Raises:
        RunFailed: When the job failed or is gone.
        RunStopped: When somebody stopped it, or when too many of its rollouts were invalid at two looks in a row.
        OverLimit: When it ran past the deadline, or the run past one of the recipe's limits; it is stopped then.
    """
    record = platform.runs.load_running(run_id)
    job = find_job(platform.clients.bedrock, record.job_arn or "")
    if job is None:
        raise RunFailed(f"the customization job {record.job_arn} does not exist any more")
    if job.status == JobStatus.COMPLETED:
        if job.model_arn is None:
            raise RunFailed(f"the customization job {job.arn} completed without a model")
        record = platform.runs.set(run_id, model_arn=job.model_arn)
        _hold_limits(platform, record, job, datetime.now(UTC))
        return {"run_id": run_id, "progress": Progress.DONE, "wait_seconds": waited}
    if job.status == JobStatus.FAILED:
        raise RunFailed(f"the customization job failed: {job.failure or 'no message'}")
    if job.status == JobStatus.STOPPED:
        raise RunStopped(f"the customization job was stopped{f': {job.failure}' if job.failure else ''}")
    now, deadline = datetime.now(UTC), deadline_of(record)
    if now >= deadline:
        stop_job(platform.clients.bedrock, job)
        raise OverLimit(
            f"the customization job ran past {deadline:%Y-%m-%d %H:%M} UTC and was stopped; raise limits.hours, or the "
            "platform's deadline_hours, or train less"
        )
    record = _hold_limits(platform, record, job, now)
    _break_on_invalid_rewards(platform, record, job, now)
    settings = record.parsed_settings()
    wait = wait_within(next_wait(waited, settings.poll_max_seconds), now, deadline)
    return {"run_id": run_id, "progress": Progress.WAITING, "wait_seconds": wait}


def _hold_limits(platform: Platform, record: RunRecord, job: Job, now: datetime) -> RunRecord:
    """Stop a job whose run has passed a limit; where it is complete, its model stays until it is cleaned up."""
    try:
        return hold_limits(platform, record, now)
    except OverLimit as passed:
        if job.status == JobStatus.COMPLETED:
            raise OverLimit(f"{passed}; the customization job was complete, and nothing more is spent") from None
        stop_job(platform.clients.bedrock, job)
        raise OverLimit(
            f"{passed}; the customization job was stopped, leaves no model, and what it did is billed; raise the limit "
            "or train less"
        ) from None


def _break_on_invalid_rewards(platform: Platform, record: RunRecord, job: Job, now: datetime) -> None:
    """Stop a job whose rewards say nothing any more: what it would go on to learn is noise, and it is billed.

    Metrics that cannot be read are noted and stop nothing: a healthy job must not die of its watchman.
    """
    try:
        periods = graded_rollouts(platform.clients.cloudwatch, record.run_id, job.created, now)
    except (ClientError, BotoCoreError) as error:
        platform.runs.set(record.run_id, unwatched=explain(error))
        return
    share, limit = invalid_share(periods), record.parsed_recipe().training.max_invalid_share
    before = Strikes(record.invalid_strikes, record.invalid_seen)
    strikes = before.after(periods, limit)
    if strikes != before or record.unwatched is not None:
        platform.runs.set(record.run_id, invalid_strikes=strikes.looks, invalid_seen=strikes.rollouts, unwatched=None)
    if share is None or strikes.looks < PATIENCE:
        return
    stop_job(platform.clients.bedrock, job)
    raise RunStopped(
        f"invalid rewards: {100 * share:.1f} % of the last rollouts could not be graded, at {PATIENCE} looks in a row, "
        f"and training.max_invalid_share allows {100 * limit:g} %; the job was stopped, leaves no model, and what it "
        "did is billed; the reward function's log says why"
    )

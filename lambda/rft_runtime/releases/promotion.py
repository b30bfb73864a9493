"""Promote: a candidate that passed the gate becomes the live release of its line, one look at a time."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec

from rft_contract.json_value import JsonObject
from rft_contract.outcomes import Outcome, RunFailed, Stale
from rft_contract.statuses import Progress
from rft_runtime.platform import Platform
from rft_runtime.polling import next_wait
from rft_runtime.releases.current import Change, ChangeKind, Current
from rft_runtime.releases.release_change import advance, settle, take_back
from rft_runtime.releases.release_store import release_store
from rft_runtime.run_record import RunRecord

_STATE = "Promote"
_PATIENCE = timedelta(hours=2)


def start_promotion(platform: Platform, run_id: str) -> JsonObject:
    """Begin to promote a run's candidate.

    Returns:
        `run_id` and the seconds to wait before the first look.

    Raises:
        Stale: When another release went live since the run was planned.
        RunFailed: When Bedrock would not put the model in place.
    """
    record = platform.runs.enter(run_id, _STATE)
    _promote(platform, record)
    return {"run_id": run_id, "wait_seconds": record.parsed_settings().poll_first_seconds}


def poll_promotion(platform: Platform, run_id: str, waited: int) -> JsonObject:
    """Go on promoting a run's candidate.

    Args:
        platform: Where this runs.
        run_id: The run.
        waited: Seconds waited before this look.

    Returns:
        `run_id`, `progress` and the seconds to wait before the next look; with `DONE`, `outcome` and `reason` too.

    Raises:
        Stale: When another release went live since the run was planned.
        RunFailed: When Bedrock would not put the model in place, or did not within two hours.
    """
    record = platform.runs.load_running(run_id)
    if _promote(platform, record):
        record = platform.runs.load(run_id)
        return {
            "run_id": run_id,
            "progress": Progress.DONE,
            "wait_seconds": waited,
            "outcome": Outcome.PROMOTED,
            "reason": f"release {record.release} of line {record.parsed_recipe().line} is live",
        }
    if datetime.now(UTC) > record.stages.get(_STATE, record.started) + _PATIENCE:
        line = record.parsed_recipe().line
        take_back(platform, line, run_id)
        raise RunFailed(f"line {line}: its deployment did not take the model within two hours")
    wait = next_wait(waited, record.parsed_settings().poll_max_seconds)
    return {"run_id": run_id, "progress": Progress.WAITING, "wait_seconds": wait}


def _promote(platform: Platform, record: RunRecord) -> bool:
    """Move on, and return whether the run's release is live and told of.

    While another change is under way on the line, it is waited for: should it come to nothing, this one may still do.
    """
    line = record.parsed_recipe().line
    current = release_store(platform).update(line, lambda newest: _claimed(newest, record))
    change = current.change
    if change is not None and (change.id, change.kind) == (record.run_id, ChangeKind.PROMOTION):
        return advance(platform, line)
    if record.release is not None:
        return True
    if change is not None:
        with suppress(RunFailed):  # another's failure is not this run's
            settle(platform, line)
    return False


def _claimed(current: Current, record: RunRecord) -> Current:
    """Return the line claimed for a run's candidate; as it is when it cannot be claimed now, or was before.

    Raises:
        Stale: When the live release is not the one that the candidate was compared with.
    """
    if record.release is not None or (current.change is not None and current.change.id == record.run_id):
        return current
    if current.live != record.live:
        raise Stale(f"stale: {_since_compared(current, record)}; run the recipe again")
    if current.change is not None:
        return current
    if record.model_arn is None:
        raise RunFailed(f"run {record.run_id}: the record has no model; Train did not finish")
    change = Change(
        kind=ChangeKind.PROMOTION,
        id=record.run_id,
        since=datetime.now(UTC),
        release=current.newest + 1,
        model_arn=record.model_arn,
        reason="passed the gate",
    )
    return msgspec.structs.replace(current, newest=current.newest + 1, change=change)


def _since_compared(current: Current, record: RunRecord) -> str:
    """Say what became of the release that a candidate was compared with."""
    compared = None if record.live is None else record.live.release
    if current.release == compared:
        was = f"release {compared} of line {current.line}"
        return f"{was} was replaced since the candidate was compared with it, and put back"
    return (
        f"release {current.release} of line {current.line} is live by now, and the candidate was compared with "
        f"{'none' if compared is None else f'release {compared}'}"
    )

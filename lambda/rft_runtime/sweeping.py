"""Sweeping: what was begun and left is ended, whether or not anybody was told of it.

Status events are delivered at best effort, and after an execution was stopped or timed out none of its states runs; so
somebody looks, again and again. A sweep may die anywhere and may meet another one: it decides by what it finds, and
everything that it does may be done twice.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice

import msgspec
from botocore.exceptions import ClientError

from rft_contract.json_value import JsonObject
from rft_contract.outcomes import Outcome
from rft_runtime.failures import error_code, explain
from rft_runtime.model_retention import ModelCatalog, Retention, delete_model
from rft_runtime.platform import Platform
from rft_runtime.releases.release_store import release_store
from rft_runtime.run_record import OpenRun
from rft_runtime.stray import stray_aliases, stray_deployments, stray_jobs

PATIENCE = timedelta(minutes=5)
"""What the last state and the status event have for closing a run before the sweeper does."""

OF_EACH_KIND = 50
"""How many runs, strays of a kind and models one sweep ends at most; oldest first, and the next sweep goes on."""

_OVER = ("ABORTED", "FAILED", "SUCCEEDED", "TIMED_OUT")

Close = Callable[[JsonObject], None]
"""Hands an event to the closing handler."""


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What a sweep did.

    Args:
        closing: Runs that the closing handler was asked to close.
        removed: What was removed because no run knew of it any more.
        models: ARNs of the models that were deleted.
        failures: What could not be done, each in one line.
    """

    closing: list[str]
    removed: list[str]
    models: list[str]
    failures: list[str]


def sweep(
    platform: Platform,
    *,
    rewards: Sequence[str],
    retention: Retention,
    close: Close,
    stray_age: timedelta = timedelta(hours=1),
    patience: timedelta = PATIENCE,
) -> Swept:
    """End what was left. One failure does not keep the rest from being tried.

    Args:
        platform: Where this runs.
        rewards: Names of the reward functions.
        retention: Which models stay.
        close: Hands an event to the closing handler, which alone has the rights to close a run.
        stray_age: How long a run must be over before what it left is removed.
        patience: What the last state and the status event have for closing a run.

    Returns:
        What was done, and what could not be.
    """
    now = datetime.now(UTC)
    swept = Swept(closing=[], removed=[], models=[], failures=[])
    open_runs = sorted(platform.runs.open_runs(), key=lambda mark: mark.since)
    for mark in open_runs:
        if len(swept.closing) == OF_EACH_KIND:
            break
        with _noted(swept, f"run {mark.run_id}"):
            event = _closing_event(platform, mark, now, patience)
            if event is not None:
                close(event)
                swept.closing.append(mark.run_id)

    open_ids, before = {mark.run_id for mark in open_runs}, now - stray_age
    kinds = [
        stray_jobs(platform, open_ids, before),
        stray_deployments(platform, open_ids, before),
        *(stray_aliases(platform, function, open_ids, before) for function in rewards),
    ]
    for found in kinds:
        with _noted(swept, "strays"):
            for stray in islice(found, OF_EACH_KIND):
                with _noted(swept, stray.name):
                    stray.remove()
                    swept.removed.append(stray.name)

    with _noted(swept, "models"):
        catalog = ModelCatalog(platform.clients.bedrock, platform.runs, release_store(platform))
        going = (fate for fate in catalog.models(retention, now) if fate.goes)
        for fate in islice(going, OF_EACH_KIND):
            with _noted(swept, f"model {fate.name}"):
                if delete_model(platform.clients.bedrock, fate.arn):
                    swept.models.append(fate.arn)
    return swept


@contextmanager
def _noted(swept: Swept, what: str) -> Iterator[None]:
    """Note an error and go on."""
    try:
        yield
    except Exception as error:
        swept.failures.append(f"{what}: {explain(error)}")


def _closing_event(platform: Platform, mark: OpenRun, now: datetime, patience: timedelta) -> JsonObject | None:
    """Return what the closing handler must be told about an open run; None while its execution goes on.

    The mark of a run whose name was used before may name another execution than the record does; the record counts.
    """
    record = platform.runs.find(mark.run_id)
    execution = mark.execution_arn if record is None else record.execution_arn
    if now - mark.since < patience:
        return None
    if not execution:
        return {"run_id": mark.run_id, "outcome": Outcome.FAILED, "reason": "the run never began"}
    event: JsonObject = {"run_id": mark.run_id, "execution": execution}
    try:
        found = platform.clients.states.describe_execution(executionArn=execution)
    except ClientError as error:
        if error_code(error) != "ExecutionDoesNotExist":
            raise
        return {**event, "outcome": Outcome.FAILED, "reason": "its execution does not exist any more"}
    if found["status"] not in _OVER or now - found.get("stopDate", mark.since) < patience:
        return None
    return {**event, "execution_status": found["status"]}

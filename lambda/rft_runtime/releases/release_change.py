"""A change of what is live on a line, from its claim to its end, one look at a time.

The claim comes first: a conditional write of `current.json` that lets one change at a time touch the deployment. The
evidence of a promotion is then signed, and the claim keeps the signature: what cannot be signed never serves. What
serves is put in place; the run's record is the commit of a promotion, because closing a run and committing its release
exclude each other there; then the evidence is published; then `current.json` says what is live; then the world is told.
Every step may be repeated, so whoever comes next goes on: a poll, its retry, or the look every 15 minutes.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec
from botocore.exceptions import ClientError

from rft_contract.outcomes import RunFailed, Transient
from rft_runtime.failures import explain, is_transient
from rft_runtime.platform import Platform
from rft_runtime.releases.current import Change, ChangeKind, Current, Turn
from rft_runtime.releases.evidence import draw_up, publish
from rft_runtime.releases.live_deployment import NotPutInPlace, deployment_with, remove_deployment
from rft_runtime.releases.release_notice import tell, watch_deployment, write_parameters
from rft_runtime.releases.release_store import ReleaseStore, release_store
from rft_runtime.run_record import ENDED, RunRecord

GRACE = timedelta(minutes=10)
"""After a run's end, before somebody else takes its change back: longer than a call of its handlers lasts."""


def advance(platform: Platform, line: str, change_id: str | None = None) -> bool:
    """Move what is under way on a line one step on.

    Args:
        platform: Where this runs.
        line: The model line.
        change_id: Whose change; another's is left alone. None: anybody's.

    Returns:
        Whether nothing of that is under way any more.

    Raises:
        RunFailed: When the model could not be put in place. What was live before is then being put back.
        RunStopped: When the run that promotes was closed before it committed.
    """
    store = release_store(platform)
    current = store.current(line)
    change = current.change
    if change is None or change_id not in (None, change.id):
        return True
    if not change.switched:
        try:
            switched = _put_in_place(platform, store, current, change)
        except NotPutInPlace as error:
            _take_back(platform, store, current, change)
            raise RunFailed(f"line {line}: {error}; {_what_serves(current)}") from error
        if switched is None:
            return False
        current = switched
    if current.release is not None:
        _tell(platform, current, change)
    store.update(line, lambda newest: _without(newest, change))
    return True


def take_back(platform: Platform, line: str, change_id: str) -> None:
    """Give a change up: what was live before it is put back, now or by whoever comes next.

    Args:
        platform: Where this runs.
        line: The model line.
        change_id: Whose change; another's is left alone, and so is one that is committed.
    """
    store = release_store(platform)
    current = store.current(line)
    if current.change is not None and current.change.id == change_id and not current.change.switched:
        _take_back(platform, store, current, current.change)


def settle(platform: Platform, line: str) -> bool:
    """Finish what somebody began on a line and will not finish; leave alone what somebody is at work on.

    A rollback and a committed promotion are completed. A promotion whose run ended uncommitted is taken back.

    Args:
        platform: Where this runs.
        line: The model line.

    Returns:
        Whether nothing is under way any more.

    Raises:
        RunFailed: When a model could not be put in place.
    """
    change = release_store(platform).current(line).change
    if change is None:
        return True
    if change.kind is not ChangeKind.PROMOTION:
        return advance(platform, line)
    record = platform.runs.find(change.id)
    if record is not None and record.release is not None and record.release == change.release:
        return advance(platform, line)
    if _is_over(record):
        take_back(platform, line, change.id)
    return False


def restoring(current: Current, change: Change) -> Current:
    """Return the line with a change turned into its undoing; as it is when that change is not under way any more."""
    if current.change is None or current.change.id != change.id or current.change.switched:
        return current
    undoing = Change(
        kind=ChangeKind.RESTORE,
        id=change.id,
        since=datetime.now(UTC),
        release=current.release,
        model_arn=current.model_arn,
        reason=f"{change.kind.lower()} of release {change.release} came to nothing",
    )
    return msgspec.structs.replace(current, change=undoing)


def _put_in_place(platform: Platform, store: ReleaseStore, current: Current, change: Change) -> Current | None:
    """Return the line with the change made, or None while it has to be waited for."""
    bedrock = platform.clients.bedrock
    if change.kind is ChangeKind.PROMOTION and change.envelope is None:
        current = _sign(platform, store, current, change)
        if current.change is None or not _is_under_way(current, change):
            return None  # given up by somebody else meanwhile
        change = current.change
    if change.model_arn is None or change.release is None:
        return current if remove_deployment(bedrock, current) else None
    deployment = deployment_with(bedrock, current, change, change.model_arn)
    if deployment is None:
        store.update(current.line, lambda newest: _with(newest, change, asked=True))
        return None
    if change.kind is ChangeKind.PROMOTION:
        record = platform.runs.load(change.id)
        evidence = draw_up(platform, record, current, change)
        if record.release != change.release:  # the commit: refused once the run is closed, and never undone
            platform.runs.set(change.id, release=change.release)
        sha256 = publish(store, evidence)
    else:
        sha256 = store.digest(current.line, change.release)
    arn = deployment.arn
    return store.update(current.line, lambda newest: _switched(newest, change, arn, sha256))


def _sign(platform: Platform, store: ReleaseStore, current: Current, change: Change) -> Current:
    """Return the line with the signature in the claim.

    Raises:
        NotPutInPlace: When it cannot be signed.
        RunFailed: The same, for a promotion that is committed: it is never taken back.
    """
    record = platform.runs.load(change.id)
    refusal = RunFailed if record.release == change.release else NotPutInPlace
    try:
        envelope = draw_up(platform, record, current, change).envelope
    except RunFailed as error:
        raise refusal(str(error)) from error
    except ClientError as error:
        if is_transient(error):
            raise
        raise refusal(f"the evidence of release {change.release} could not be signed: {explain(error)}") from error
    return store.update(current.line, lambda newest: _with(newest, change, envelope=envelope))


def _take_back(platform: Platform, store: ReleaseStore, current: Current, change: Change) -> None:
    """Put back what was live. What cannot be put back now stays under way, and is tried again."""
    store.update(current.line, lambda newest: restoring(newest, change))
    if change.kind is not ChangeKind.RESTORE:
        with suppress(RunFailed, Transient):
            advance(platform, current.line)


def _tell(platform: Platform, current: Current, change: Change) -> None:
    """Tell applications, people and everything else what is live."""
    clients = platform.clients
    write_parameters(clients.ssm, current)
    release = release_store(platform).load(current.line, current.release or 0)
    record = platform.runs.find(release.run_id)
    if record is not None:
        watch_deployment(clients.cloudwatch, current, record.parsed_resources().topic_arn)
    if change.kind is not ChangeKind.RESTORE:
        tell(clients.events, platform.bucket, current, change, release.run_id)


def _is_over(record: RunRecord | None) -> bool:
    """Whether nothing of a run can still be at work."""
    if record is None:
        return True
    return record.status == ENDED and record.ended is not None and datetime.now(UTC) > record.ended + GRACE


def _what_serves(current: Current) -> str:
    return "nothing is live" if current.release is None else f"release {current.release} stays live"


def _is_under_way(current: Current, change: Change) -> bool:
    return current.change is not None and (current.change.id, current.change.kind) == (change.id, change.kind)


def _with(current: Current, change: Change, **values: object) -> Current:
    """Return the line with more known of a change; as it is when that change is not under way any more."""
    if current.change is None or not _is_under_way(current, change):
        return current
    return msgspec.structs.replace(current, change=msgspec.structs.replace(current.change, **values))


def _switched(current: Current, change: Change, deployment_arn: str, sha256: str) -> Current:
    """Return the line with the change's release live; as it is when another attempt was faster."""
    if current.change is None or not _is_under_way(current, change) or current.change.switched:
        return current
    turn = Turn(
        release=change.release or 0, since=datetime.now(UTC), kind=change.kind, id=change.id, reason=change.reason
    )
    return msgspec.structs.replace(
        current,
        release=change.release,
        model_arn=change.model_arn,
        deployment_arn=deployment_arn,
        manifest_sha256=sha256,
        change=msgspec.structs.replace(current.change, switched=True),
        history=current.history if change.kind is ChangeKind.RESTORE else [*current.history, turn],
    )


def _without(current: Current, change: Change) -> Current:
    return msgspec.structs.replace(current, change=None) if _is_under_way(current, change) else current

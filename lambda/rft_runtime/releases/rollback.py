"""Rolling back: an earlier release of a line serves again, through the same deployment."""

from datetime import UTC, datetime

import msgspec

from rft_contract.json_value import JsonObject
from rft_contract.naming import check_line
from rft_contract.outcomes import RunFailed
from rft_contract.statuses import Progress
from rft_runtime.platform import Platform
from rft_runtime.releases.current import Change, ChangeKind, Current
from rft_runtime.releases.release_change import advance
from rft_runtime.releases.release_store import ReleaseStore, release_store


def roll_back(platform: Platform, *, line: str, token: str, to: int | None = None, reason: str = "") -> JsonObject:
    """Begin a rollback or go on with it; called until it is `DONE`.

    Args:
        platform: Where this runs.
        line: The model line.
        token: Names this rollback; a call with the same token goes on with it.
        to: A release that was live before, or the live one to put it in place again. None: the one before it.
        reason: Why, for the line's history.

    Returns:
        `line`, `release` and `progress`.

    Raises:
        RunFailed: When there is nothing to roll back to, something else is under way on the line, or Bedrock would not
            put the model in place.
    """
    store = release_store(platform)
    done = next((turn for turn in store.current(check_line(line)).history if turn.id == token), None)
    if done is not None and store.current(line).change is None:
        return {"line": line, "release": done.release, "progress": Progress.DONE}
    current = store.update(line, lambda newest: _claimed(store, newest, token, to, reason))
    change = current.change
    release = current.release if change is None else change.release
    progress = Progress.DONE if advance(platform, line, token) else Progress.WAITING
    return {"line": line, "release": release, "progress": progress}


def _claimed(store: ReleaseStore, current: Current, token: str, to: int | None, reason: str) -> Current:
    change = current.change
    if change is not None:
        if (change.id, change.kind) == (token, ChangeKind.ROLLBACK):
            return current
        raise RunFailed(
            f"line {current.line}: {change.kind.lower()} of release {change.release} by {change.id} is under way since "
            f"{change.since:%Y-%m-%d %H:%M} UTC; wait for it, or stop that run, and try again"
        )
    if current.release is None:
        raise RunFailed(f"line {current.line}: nothing was ever promoted on it in environment {current.environment}")
    number = _target(store, current, to)
    change = Change(
        kind=ChangeKind.ROLLBACK,
        id=token,
        since=datetime.now(UTC),
        release=number,
        model_arn=store.load(current.line, number).model_arn,
        reason=reason,
    )
    return msgspec.structs.replace(current, change=change)


def _target(store: ReleaseStore, current: Current, to: int | None) -> int:
    if to is None:
        previous = store.load(current.line, current.release or 0).previous
        if previous is None:
            raise RunFailed(f"line {current.line}: release {current.release} is its first, there is none before it")
        return previous.number
    if not any(turn.release == to for turn in current.history):
        known = ", ".join(str(number) for number in sorted({turn.release for turn in current.history}))
        raise RunFailed(f"line {current.line}: release {to} was never live; those that were: {known}")
    return to

"""Every 15 minutes, and `rft teardown`: end what was left.

`{"rewards","close_function","keep_releases","rejected_model_days","stray_minutes"}` -> what was done.
"""

import json
from datetime import timedelta

import msgspec

from rft_contract.json_value import JsonObject
from rft_contract.outcomes import RunFailed
from rft_runtime.failures import named_failures
from rft_runtime.model_retention import Retention
from rft_runtime.platform import here
from rft_runtime.sweeping import PATIENCE, sweep


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    rewards: list[str]
    close_function: str
    keep_releases: int
    rejected_model_days: float
    stray_minutes: int = 60
    patience_minutes: float | None = None


@named_failures
def handler(event: JsonObject, context: object) -> JsonObject:
    """Sweep, and log one line of what was done.

    Raises:
        RunFailed: When something could not be done; the rest was.
    """
    asked, platform = msgspec.convert(event, _Asked), here()

    def close(closing: JsonObject) -> None:
        # Not waited for: Lambda repeats it, and what it fails on for good reaches the dead letters of Close.
        platform.clients.functions.invoke(
            FunctionName=asked.close_function, InvocationType="Event", Payload=json.dumps(closing).encode()
        )

    swept = sweep(
        platform,
        rewards=asked.rewards,
        retention=Retention(keep_releases=asked.keep_releases, rejected_days=asked.rejected_model_days),
        close=close,
        stray_age=timedelta(minutes=asked.stray_minutes),
        patience=PATIENCE if asked.patience_minutes is None else timedelta(minutes=asked.patience_minutes),
    )
    told: JsonObject = msgspec.to_builtins(swept)
    print(json.dumps(told, separators=(",", ":")))
    if swept.failures:
        raise RunFailed("; ".join(swept.failures))
    return told

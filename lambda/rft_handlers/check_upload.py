"""A dataset was put into the bucket: S3's event `Object Created` -> nothing; the report appears beside the dataset."""

import json
from typing import Protocol

import msgspec

from rft_contract.json_value import JsonObject
from rft_runtime.failures import named_failures
from rft_runtime.platform import here
from rft_runtime.upload_check import check_upload

_RESERVE_SECONDS = 60
"""For writing the report."""


class LambdaContext(Protocol):
    """The part of Lambda's context object that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds before Lambda stops the function."""


class _Object(msgspec.Struct):
    key: str


class _Detail(msgspec.Struct):
    object: _Object


class _ObjectCreated(msgspec.Struct):
    """The part of the event that is used (S3 user guide, "EventBridge event message structure")."""

    detail: _Detail


@named_failures
def handler(event: JsonObject, context: LambdaContext) -> None:
    """Check the dataset and log one line of counts."""
    key = msgspec.convert(event, _ObjectCreated).detail.object.key
    report = check_upload(here(), key, seconds=context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS)
    line: JsonObject = {"dataset": key, "reported": report is not None}
    if report is not None:
        line |= {
            "version": report.version,
            "split": report.split,
            "valid": report.valid,
            "rows": report.rows,
            "severities": {severity.value: count for severity, count in report.severities.items()},
            "codes": dict(report.counts),
        }
    print(json.dumps(line, separators=(",", ":")))

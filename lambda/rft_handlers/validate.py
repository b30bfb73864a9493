"""Validate: `{"run_id"}` -> `{"run_id"}`."""

from typing import Protocol

from rft_contract.json_value import JsonObject
from rft_runtime.failures import named_failures
from rft_runtime.platform import here
from rft_runtime.validation import validate

_RESERVE_SECONDS = 120
"""For comparing what was read, and writing the findings."""


class LambdaContext(Protocol):
    """The part of Lambda's context object that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds before Lambda stops the function."""


@named_failures
def handler(event: JsonObject, context: LambdaContext) -> JsonObject:
    """Check every line of the run's datasets."""
    run_id = str(event["run_id"])
    validate(here(), run_id, seconds=context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS)
    return {"run_id": run_id}

"""Certify: `{"run_id"}` -> `{"run_id"}`."""

from typing import Protocol

from rft_contract.json_value import JsonObject
from rft_runtime.certification.run_certification import certify_run
from rft_runtime.failures import named_failures
from rft_runtime.platform import here

_RESERVE_SECONDS = 60


class LambdaContext(Protocol):
    """The part of Lambda's context object that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds before Lambda stops the function."""


@named_failures
def handler(event: JsonObject, context: LambdaContext) -> JsonObject:
    """Certify the run's reward on its datasets, or find that it is certified already."""
    run_id = str(event["run_id"])
    certify_run(here(), run_id, context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS)
    return {"run_id": run_id}

"""Freeze: `{"run_id"}` -> `{"run_id"}`."""

from rft_contract.json_value import JsonObject
from rft_runtime.failures import named_failures
from rft_runtime.frozen_data import freeze
from rft_runtime.platform import here


@named_failures
def handler(event: JsonObject, context: object) -> JsonObject:
    """Copy the validated datasets into the run, and cut the held-out set into shards."""
    run_id = str(event["run_id"])
    freeze(here(), run_id)
    return {"run_id": run_id}

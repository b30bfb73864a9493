"""Validate: `{"run_id"}` -> `{"run_id"}`."""

from rft_contract.json_value import JsonObject
from rft_runtime.failures import named_failures
from rft_runtime.platform import here
from rft_runtime.validation import validate


@named_failures
def handler(event: JsonObject, context: object) -> JsonObject:
    """Check every line of the run's datasets."""
    run_id = str(event["run_id"])
    validate(here(), run_id)
    return {"run_id": run_id}

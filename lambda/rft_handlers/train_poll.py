"""PollTraining: `{"run_id","wait_seconds"}` -> `{"run_id","progress","wait_seconds"}`."""

from rft_contract.json_value import JsonObject
from rft_runtime.failures import named_failures
from rft_runtime.platform import here
from rft_runtime.training import poll_training


@named_failures
def handler(event: JsonObject, context: object) -> JsonObject:
    """Look at the run's customization job."""
    waited = event["wait_seconds"]
    return poll_training(here(), str(event["run_id"]), int(waited) if isinstance(waited, (int, float)) else 1)

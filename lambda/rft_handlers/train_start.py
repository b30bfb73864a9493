"""StartTraining: `{"run_id"}` -> `{"run_id","wait_seconds"}`."""

from rft_contract.json_value import JsonObject
from rft_runtime.failures import named_failures
from rft_runtime.platform import here
from rft_runtime.training import start_training


@named_failures
def handler(event: JsonObject, context: object) -> JsonObject:
    """Start the run's customization job, once."""
    return start_training(here(), str(event["run_id"]))

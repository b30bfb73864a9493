"""PollDeployment: `{"run_id","wait_seconds"}` -> `{"run_id","progress","wait_seconds"}`."""

from rft_contract.json_value import JsonObject
from rft_runtime.deployment import poll_deployment
from rft_runtime.failures import named_failures
from rft_runtime.platform import here


@named_failures
def handler(event: JsonObject, context: object) -> JsonObject:
    """Look at the candidate's deployment."""
    waited = event["wait_seconds"]
    return poll_deployment(here(), str(event["run_id"]), int(waited) if isinstance(waited, (int, float)) else 1)

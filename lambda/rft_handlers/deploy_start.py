"""DeployCandidate: `{"run_id"}` -> `{"run_id","wait_seconds"}`."""

from rft_contract.json_value import JsonObject
from rft_runtime.deployment import start_deployment
from rft_runtime.failures import named_failures
from rft_runtime.platform import here


@named_failures
def handler(event: JsonObject, context: object) -> JsonObject:
    """Deploy the candidate on demand, once."""
    return start_deployment(here(), str(event["run_id"]))

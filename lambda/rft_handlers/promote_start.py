"""PromoteCandidate: `{"run_id"}` -> `{"run_id","wait_seconds"}`."""

from rft_contract.json_value import JsonObject
from rft_runtime.failures import named_failures
from rft_runtime.platform import here
from rft_runtime.releases.promotion import start_promotion


@named_failures
def handler(event: JsonObject, context: object) -> JsonObject:
    """Claim the line for the candidate, and put it in place."""
    return start_promotion(here(), str(event["run_id"]))

"""PollPromotion: `{"run_id","wait_seconds"}` -> the same with `progress`, and in the end `outcome` and `reason`."""

from rft_contract.json_value import JsonObject
from rft_runtime.failures import named_failures
from rft_runtime.platform import here
from rft_runtime.releases.promotion import poll_promotion


@named_failures
def handler(event: JsonObject, context: object) -> JsonObject:
    """Look whether the candidate is in place; then make it the live release."""
    waited = event["wait_seconds"]
    return poll_promotion(here(), str(event["run_id"]), int(waited) if isinstance(waited, (int, float)) else 1)

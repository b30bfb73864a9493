"""StartProbe: `{"run_id"}` -> `{"run_id","prompts"}`."""

from rft_contract.json_value import JsonObject
from rft_runtime.failures import named_failures
from rft_runtime.platform import here
from rft_runtime.probing.probe import start_probe


@named_failures
def handler(event: JsonObject, context: object) -> JsonObject:
    """Draw the training prompts that the base model tries; none when the recipe wants no probe."""
    run_id = str(event["run_id"])
    return {"run_id": run_id, "prompts": start_probe(here(), run_id)}

"""DecideProbe: `{"run_id"}` -> `{"run_id"}`."""

from rft_contract.json_value import JsonObject
from rft_runtime.failures import named_failures
from rft_runtime.platform import here
from rft_runtime.probing.probe import decide_probe


@named_failures
def handler(event: JsonObject, context: object) -> JsonObject:
    """Judge what the base model did, and write the training set that the job reads."""
    run_id = str(event["run_id"])
    decide_probe(here(), run_id)
    return {"run_id": run_id}

"""Decide: `{"run_id"}` -> `{"run_id","outcome","reason"}`."""

from rft_contract.json_value import JsonObject
from rft_runtime.decision import decide_run
from rft_runtime.failures import named_failures
from rft_runtime.platform import here


@named_failures
def handler(event: JsonObject, context: object) -> JsonObject:
    """Judge the candidate."""
    run_id = str(event["run_id"])
    decision = decide_run(here(), run_id)
    return {"run_id": run_id, "outcome": decision.outcome, "reason": decision.reason}

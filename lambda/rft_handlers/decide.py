"""Decide: `{"run_id"}` -> `{"run_id","outcome","reason","promote"}`."""

from rft_contract.json_value import JsonObject
from rft_runtime.decision import decide_run, is_to_be_promoted
from rft_runtime.failures import named_failures
from rft_runtime.platform import here


@named_failures
def handler(event: JsonObject, context: object) -> JsonObject:
    """Judge the candidate."""
    run_id = str(event["run_id"])
    platform = here()
    decision = decide_run(platform, run_id)
    promote = is_to_be_promoted(platform.runs.load(run_id), decision)
    return {"run_id": run_id, "outcome": decision.outcome, "reason": decision.reason, "promote": promote}

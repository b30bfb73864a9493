"""Close: the ending of a run, in one of the four forms of `rft_runtime.ending` -> `{"run_id","outcome","reason"}`."""

from rft_contract.json_value import JsonObject
from rft_contract.naming import check_run_id
from rft_runtime.closing import close_run
from rft_runtime.ending import read_ending
from rft_runtime.failures import named_failures
from rft_runtime.platform import here


@named_failures
def handler(event: JsonObject, context: object) -> JsonObject:
    """End a run, clean up behind it, and report."""
    run_id = check_run_id(str(event["run_id"]))
    execution = event.get("execution")
    ending = close_run(here(), run_id, read_ending(event), execution if isinstance(execution, str) else None)
    return {"run_id": run_id, "outcome": ending.outcome, "reason": ending.reason}

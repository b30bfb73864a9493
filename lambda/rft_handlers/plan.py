"""Plan: `{"run_id","recipe","execution","settings","resources","prices","hours_beside_training"}` -> `{"run_id"}`."""

from rft_contract.json_value import JsonObject
from rft_contract.outcomes import RunFailed
from rft_runtime.failures import named_failures
from rft_runtime.plan import plan
from rft_runtime.platform import here


@named_failures
def handler(event: JsonObject, context: object) -> JsonObject:
    """Check a run before anything is spent, and write its record."""
    run_id, execution, recipe = event["run_id"], event["execution"], event["recipe"]
    if not isinstance(recipe, dict):
        raise RunFailed(f"recipe: got {type(recipe).__name__}, wanted a mapping")
    plan(here(), run_id=str(run_id), execution=str(execution), recipe=recipe, facts=event)
    return {"run_id": run_id}

"""How a closing learns the way a run ended: from the last state, a Catch, a status event, or a person."""

import json
from dataclasses import dataclass

from rft_contract.json_value import JsonObject
from rft_contract.outcomes import Outcome, RunEnded, outcome_of
from rft_runtime.failures import one_line

_BY_STATUS = {
    "ABORTED": (Outcome.STOPPED, "somebody stopped the execution"),
    "TIMED_OUT": (Outcome.OVER_LIMIT, "the workflow ran past its time limit"),
    "FAILED": (Outcome.FAILED, "the execution failed before it could close its run; see its history"),
    "SUCCEEDED": (Outcome.FAILED, "the execution ended without closing its run; see its history"),
}
_NAMED = frozenset(ending.__name__ for ending in RunEnded.__subclasses__())


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Args:
        outcome: Its name.
        reason: One line that a person can act on.
    """

    outcome: Outcome
    reason: str


def read_ending(event: JsonObject) -> Ending:
    """Read the event of a closing.

    Args:
        event: `{"outcome","reason"}`, `{"error":{"Error","Cause"}}`, `{"execution_status"}` or `{"stop"}`.

    Raises:
        ValueError: When it is none of these.
    """
    if isinstance(error := event.get("error"), dict):
        return _from_error(str(error.get("Error", "")), str(error.get("Cause", "")))
    if isinstance(status := event.get("execution_status"), str) and status in _BY_STATUS:
        return Ending(*_BY_STATUS[status])
    if isinstance(stop := event.get("stop"), str):
        return Ending(Outcome.STOPPED, one_line(stop) or "stopped by hand")
    if isinstance(outcome := event.get("outcome"), str) and outcome in Outcome.__members__:
        return Ending(Outcome(outcome), one_line(str(event.get("reason", ""))))
    raise ValueError(
        f"close: got the keys {', '.join(sorted(event))}; wanted outcome, error, execution_status (ABORTED, TIMED_OUT, "
        "FAILED or SUCCEEDED) or stop"
    )


def _from_error(error: str, cause: str) -> Ending:
    """Read what a Catch of Step Functions says; a Lambda function's cause is JSON with `errorMessage`."""
    message = cause
    try:
        parsed = json.loads(cause)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict) and isinstance(parsed.get("errorMessage"), str):
        message = parsed["errorMessage"]
    if error not in _NAMED:
        message = f"{error}: {message}" if message else error
    return Ending(outcome_of(error), one_line(message))

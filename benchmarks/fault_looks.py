"""What comes every 15 minutes, called when a run has ended: the looks at runs and at lines."""

import json
import threading

from benchmarks.instant_stack import InstantStack

SETTLES = "ReleaseSettle"
"""What the name of the function that looks at lines holds."""

_looking = threading.Lock()
"""The schedule lets one look at runs or lines begin at a time."""


def sweep(stack: InstantStack) -> None:
    """Sweep without the patience that status events have, as the schedule does every 15 minutes with it."""
    outputs = stack.outputs
    asked = {
        "rewards": list(outputs.rewards.values()),
        "close_function": outputs.close_function,
        "keep_releases": outputs.keep_releases,
        "rejected_model_days": outputs.rejected_model_days,
        "patience_minutes": 0,
    }
    with _looking:
        stack.client("lambda").invoke(FunctionName=outputs.sweep_function, Payload=json.dumps(asked).encode())


def settle(stack: InstantStack) -> None:
    """Look at every line, as the schedule does every 15 minutes."""
    functions = stack.client("lambda")
    pages = functions.get_paginator("list_functions").paginate()
    (name,) = (one["FunctionName"] for page in pages for one in page["Functions"] if SETTLES in one["FunctionName"])
    with _looking:
        functions.invoke(FunctionName=name, Payload=b"{}")

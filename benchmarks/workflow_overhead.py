"""What a run costs beside the model: every state on the embedded AWS, with a model that needs no time.

The Bedrock endpoint behind the embedded AWS is replaced by `instant_bedrock`; everything else is what a user deploys.
What is left is the workflow's own time: handlers, state machine, data, the deployed reward function, and polling.
"""

import sys
import time

from benchmarks.instant_stack import InstantStack, instant_stack
from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.layout import RunKeys

COMMAND = "python -m benchmarks workflow_overhead"
HELD_OUT = (100, 1_000, 10_000)
TRAIN = 100
PROBED = 20
PORT, BEDROCK_PORT = 4932, 4933
_LONGEST_SECONDS = 300.0


def measure() -> JsonObject:
    """Run one recipe for each size of the held-out set."""
    with instant_stack(PORT, BEDROCK_PORT) as stack:
        _run(stack, "warm-up", 100)  # functions start, interpreters are loaded
        found = [_run(stack, f"held-out-{prompts}", prompts) for prompts in HELD_OUT]
    return figures(found)


def figures(found: list[JsonObject]) -> JsonObject:
    """Return the runs with the straight line through the first and the last of them.

    Args:
        found: What each run took, by growing held-out set.
    """
    points = [(int(str(run["held_out_prompts"])), float(str(run["seconds"]))) for run in found]
    (few, least), (many, most) = points[0], points[-1]
    slope = (most - least) / (many - few)
    fixed = least - slope * few
    runs: list[JsonValue] = [
        {**run, "off_the_line_percent": round(100 * (seconds / (fixed + slope * prompts) - 1), 1)}
        for run, (prompts, seconds) in zip(found, points, strict=True)
    ]
    return {
        "train_prompts": TRAIN,
        "probed_prompts": PROBED,
        "fixed_seconds": round(fixed, 2),
        "ms_a_held_out_prompt": round(1000 * slope, 2),
        "runs": runs,
    }


def _run(stack: InstantStack, run_id: str, held_out: int) -> JsonObject:
    """Run a recipe and return what each state took, in seconds.

    Raises:
        RuntimeError: When it does not end PASSED.
    """
    recipe: JsonObject = {
        "schema": 1,
        "line": "overhead",
        "reward": "routing",
        "base_model": "local.smollm2-135m-instruct-v1:0",
        "datasets": {
            "train": stack.upload(f"{run_id}-train", TRAIN),
            "held_out": stack.upload(f"{run_id}-held-out", held_out),
        },
        "hyperparameters": {"batchSize": 16, "trainingSamplePerPrompt": 2, "inferenceMaxTokens": 16},
        "probe": {"prompts": PROBED},
        "gate": {"samples_per_prompt": 1},
    }
    began = time.monotonic()
    found = stack.ended(stack.start(run_id, recipe), _LONGEST_SECONDS)
    wall = time.monotonic() - began
    print(f"{run_id}: {wall:.1f} s", file=sys.stderr, flush=True)
    report = stack.read(RunKeys(run_id).report_json)
    if report["outcome"] != "PASSED":
        raise RuntimeError(f"{run_id} ended {report['outcome']}: {report['reason']}; {found.get('cause', '')}")
    return {
        "held_out_prompts": held_out,
        "completions": held_out * 4,
        "seconds": round(wall, 2),
        "states": report["seconds"],
    }

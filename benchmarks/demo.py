"""The demo with fresh seeds, beside a control run whose rewards are shuffled (its gain should be about 0)."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measured_command import run
from rft_contract.json_value import JsonObject, JsonValue

COMMAND = "python -m benchmarks demo"
SEEDS = (31, 32, 33, 34, 35)
CONTROL_SEED = 21


def one(seed: int, *extra: str) -> JsonObject:
    """Run the demo once and return its figures.

    Args:
        seed: Of the trainer.
        extra: More options of `rft demo`.

    Raises:
        RuntimeError: When it wrote no report.
    """
    with TemporaryDirectory() as out:
        cost = run(["rft", "demo", "--seed", str(seed), "--out", out, *extra], echo=True)
        path = Path(out) / "report.json"
        if not path.exists():
            raise RuntimeError(f"seed {seed}: the demo wrote no report; it said: {cost.output[-600:]}")
        report = json.loads(path.read_text())
    kept = ("outcome", "base", "candidate", "gain", "relative_gain", "error_reduction", "chance_accuracy")
    result: JsonObject = {key: report[key] for key in (*kept, "held_out_prompts", "seconds", "peak_memory_mb")}
    rewards: list[JsonValue] = [step["reward"] for step in report["steps"]]
    return {
        "seed": seed,
        "exit_code": cost.exit_code,
        "wall_seconds": cost.wall_seconds,
        "cpu_seconds": cost.cpu_seconds,
        "tree_peak_memory_mb": cost.peak_memory_mb,
        "step_rewards": rewards,
        **result,
    }


def measure() -> JsonObject:
    """Run the demo once a seed, then the control."""
    runs: list[JsonValue] = [one(seed) for seed in SEEDS]
    return {"runs": runs, "control_shuffled_rewards": one(CONTROL_SEED, "--shuffle-rewards")}

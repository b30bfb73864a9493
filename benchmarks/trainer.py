"""What one GRPO step of the embedded trainer costs: `python -m benchmarks trainer`, or `python -m benchmarks.trainer`.

CPU-seconds come first, wall time depends on the neighbours. The first step is apart: it may compile. The peer runs in
an environment of its own, see `trl_side.py`.
"""

import json
import sys
from collections.abc import Sequence
from statistics import fmean

from benchmarks.trainer_shapes import (
    FIRST_LAYER,
    LEARNING_RATE,
    PROMPTS_A_STEP,
    RANK,
    SAMPLES,
    SHAPES,
    STEPS,
    TEMPERATURE,
    Shape,
    reward,
)
from rft_contract.json_value import JsonObject, JsonValue
from rft_local.trainer.hyperparameters import TrainingPlan
from rft_local.trainer.stand_in import StandIn
from rft_local.trainer.training import Rollout, Row, StepRecord, train
from rft_local.weights import default_cache, ensure_weights

COMMAND = "python -m benchmarks trainer"


def _plan(shape: Shape) -> TrainingPlan:
    return TrainingPlan(
        batch_size=PROMPTS_A_STEP,
        samples=SAMPLES,
        epochs=STEPS,
        steps=STEPS,
        max_tokens=shape.max_tokens,
        max_prompt_tokens=512,
        eval_interval=STEPS,
        learning_rate=LEARNING_RATE,
        temperature=TEMPERATURE,
        rank=RANK,
        first_layer=FIRST_LAYER,
    )


def _rewards(rollouts: Sequence[Rollout]) -> list[float]:
    return [reward(rollout.completion.text) for rollout in rollouts]


def _one(stand_in: StandIn, shape: Shape) -> JsonObject:
    rows = [Row(messages, {}) for messages in shape.prompts()]
    records: list[StepRecord] = []
    train(
        stand_in,
        rows,
        [],
        _plan(shape),
        reward=_rewards,
        seed=0,
        on_step=records.append,
        should_stop=lambda: False,
    )
    first, later = records[0], records[1:]
    tokens = fmean(record.episode_length for record in later) * PROMPTS_A_STEP * SAMPLES
    cpu_seconds, seconds = (fmean(getattr(record, name) for record in later) for name in ("cpu_seconds", "seconds"))
    return {
        "shape": f"{PROMPTS_A_STEP} x {SAMPLES}, {shape.name}",
        "prompt_tokens": round(fmean(stand_in.count_tokens(row.messages) for row in rows), 1),
        "completion_tokens": round(tokens / (PROMPTS_A_STEP * SAMPLES), 2),
        "mixed_groups": round(fmean(record.mixed_groups for record in later), 3),
        "first_step_cpu_seconds": round(first.cpu_seconds, 2),
        "step_cpu_seconds": round(cpu_seconds, 2),
        "step_seconds": round(seconds, 2),
        "generated_tokens_per_cpu_second": round(tokens / cpu_seconds, 1),
        "generated_tokens_per_second": round(tokens / seconds, 1),
    }


def measure() -> JsonObject:
    """Train six steps of each shape; figures without `first` are means over steps 2 to 6."""
    stand_in = StandIn.load(ensure_weights(default_cache()))
    shapes: list[JsonValue] = [_one(stand_in, shape) for shape in SHAPES]
    return {"shapes": shapes}


def table(figures: JsonObject) -> str:
    """Return the figures as lines of name and one value a shape."""
    shapes = figures["shapes"]
    if not isinstance(shapes, list):
        raise TypeError(f"figures: got shapes {shapes!r}, wanted a list")
    columns = [shape for shape in shapes if isinstance(shape, dict)]
    return "\n".join(f"{name:34}" + "".join(f"{column[name]!s:>40}" for column in columns) for name in columns[0])


if __name__ == "__main__":
    measured = measure()
    print(json.dumps(measured, indent=2) if "--json" in sys.argv[1:] else table(measured))

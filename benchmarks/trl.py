"""The embedded trainer beside TRL's GRPOTrainer: the same workloads, one after the other, as a ratio of CPU-seconds.

TRL lives in an environment of its own:

    python3 -m venv trl && trl/bin/pip install -r benchmarks/requirements-trl.txt
    RFT_TRL_PYTHON=trl/bin/python python -m benchmarks trl
"""

import json
import os
import subprocess

from benchmarks import trainer
from benchmarks.result import ROOT
from rft_contract.json_value import JsonObject, JsonValue
from rft_local.weights import default_cache, ensure_weights

COMMAND = "RFT_TRL_PYTHON=trl/bin/python python -m benchmarks trl"


def _peer(python: str) -> list[JsonObject]:
    """Return TRL's figures, one object a shape."""
    weights = ensure_weights(default_cache())
    child = subprocess.run(
        [python, "-m", "benchmarks.trl_side", str(weights)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if child.returncode:
        raise RuntimeError(f"TRL's side failed: {child.stderr.strip().splitlines()[-1:]}")
    return [json.loads(line) for line in child.stdout.splitlines() if line.startswith('{"shape"')]


def _compared(ours: JsonObject, theirs: JsonObject) -> JsonObject:
    if ours["shape"] != theirs["shape"]:
        raise RuntimeError(f"shapes differ: {ours['shape']!r} and {theirs['shape']!r}")
    return {
        "shape": ours["shape"],
        "ours": ours,
        "trl": theirs,
        "times_less_cpu": round(_number(theirs, "step_cpu_seconds") / _number(ours, "step_cpu_seconds"), 1),
        "times_less_wall": round(_number(theirs, "step_seconds") / _number(ours, "step_seconds"), 1),
    }


def _number(figures: JsonObject, name: str) -> float:
    value = figures[name]
    if not isinstance(value, (int, float)):
        raise TypeError(f"{name}: got {value!r}, wanted a number")
    return value


def measure() -> JsonObject:
    """Train six steps of each shape on both sides; figures without `first` are means over steps 2 to 6.

    Raises:
        RuntimeError: When the variable RFT_TRL_PYTHON names no interpreter that has TRL.
    """
    python = os.environ.get("RFT_TRL_PYTHON")
    if not python:
        raise RuntimeError(f"RFT_TRL_PYTHON is not set; {COMMAND}, see benchmarks/trl.py")
    shapes = trainer.measure()["shapes"]
    ours = [shape for shape in shapes if isinstance(shape, dict)] if isinstance(shapes, list) else []
    compared: list[JsonValue] = [_compared(*pair) for pair in zip(ours, _peer(python), strict=True)]
    return {"shapes": compared}

"""Checks of each row of a large file, with ids and exact duplicates: MB/s on one core and memory, beside peers.

The file holds a million rows of GSM8K in the layout of AWS's example, about 840 bytes each, each prompt with a number
that makes it another one. Every side reads it in a process of its own, from the page cache, three times in turn; the
fastest time counts. What the sides do is in `dataset_rows_side`; bare decoding is the limit that checks cannot pass.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.dataset_rows_side import SIDES
from benchmarks.public_data import public_file
from benchmarks.result import ROOT
from rft_contract.json_value import JsonObject

COMMAND = "RFT_BENCHMARK_DATA=FOLDER python -m benchmarks dataset_rows"

ROWS = int(os.environ.get("RFT_BENCHMARK_ROWS", "1000000"))
_TURNS = 3
_SYSTEM = "You are a helpful math tutor who solves word problems step by step."
_INSTRUCTION = 'Let\'s think step by step and output the final answer after "####".'


def measure() -> JsonObject:
    """Measure every side; nothing where GSM8K is not here."""
    source = public_file("gsm8k/train.jsonl")
    if source is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        _write(path, [json.loads(line) for line in source.read_bytes().splitlines()])
        size = path.stat().st_size
        turns = [{side: _run(side, path) for side in SIDES} for _ in range(_TURNS)]
    best = {side: min((turn[side] for turn in turns), key=lambda run: run.get("cpu_seconds", 0.0)) for side in SIDES}
    ours = best["rft"]["cpu_seconds"]
    return {
        "rows": ROWS,
        "megabytes": round(size / 1e6, 1),
        "memory_limit_mb": 100 + 32 * ROWS / 1e6,
        "sides": {
            side: {
                "megabytes_per_cpu_second": round(size / 1e6 / run["cpu_seconds"]),
                "megabytes_per_second": round(size / 1e6 / run["seconds"]),
                "peak_memory_mb": round(run["peak_memory_mb"], 1),
                "times_our_cpu_seconds": round(run["cpu_seconds"] / ours, 2),
            }
            for side, run in best.items()
            if run
        },
    }


def _write(path: Path, problems: list[dict[str, str]]) -> None:
    """Write the dataset."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(ROWS):
            problem = problems[number % len(problems)]
            steps, _, answer = problem["answer"].rpartition("\n#### ")
            prompt = f"{problem['question']} ({number}) {_INSTRUCTION}"
            row = {
                "id": f"gsm8k_train_{number}",
                "messages": [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": prompt}],
                "reference_answer": {"final_answer": answer, "steps": steps.split("\n")},
                "task_id": f"gsm8k_train_{number}",
                "domain": "math",
            }
            file.write(f"{json.dumps(row)}\n")


def _run(side: str, path: Path) -> dict[str, float]:
    """Run a side in a process of its own; nothing, after saying so, when what it needs is not installed.

    Raises:
        RuntimeError: When it fails, or takes a sound file for another.
    """
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.dataset_rows_side", side, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if child.returncode:
        if "ModuleNotFoundError" in child.stderr:
            print(f"skipped: {side} is not installed")
            return {}
        raise RuntimeError(f"{side} failed: {child.stderr.strip().splitlines()[-1:]}")
    figures: dict[str, float] = json.loads(child.stdout)
    if figures["rows"] != ROWS or figures["repeated"]:
        raise RuntimeError(f"{side} says {figures}, and the file holds {ROWS} rows without a repeated one")
    return figures

"""All checks of a run's datasets at Bedrock's largest size: seconds and peak memory, in a process of their own.

20,000 training rows, 1,000 for validation and the 1,319 of GSM8K's test set as held-out. The rows are GSM8K's problems
with their worked solutions as reference answers; where there are too few, they come again with other numbers, which
makes them other problems, and with other words in front.
"""

import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.public_data import public_file
from benchmarks.result import ROOT
from rft_contract.json_value import JsonObject

COMMAND = "RFT_BENCHMARK_DATA=FOLDER python -m benchmarks dataset_checks"

_ROWS = {"train": 20_000, "validation": 1_000}
_RUNS = 5
_INSTRUCTION = ' Let\'s think step by step and output the final answer after "####".'

_CHILD = """
import json, re, sys, time
from pathlib import Path
from rft_contract.hyperparameters import Hyperparameters
from rft_dataset.checking import Source, check

splits = ("train", "validation", "held_out")[: int(sys.argv[2])]
streams = [Source(split, f"{split}.jsonl", Path(sys.argv[1], f"{split}.jsonl").open("rb")) for split in splits]
started = time.perf_counter()
found = check(streams, hyperparameters=Hyperparameters())
seconds = time.perf_counter() - started
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
counts = {split: dict(report.findings.counts) for split, report in found.reports.items()}
counts["across"] = dict(found.across.counts)
print(json.dumps({"seconds": seconds, "peak_mb": peak, "findings": counts}))
"""


def measure() -> JsonObject:
    """Measure on one core, each run in a fresh process; nothing where GSM8K is not here."""
    files = [public_file(f"gsm8k/{split}.jsonl") for split in ("train", "test")]
    if None in files:
        return {}
    train, test = ([json.loads(line) for line in path.read_bytes().splitlines()] for path in files if path)
    with tempfile.TemporaryDirectory() as folder:
        made = _more(train)
        datasets = {split: [next(made) for _ in range(rows)] for split, rows in _ROWS.items()} | {"held_out": test}
        for split, rows in datasets.items():
            Path(folder, f"{split}.jsonl").write_text("".join(map(_line, rows)), encoding="utf-8")
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
        return {
            "rows": {split: len(rows) for split, rows in datasets.items()},
            "megabytes": round(size / 1e6, 1),
            "all_datasets": _checked(folder, len(datasets)),
            "training_rows_alone": _checked(folder, 1),
        }


def _more(rows: list[JsonObject]) -> Iterator[JsonObject]:
    """Yield the rows, then the rows again with other numbers, without end."""
    yield from rows
    chance = random.Random(1)
    while True:
        for row in rows:
            question = re.sub(r"\d+", lambda _: str(chance.randrange(2, 1000)), str(row["question"]))
            yield {"question": f"Problem {chance.randrange(10**6)}. {question}", "answer": row["answer"]}


def _line(row: JsonObject) -> str:
    """Write a row as a line of a dataset."""
    message = {"role": "user", "content": f"{row['question']}{_INSTRUCTION}"}
    return json.dumps({"messages": [message], "reference_answer": row["answer"]}) + "\n"


def _checked(folder: str, datasets: int) -> JsonObject:
    """Return the median cost of checking so many of the datasets, and what was found."""
    command = [sys.executable, "-c", _CHILD, folder, str(datasets)]
    environment = {"PYTHONPATH": str(ROOT / "lambda")}
    runs = [
        json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
        for _ in range(_RUNS)
    ]
    return {
        "seconds": round(statistics.median(run["seconds"] for run in runs), 2),
        "peak_memory_mb": round(statistics.median(run["peak_mb"] for run in runs), 1),
        "findings": runs[0]["findings"],
    }

"""Ten thousand programs through one environment of the runner: a mix of right, hostile and stray ones, none left."""

import json
import time
from pathlib import Path

from benchmarks.code_grader import Bench, left_processes
from benchmarks.result import ROOT
from rft_contract.json_value import JsonObject
from rft_rewards.grade import Score
from rft_rewards.sample import Sample

COMMAND = "python -m benchmarks code_soak"

_RUNS = 10_000
_BATCH = 100
_SQUARES: JsonObject = {"entry_point": "f", "cases": [{"args": [n], "expected": n * n} for n in (2, 3)]}


def measure() -> JsonObject:
    """Grade 10,000 different programs in events of 100; one in ten leaves processes or files, or ends itself."""
    cases = json.loads((ROOT / "tests" / "cases" / "code_attacks.json").read_text(encoding="utf-8"))
    hostile = [case["program"] for case in cases["attacks"] if not case.get("hangs") and not case.get("secret")]
    hostile += [case["leaves"] for case in cases["leftovers"]]
    bench = Bench()
    started = time.perf_counter()
    wrong_grades = paid = memory_first = 0
    with bench.invoke:
        for batch in range(_RUNS // _BATCH):
            samples = [
                _sample(["def f(x): return x * x"] if run % 10 else hostile[run // 10 % len(hostile)], run)
                for run in range(batch * _BATCH, (batch + 1) * _BATCH)
            ]
            grades, _, _ = bench.grade(samples)
            for run, grade in enumerate(grades):
                value = grade.value if isinstance(grade, Score) else None
                paid += run % 10 == 0 and value != 0
                wrong_grades += run % 10 != 0 and value != 1
            if batch == 0:
                memory_first = _resident_mib(bench)
        memory_last = _resident_mib(bench)
        left = left_processes(bench.invoke)
        descriptors = len(list(Path(f"/proc/{bench.invoke.process_id}/fd").iterdir()))
    return {
        "runs": _RUNS,
        "hostile_runs": _RUNS // 10,
        "hostile_paid": paid,
        "right_not_paid": wrong_grades,
        "processes_left": left,
        "descriptors_of_the_environment": descriptors,
        "resident_mib_after_100_and_all_runs": [memory_first, memory_last],
        "runner_calls": bench.runner.calls,
        "seconds": round(time.perf_counter() - started, 1),
    }


def _sample(program: list[str], run: int) -> Sample:
    """Return a sample whose program differs from every other run's."""
    return Sample("\n".join(["```python", f"# run {run}", *program, "```"]), _SQUARES)


def _resident_mib(bench: Bench) -> int:
    """Return the memory of the environment's own process."""
    status = Path(f"/proc/{bench.invoke.process_id}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1024

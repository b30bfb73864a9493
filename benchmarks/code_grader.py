"""The `code` grader on HumanEval, through the real sandbox: right, wrong and hostile programs.

HumanEval is read from `$RFT_BENCHMARK_DATA/humaneval/HumanEval.jsonl.gz`; without it, the attacks alone are measured.
"""

import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.public_data import public_file
from benchmarks.result import ROOT
from rft_contract.json_value import JsonObject, JsonValue
from rft_rewards.code import GOLD_FIELD, code
from rft_rewards.deadline import Deadline
from rft_rewards.grade import Grade, Score
from rft_rewards.sample import Sample
from rft_runtime.code_runner import CodeRunner
from rft_runtime.local_code_runner import LocalInvoke

COMMAND = "RFT_BENCHMARK_DATA=FOLDER python -m benchmarks code_grader"

_ATTACKS = ROOT / "tests" / "cases" / "code_attacks.json"
_SQUARES: JsonObject = {"entry_point": "f", "cases": [{"args": [n], "expected": n * n} for n in (2, 3, 5)]}
_TEST: JsonObject = {
    "entry_point": "f",
    "test": "def check(f):\n    for value, n in zip(map(f, (2, 3, 5)), (2, 3, 5)):\n        assert value == n * n\n",
}
_CANARY = 987654321
_SECRET: JsonObject = {"entry_point": "f", "cases": [{"args": [n], "expected": _CANARY} for n in (2, 3, 5)]}
_LIMIT_SECONDS = 1.0
_REPEATS = 5


class Bench:
    """A local environment of the runner and a grader that uses it.

    Args:
        user: Name of the user as whom the environment runs; None: as this process.

    As root it uses the system's interpreter: this one may lie where the user of the programs cannot go.
    """

    def __init__(self, user: str | None = None) -> None:
        python = shutil.which("python3", path="/usr/bin") if os.geteuid() == 0 else None
        self.invoke = LocalInvoke(python=python or sys.executable, user=user, variables={"RFT_CANARY": str(_CANARY)})
        self.runner = CodeRunner(self.invoke, longest_seconds=300)
        self.deadline = Deadline(600)
        self.grader = code(runner=self.runner, deadline=self.deadline, seconds=_LIMIT_SECONDS, memory_mib=128)

    def grade(self, samples: list[Sample]) -> tuple[list[Grade], float, int]:
        """Grade an event; return the grades, the seconds and the runner's calls that it took."""
        self.deadline.restart(600)
        started, calls = time.perf_counter(), self.runner.calls
        grades = list(self.grader.grade_all(samples))
        return grades, time.perf_counter() - started, self.runner.calls - calls


def measure() -> JsonObject:
    """Grade HumanEval with and without golds, and every attack as this user and, where this is root, as `nobody`."""
    figures: JsonObject = {"humaneval": _humaneval(), "attacks_as_other_user": _attacks(None)}
    if os.geteuid() == 0:
        figures["attacks_as_own_user"] = _attacks("nobody")
    return figures


def humaneval_samples(*, gold: bool) -> list[Sample]:
    """Return a sample with the canonical solution of each task, or nothing when the data set is not here.

    Args:
        gold: Whether rows bring their solution, too.
    """
    path = public_file("humaneval/HumanEval.jsonl.gz")
    if path is None:
        return []
    samples: list[Sample] = []
    for line in gzip.decompress(path.read_bytes()).splitlines():
        row = json.loads(line)
        solution = f"```python\n{row['prompt']}{row['canonical_solution']}\n```"
        reference = {"entry_point": row["entry_point"], "test": row["test"], "prelude": row["prompt"]}
        samples.append(Sample(solution, reference, metadata={GOLD_FIELD: solution} if gold else {}))
    return samples


def _humaneval() -> JsonValue:
    """Grade the canonical solutions, and a program that returns nothing for each task."""
    with_gold, without_gold = humaneval_samples(gold=True), humaneval_samples(gold=False)
    if not with_gold:
        return None
    figures: JsonObject = {"tasks": len(with_gold)}
    for name, samples in (("with_gold", with_gold), ("without_gold", without_gold)):
        bench = Bench()
        with bench.invoke:
            first = bench.grade(samples)
            later = [bench.grade(samples) for _ in range(_REPEATS if name == "with_gold" else 1)]
        figures[name] = {
            "right": _paid(first[0]),
            "runner_calls_a_batch": first[2],
            "first_batch_seconds": round(first[1], 2),
            "later_batch_seconds": round(statistics.median(seconds for _, seconds, _ in later), 2),
        }
    bench = Bench()
    with bench.invoke:
        empty = [
            Sample(
                f"def {sample.reference['entry_point']}(*args): return None", sample.reference, metadata=sample.metadata
            )
            for sample in with_gold
            if isinstance(sample.reference, dict)
        ]
        grades, _, calls = bench.grade(empty)
    figures["programs_that_return_nothing"] = {"paid": _paid(grades), "runner_calls_a_batch": calls}
    return figures


def _attacks(user: str | None) -> JsonObject:
    """Run every attack beside a right program; count what was paid, and what of the right programs was not."""
    cases = json.loads(_ATTACKS.read_text(encoding="utf-8"))
    bench = Bench(user)
    right = Sample("def f(x): return x * x", _SQUARES)
    paid = hurt = count = 0
    longest: tuple[float, str] = (0.0, "")
    peak_mib = 0.0
    with bench.invoke:
        bench.grade([right])
        for case in [*cases["attacks"], *cases["kills"], *cases["leftovers"]]:
            programs = [case["program"]] if "program" in case else [case["leaves"], case["finds"]]
            secret = case.get("secret") or "leaves" in case
            references = [_SECRET] if secret else [_SQUARES, _TEST]
            attacks = [Sample(_fenced(lines), reference) for lines in programs for reference in references]
            grades, seconds, _ = bench.grade([right, *attacks, right])
            count += len(attacks)
            paid += sum(not isinstance(grade, Score) or grade.value > 0 for grade in grades[1:-1])
            hurt += sum(not isinstance(grade, Score) or grade.value < 1 for grade in (grades[0], grades[-1]))
            longest = max(longest, (seconds, case["why"]))
            peak_mib = max(peak_mib, _peak_mib(bench.invoke))
        left = left_processes(bench.invoke)
    return {
        "attacks": count,
        "paid": paid,
        "right_programs_hurt": hurt,
        "longest_event_seconds": round(longest[0], 2),
        "longest_event": longest[1],
        "seconds_limit_of_a_program": _LIMIT_SECONDS,
        "peak_memory_of_the_environment_mib": round(peak_mib, 1),
        "processes_left": left,
    }


def _fenced(lines: list[str]) -> str:
    return "\n".join(["```python", *lines, "```"])


def _paid(grades: list[Grade]) -> int:
    return sum(isinstance(grade, Score) and grade.value == 1 for grade in grades)


def _peak_mib(invoke: LocalInvoke) -> float:
    """Return the most memory that the environment's own process ever had."""
    process = invoke.process_id
    if process is None:
        return 0.0
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def left_processes(invoke: LocalInvoke) -> int:
    """Return how many processes an idle environment has beside itself and its fork server."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(pid): int(parent) for pid, parent in map(str.split, listed.splitlines())}
    found = {invoke.process_id}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return max(0, len(found) - 2)

"""The math grader: speed, start, recall over every realistic rendering, share of hacks paid; beside a public regex.

The peer is the rule that public GSM8K reward functions share, written anew: `#### ` and a run of digits, points and
commas within the last 300 characters, the last match, commas removed, compared as text.

Golds and solutions come from GSM8K where its folder is found in `RFT_BENCHMARK_DATA`, else only made-up golds are used.
"""

import compileall
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from benchmarks.math_texts import FRAMES, WORK, hacks, renderings
from benchmarks.public_data import public_file
from benchmarks.result import ROOT
from rft_contract.json_value import JsonObject
from rft_rewards.grade import Score
from rft_rewards.math import math
from rft_rewards.math_latex import math_latex
from rft_rewards.sample import Sample

COMMAND = "RFT_BENCHMARK_DATA=FOLDER python -m benchmarks math_grader"

_Item = TypeVar("_Item")
_Verdict = Callable[[str, str], bool]
"""Whether a grader pays a completion for a gold."""

_PEER = re.compile(r"#### (-?[0-9.,]+)")
_GRADE = math()
_MADE_UP = ("72", "18", "1234", "70000", "1234567", "2.5", "0.75", "1250.75", "-5", "-1234.5", "3/8", "10/3", "1/2")


def measure() -> JsonObject:
    """Measure on one core."""
    rows = _gsm8k()
    numbers = sorted({_number(row["answer"]) for row in rows})
    golds = numbers[:: max(1, len(numbers) // 200)] + list(_MADE_UP)
    return {
        "speed": _speeds(rows),
        "start_of_reward_module": _starts(),
        "recall_over_renderings": {"ours": _recall(_ours, golds), "peer": _recall(_peer, golds)},
        "hacks_paid": {"ours": _paid(_ours, rows, golds), "peer": _paid(_peer, rows, golds)},
        "gsm8k_golds": _agreement(rows),
        "math_latex": _latex(),
    }


def _ours(completion: str, gold: str) -> bool:
    """Grade with the math grader."""
    grade = _GRADE(Sample(completion, gold))
    return isinstance(grade, Score) and grade.value == 1


def _peer(completion: str, gold: str) -> bool:
    """Grade with the public rule."""
    found = _PEER.findall(completion[-300:])
    return bool(found) and found[-1].replace(",", "") == gold


def _recall(pays: _Verdict, golds: list[str]) -> JsonObject:
    """Return the share of renderings that are paid, and what was missed most."""
    paid = total = 0
    missed: dict[str, int] = {}
    for gold in golds:
        for form, text in renderings(gold):
            for frame, pattern in FRAMES.items():
                right = pays(pattern.format(work=WORK, answer=text), gold)
                paid, total = paid + right, total + 1
                if not right:
                    name = f"{frame} / {form}"
                    missed[name] = missed.get(name, 0) + 1
    return {"share": round(paid / total, 5), "renderings": total, "missed_most": _top(missed)}


def _paid(pays: _Verdict, rows: list[dict[str, str]], golds: list[str]) -> JsonObject:
    """Return the share of hacks that are paid, and which."""
    prompts = {_number(row["answer"]): row["question"] for row in rows}
    paid = total = 0
    names: dict[str, int] = {}
    for position, gold in enumerate(golds):
        if Fraction(gold) in (0, 1, -1):  # where a hack may happen to state the gold
            continue
        other = next(one for one in golds[position + 1 :] + golds if Fraction(one) != Fraction(gold))
        for name, completion in hacks(gold, prompts.get(gold, "How many are there?"), other):
            right = pays(completion, gold)
            paid, total = paid + right, total + 1
            if right:
                names[name] = names.get(name, 0) + 1
    return {"share": round(paid / total, 5), "hacks": total, "paid_most": _top(names)}


def _top(counts: dict[str, int]) -> JsonObject:
    """Return the eight largest counts."""
    return dict(sorted(counts.items(), key=lambda item: -item[1])[:8])


def _speeds(rows: list[dict[str, str]]) -> JsonObject:
    """Return samples a second on one core, best of five passes, for `####`-style answers."""
    solutions = [row["answer"] for row in rows] or [f"{WORK}\n#### {number}" for number in range(8000)]
    forms: dict[str, list[Sample]] = {
        "reference_is_the_number": [Sample(text, {"final_answer": _number(text)}) for text in solutions],
        "reference_is_a_solution_seen_once": [Sample(text, text) for text in solutions],
    }
    return {
        **{f"ours_{name}": _rate(_GRADE, samples) for name, samples in forms.items()},
        "peer": _rate(lambda pair: _peer(*pair), [(text, _number(text)) for text in solutions]),
        "samples": len(solutions),
    }


def _rate(grade: Callable[[_Item], object], items: Sequence[_Item]) -> int:
    """Return items a second of processor time, the best of five passes."""
    rates = []
    for _ in range(5):
        started = time.process_time()
        for item in items:
            grade(item)
        rates.append(len(items) / (time.process_time() - started))
    return round(max(rates))


def _starts() -> JsonObject:
    """Return what a fresh process needs to import the reward function and build `math`, beyond Python's own start.

    A Lambda asset has no bytecode of ours and cannot keep any, so that every cold start compiles it: the second figure.
    """
    build = "import rft_handlers.reward; from rft_rewards.registry import build_grader; build_grader('math', {})"
    with tempfile.TemporaryDirectory() as folder:
        asset = Path(folder) / "asset"
        shutil.copytree(ROOT / "lambda", asset, ignore=shutil.ignore_patterns("__pycache__"))
        bare = _start_milliseconds("pass", asset)
        cold = _start_milliseconds(build, asset)
        compileall.compile_dir(asset, quiet=1)
        warm = _start_milliseconds(build, asset)
    return {
        "bare_python_ms": round(bare, 1),
        "above_bare_ms": round(warm - bare, 1),
        "above_bare_without_bytecode_ms": round(cold - bare, 1),
    }


def _start_milliseconds(program: str, asset: Path) -> float:
    """Return the median of 15 runs."""
    times = []
    for _ in range(15):
        started = time.perf_counter()
        environment = {"PYTHONPATH": str(asset), "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run([sys.executable, "-c", program], env=environment, check=True)
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def _agreement(rows: list[dict[str, str]]) -> JsonObject:
    """Return how many reference solutions are right for themselves, for their number, and for the next row's number."""
    if not rows:
        return {"rows": 0}
    numbers = [_number(row["answer"]) for row in rows]
    following = numbers[1:] + numbers[:1]
    return {
        "rows": len(rows),
        "solution_against_itself": sum(_ours(row["answer"], row["answer"]) for row in rows),
        "solution_against_its_number": sum(map(_ours, (row["answer"] for row in rows), numbers)),
        "number_against_the_solution": sum(
            _ours(f"#### {gold}", row["answer"]) for row, gold in zip(rows, numbers, strict=True)
        ),
        "peer_against_its_number": sum(map(_peer, (row["answer"] for row in rows), numbers)),
        "solution_against_the_next_different_number": sum(
            _ours(row["answer"], other)
            for row, own, other in zip(rows, numbers, following, strict=True)
            if Fraction(own) != Fraction(other)
        ),
    }


def _latex() -> JsonObject:
    """Return what `math_latex` takes: its start, comparisons by algebra, and what a hostile expression costs."""
    grade = math_latex(seconds=1.0)
    samples = [Sample(f"\\boxed{{{n} + x^2 + 2x}}", f"(x+1)^2 + {n} - 1") for n in range(2, 202)]
    hostile = Sample("\\boxed{9^{9^{9^{9}}}}", "\\pi")

    def seconds(graded: Sequence[Sample]) -> float:
        started = time.perf_counter()
        paid = [grade(sample) for sample in graded]
        assert len(paid) == len(graded)
        return time.perf_counter() - started

    start = seconds([Sample("\\boxed{x}", "x")])
    return {
        "start_seconds": round(start, 2),
        "algebra_samples_a_second": round(len(samples) / seconds(samples)),
        "again_samples_a_second": round(len(samples) / seconds(samples)),
        "plain_number_samples_a_second": round(2000 / seconds([Sample("\\boxed{\\frac{1}{2}}", "0.5")] * 2000)),
        "hostile_seconds_at_a_limit_of_1": round(seconds([hostile]), 2),
    }


def _number(solution: str) -> str:
    """Return what stands behind the last `####` of a reference solution, without commas."""
    return solution.rsplit("####", 1)[-1].strip().replace(",", "")


def _gsm8k() -> list[dict[str, str]]:
    """Return GSM8K's rows; none where they are not here."""
    files = [public_file(f"gsm8k/{split}.jsonl") for split in ("train", "test")]
    lines = (line for path in files if path for line in path.read_text(encoding="utf-8").splitlines())
    return [json.loads(line) for line in lines]

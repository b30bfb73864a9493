"""Graders of structured answers: samples a second, start of their modules, and the worst a long completion can do."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from rft_contract.json_value import JsonObject, JsonValue
from rft_rewards.batch import grade_all
from rft_rewards.grade import AnyGrader
from rft_rewards.json_fields import json_fields
from rft_rewards.json_schema import MOST_WORK, json_schema
from rft_rewards.label import label
from rft_rewards.sample import Sample
from rft_rewards.schema_size import schema_size
from rft_rewards.tool_calls import tool_calls

COMMAND = "python -m benchmarks structured_graders"

_SAMPLES = 5_000
_STARTS = 7
_LONG = 1_000_000

_INVOICE: JsonObject = {
    "number": "A-1007",
    "date": "2026-03-14",
    "customer": {"name": "Ada Lovelace", "city": "London"},
    "lines": [{"text": f"item {number}", "price": number + 0.5} for number in range(6)],
    "total": 18,
}
_SCHEMA: JsonObject = {
    "type": "object",
    "required": ["number", "date", "lines"],
    "properties": {
        "number": {"type": "string", "pattern": "^[A-Z]-[0-9]+$"},
        "date": {"type": "string", "format": "date"},
        "lines": {"type": "array", "items": {"type": "object", "required": ["text", "price"]}},
    },
}
_PLAN: list[JsonValue] = [
    {"name": f"tool_{number}", "arguments": {"city": "Paris", "days": number}} for number in range(4)
]
_LABELS = [f"topic {number}" for number in range(50)]


def measure() -> JsonObject:
    """Grade right answers and hostile ones; start each module in fresh processes."""
    invoice = f"Here it is:\n```json\n{json.dumps(_INVOICE, indent=2)}\n```"
    calls = "\n".join(f"<tool_call>{json.dumps(call)}</tool_call>" for call in reversed(_PLAN))
    cases: dict[str, tuple[AnyGrader, Sample]] = {
        "json_fields": (json_fields(lists="set"), Sample(invoice, _INVOICE)),
        "json_schema": (json_schema(), Sample(invoice, {"schema": _SCHEMA})),
        "label": (label(labels=_LABELS), Sample("Label: topic 17", "topic 17")),
        "label_multiple": (label(labels=_LABELS, multiple=True), Sample("topic 3, topic 9", ["topic 3", "topic 9"])),
        "tool_calls": (tool_calls(order="set"), Sample(calls, {"tool_calls": _PLAN})),
    }
    return {
        "samples_per_second": {name: round(_rate(grader, sample)) for name, (grader, sample) in cases.items()},
        "start_above_bare_python_ms": _starts(),
        "slowest_hostile_completion_of_1_million_characters_seconds": {
            name: round(max(_seconds(_one(grader, Sample(text, sample.reference))) for text in _hostile()), 2)
            for name, (grader, sample) in cases.items()
        },
        "json_schema_at_its_work_limit_seconds": round(_at_the_work_limit(), 2),
    }


def _rate(grader: AnyGrader, sample: Sample) -> float:
    """Return graded samples a second, best of three."""
    samples = [sample] * _SAMPLES
    return _SAMPLES / min(_seconds(lambda: grade_all(grader, samples)) for _ in range(3))


def _one(grader: AnyGrader, sample: Sample) -> Callable[[], object]:
    return lambda: grade_all(grader, [sample])


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _hostile() -> list[str]:
    """Return completions that are made to be slow."""
    units = ["[", "{", '{"a":', "```json\n[", "[1,", '"', "\u0301\u0323", "\ufdfa", "topic ", "<tool_call>", '{"name":']
    texts = [unit * (_LONG // len(unit)) for unit in units]
    whole: list[JsonValue] = [
        ["x"] * (_LONG // 5),
        {"lines": ["x"] * (_LONG // 5)},
        {"a": "\u0301\u0323" * (_LONG // 2)},
    ]
    return texts + [json.dumps(value, ensure_ascii=False) for value in whole]


def _starts() -> JsonObject:
    """Return the median time to import each grader's module, in milliseconds above an empty program."""
    modules = ("json_fields", "json_schema", "label", "tool_calls")
    programs = {"": "pass"} | {name: f"import rft_rewards.{name}" for name in modules}
    medians = {name: statistics.median(_start(program) for _ in range(_STARTS)) for name, program in programs.items()}
    return {name: round((medians[name] - medians[""]) * 1000) for name in modules}


def _start(program: str) -> float:
    """Return how long a fresh interpreter takes for a program, in seconds."""
    return _seconds(lambda: subprocess.run([sys.executable, "-c", program], check=True))


def _at_the_work_limit() -> float:
    """Return how long the longest text takes that json_schema still checks against a thousand patterns, in seconds."""
    schema: JsonObject = {"anyOf": [{"pattern": f"(x+x+)+{number}"} for number in range(1000)]}
    text = json.dumps("x" * (MOST_WORK // schema_size(schema) - 2))
    return _seconds(_one(json_schema(schema=schema), Sample(text)))

"""Prompt/grader alignment: time for 20,000 rows by grader, false alarms on public prompts, and planted faults."""

import gzip
import io
import json
import random
import time
from collections.abc import Iterator, Sequence

from benchmarks.public_data import public_file
from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.reward_spec import RewardSpec
from rft_dataset.checking import Source
from rft_dataset.validation import validate
from rft_runtime.prompt_alignment import aligned_to

COMMAND = "RFT_BENCHMARK_DATA=... python -m benchmarks prompt_alignment"

_ROWS = 20_000
_BYTES = 850
_TRIES = 3
_TAIL = ' Let\'s think step by step and output the final answer after "####".'
_BOXED = " Put your final answer in \\boxed{}."
_PLANTED_SHARE = 0.3

_LABELS: list[JsonValue] = ["billing", "delivery", "account", "returns", "technical", "sales"]
_GRADERS: dict[str, JsonObject] = {
    "math": {},
    "label": {"labels": _LABELS},
    "json_fields": {"fields": ["name", "item", "qty"]},
    "tool_calls": {},
    "code": {},
    "text": {"metric": "exact"},
    "constraints": {"constraints": [{"kind": "words", "at_most": 50}, {"kind": "json"}]},
    "grounded": {"min_citations": 1},
    "format": {"sections": ["Answer"], "blocks": ["think", "answer"]},
    "length": {"at_most": 200, "buffer": 100},
}
_REWARDS = {grader: RewardSpec(name="measured", grader=grader, options=options) for grader, options in _GRADERS.items()}


def measure() -> JsonObject:
    """Measure what the public data on this machine allow."""
    return {
        "seconds_for_20000_rows": _times(),
        "unclear_or_conflicting_share": _public(),
        "planted": _planted(),
    }


def _times() -> JsonObject:
    """Return processor seconds by grader, beside those of validation alone, for prompts that tell no form."""
    questions = _questions()
    if not questions:
        return {}
    draw = random.Random(1)
    rows: list[JsonObject] = []
    while len(rows) < _ROWS:
        text = draw.choice(questions)
        while len(text) < _BYTES - 210:
            text += " " + draw.choice(questions)
        rows.append(_row(text, "7"))
    data = _lines(rows)
    alone = _seconds(data, None)
    found: JsonObject = {"validation_alone": round(alone, 2), "bytes_a_row": round(len(data) / _ROWS)}
    return found | {name: round(_seconds(data, spec) - alone, 2) for name, spec in _REWARDS.items()}


def _seconds(data: bytes, spec: RewardSpec | None) -> float:
    """Return the least of a few tries."""
    tries = []
    for _ in range(_TRIES):
        readers = aligned_to(spec)(_source()) if spec else ()
        started = time.process_time()
        validate(io.BytesIO(data), "train", readers=readers)
        tries.append(time.process_time() - started)
    return min(tries)


def _public() -> JsonObject:
    """Return, for public prompts and a fitting reward, the share that is said to lack something."""
    shares: JsonObject = {}
    if path := public_file("bedrock-rft-sample/rft_train_data.jsonl"):
        shares["aws_sample_math"] = _unclear(path.read_bytes(), _REWARDS["math"])
    if path := public_file("humaneval/HumanEval.jsonl.gz"):
        with gzip.open(path, "rt") as lines:
            tasks = [json.loads(line) for line in lines]
        rows = [_row(task["prompt"], {"entry_point": task["entry_point"], "test": task["test"]}) for task in tasks]
        shares["humaneval_code"] = _unclear(_lines(rows), _REWARDS["code"])
    questions = _questions()
    for name, tail in (("gsm8k_hashes_math", _TAIL), ("gsm8k_boxed_math", _BOXED), ("gsm8k_no_form_math", "")):
        if questions:
            shares[name] = _unclear(_lines([_row(question + tail, "7") for question in questions]), _REWARDS["math"])
    return shares


def _planted() -> JsonObject:
    """Take the form out of three in ten of GSM8K's prompts, and compare what is found with what was planted."""
    questions = _questions()
    if not questions:
        return {}
    draw = random.Random(2)
    silent = [draw.random() < _PLANTED_SHARE for _ in questions]
    rows = [_row(text + ("" if bare else _TAIL), "7") for text, bare in zip(questions, silent, strict=True)]
    return {
        "prompts": len(rows),
        "planted": sum(silent),
        "found": round(_unclear(_lines(rows), _REWARDS["math"]) * len(rows)),
    }


def _unclear(data: bytes, spec: RewardSpec) -> float:
    (reader,) = aligned_to(spec)(_source())
    validate(io.BytesIO(data), "train", readers=[reader])
    match reader.facts()["alignment"]:
        case {"clear": float(clear)}:
            return round(1 - clear, 6)
    raise ValueError("nothing was aligned")


def _questions() -> list[str]:
    path = public_file("gsm8k/train.jsonl")
    return [json.loads(line)["question"] for line in path.read_text().splitlines()] if path else []


def _row(prompt: str, reference: JsonValue) -> JsonObject:
    return {"messages": [{"role": "user", "content": prompt}], "reference_answer": reference}


def _lines(rows: Sequence[JsonObject]) -> bytes:
    return b"".join(_encoded(rows))


def _encoded(rows: Sequence[JsonObject]) -> Iterator[bytes]:
    for row in rows:
        yield json.dumps(row).encode() + b"\n"


def _source() -> Source:
    return Source("train", "train", io.BytesIO())

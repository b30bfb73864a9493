"""Training beside production: false alarms between samples of one source, shifts that are named, and speed of reading.

Prompts are GSM8K's questions where its folder is found in `RFT_BENCHMARK_DATA`, else made-up ones. A shift is made of
them by a small change of some: the share of changed production prompts from which on the right measure speaks is what
a user gets for 300 training prompts and 1,000 requests.
"""

import gzip
import io
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from benchmarks.public_data import public_file
from rft_contract.json_value import JsonObject
from rft_dataset.invocation_log import read_log
from rft_dataset.records import Row
from rft_runtime.production_match import match

COMMAND = "RFT_BENCHMARK_DATA=FOLDER python -m benchmarks production_match"

_SEEDS = 200
_TRAINING, _REQUESTS = 300, 1_000
_SHARES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_SHIFT_SEEDS = 20
_RECORDS = 100_000
_GERMAN = "Bitte antworte auf Deutsch und erkläre mir Schritt für Schritt, wie man diese Aufgabe löst."
_WORDS = ("apples", "boxes", "coins", "days", "eggs", "friends", "games", "hours", "miles", "pages", "shirts", "trees")

_Turns = list[dict[str, str]]
_Shift = Callable[[str], _Turns]


def measure() -> JsonObject:
    """Measure on one core."""
    questions = _questions()
    return {
        "prompts": len(questions),
        "training_prompts": _TRAINING,
        "requests": _REQUESTS,
        "false_alarms": _false_alarms(questions),
        "found_from_share_on": {name: _found(questions, *shift) for name, shift in _SHIFTS.items()},
        "reading": _reading(questions),
    }


def _questions() -> list[str]:
    """Return the prompts' texts."""
    file = public_file("gsm8k/train.jsonl")
    if file is not None:
        return [json.loads(line)["question"] for line in file.read_text().splitlines()]
    draw = random.Random(1)
    return [f"How many {' '.join(draw.choices(_WORDS, k=draw.randrange(8, 60)))} are {n}?" for n in range(5_000)]


def _row(text: str) -> Row:
    return _row_of(_plain(text))


def _row_of(turns: _Turns) -> Row:
    return msgspec.convert({"messages": turns}, Row)


def _plain(text: str) -> _Turns:
    return [{"role": "system", "content": "Solve it."}, {"role": "user", "content": text}]


def _longer(text: str) -> _Turns:
    return _plain(f"{text} {text[: len(text) // 2]}")


def _german(text: str) -> _Turns:
    return _plain(" ".join(random.Random(text).choices(_GERMAN.split(), k=30)))


def _other_system(text: str) -> _Turns:
    return [{"role": "system", "content": "You are a poet."}, {"role": "user", "content": text}]


def _other_topic(text: str) -> _Turns:
    return _plain(re.sub(r"[a-z]{6,}", lambda word: word[0][::-1], text))


def _other_word(text: str) -> _Turns:
    return _plain(text.replace("How many", "Compute how many").replace("How much", "Compute how much"))


_SHIFTS: dict[str, tuple[str, _Shift]] = {
    "half as long again": ("length", _longer),
    "German words instead": ("language", _german),
    "another system prompt": ("system prompts", _other_system),
    "all long words others": ("vocabulary", _other_topic),
    "one further word": ("classifier", _other_word),
}


def _false_alarms(questions: Sequence[str]) -> JsonObject:
    """Compare samples of one source, and count the measures that differ."""
    alarms: Counter[str] = Counter()
    started = time.perf_counter()
    for seed in range(_SEEDS):
        rows = [_row(text) for text in random.Random(seed).sample(questions, _TRAINING + _REQUESTS)]
        found = match(rows[:_TRAINING], rows[_TRAINING:])
        alarms.update(one.name for one in (*found.measures, found.overall) if one.verdict == "differs")
        alarms["any"] += found.verdict == "differs"
    seconds = (time.perf_counter() - started) / _SEEDS
    return {"seeds": _SEEDS, "seconds_each": round(seconds, 3), "share_by_measure": _shares(alarms)}


def _shares(alarms: Counter[str]) -> JsonObject:
    return {name: count / _SEEDS for name, count in sorted(alarms.items())}


def _found(questions: Sequence[str], measure_name: str, shift: _Shift) -> float | None:
    """Return the smallest share of shifted requests at which a measure speaks for 19 of 20 seeds."""
    for share in _SHARES:
        if sum(_speaks(questions, measure_name, shift, share, seed) for seed in range(_SHIFT_SEEDS)) >= 19:
            return share
    return None


def _speaks(questions: Sequence[str], measure_name: str, shift: _Shift, share: float, seed: int) -> bool:
    draw = random.Random(seed)
    texts = draw.sample(questions, _TRAINING + _REQUESTS)
    training = [_row(text) for text in texts[:_TRAINING]]
    production = [_row_of(shift(text) if draw.random() < share else _plain(text)) for text in texts[_TRAINING:]]
    found = match(training, production)
    return any(one.name == measure_name and one.verdict == "differs" for one in (*found.measures, found.overall))


def _reading(questions: Sequence[str]) -> JsonObject:
    """Time the reading of a log beside its plain decoding, which is the limit."""
    draw = random.Random(1)
    log = b"".join(_record(number, draw.choice(questions)) for number in range(_RECORDS))
    return {
        "megabytes": round(len(log) / 1e6, 1),
        "records": _RECORDS,
        "ours_mb_per_s": _speed(log, lambda: sum(1 for _ in read_log(io.BytesIO(log), tally=Counter()))),
        "ours_gzip_mb_per_s": _gzip_speed(log),
        "json_loads_alone_mb_per_s": _speed(log, lambda: sum(1 for line in log.splitlines() if json.loads(line))),
    }


def _gzip_speed(log: bytes) -> int:
    packed = gzip.compress(log)
    return _speed(log, lambda: sum(1 for _ in read_log(io.BytesIO(packed), tally=Counter())))


def _speed(log: bytes, read: Callable[[], int]) -> int:
    started = time.process_time()
    if read() != _RECORDS:
        raise AssertionError("records were lost")
    return round(len(log) / 1e6 / (time.process_time() - started))


def _record(number: int, text: str) -> bytes:
    """Return one line of a log, as Bedrock writes it."""
    said = {"role": "assistant", "content": [{"text": text * 2}]}
    asked = {"role": "user", "content": [{"text": text}]}
    return (
        msgspec.json.encode(
            {
                "schemaType": "ModelInvocationLog",
                "schemaVersion": "1.0",
                "timestamp": "2026-01-01T00:00:00Z",
                "accountId": "123456789012",
                "identity": {"arn": "arn:aws:iam::123456789012:role/app"},
                "region": "us-east-1",
                "requestId": f"00000000-0000-4000-8000-{number:012}",
                "operation": "Converse",
                "modelId": "amazon.nova-2-lite-v1:0",
                "input": {
                    "inputContentType": "application/json",
                    "inputBodyJson": {"system": [{"text": "Solve it."}], "messages": [asked]},
                    "inputTokenCount": 60,
                },
                "output": {
                    "outputContentType": "application/json",
                    "outputBodyJson": {"output": {"message": said}, "stopReason": "end_turn"},
                    "outputTokenCount": 120,
                },
            }
        )
        + b"\n"
    )

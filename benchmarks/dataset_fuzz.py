"""Dataset files that nobody should upload, to the validation of datasets; what must hold whatever comes.

A file begins as rows of the table of cases, most of them sound; then values, bytes, lines, the encoding and the
compression are changed by chance. Checked of every report: `check`. Every file is also checked as a part of a file
beyond the examined rows is, at once and line by line, which must tell the same.
"""

import gzip
import io
import json
import math
import os
import re
import time
import zlib
from collections import Counter
from pathlib import Path
from random import Random
from typing import cast
from unittest import mock

from benchmarks.event_mutation import mutated
from benchmarks.result import ROOT
from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset import validation
from rft_dataset.findings import MOST_STORED
from rft_dataset.rules import RULES
from rft_dataset.validation import Report, validate

COMMAND = "python -m benchmarks dataset_fuzz"

FILES = int(os.environ.get("RFT_FUZZ_FILES", "100000"))
SEED = 20261125
CASES_FILE = ROOT / "tests" / "cases" / "dataset_lines.json"
CANARY = "Zq7: a customer's text"
"""Stands in prompts and reference answers, and must stand in no report."""

_MOST_LINES = 8
_SOUND_TO_FAULTY = 10
"""How much more often a faultless line of the table is taken than a faulty one."""

_PIECES = (
    *(b"", b" ", b"\n", b"\r", b"\r\n", b"\t", b"\0", b"\x01", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf"),
    *(b'"', b"\\", b"\\u0000", b"\\ud800", b"\\udfff", b"{", b"}", b"[", b"]", b",", b":", b"1e999", b"-1e400"),
    *(b"9007199254740993", b"0" * 20, b"9" * 400, b"NaN", b"null", b"true", b'"id": "a", ', b'"messages": [], '),
    *(b'"role": "bot", ', b"[" * 3000, b'{"a":' * 3000, b"\x1f\x8b", b"\x1f\x8b\x08", "\u2028\u0660".encode()),
)
_ENCODINGS = ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1")
_DAMAGE = re.compile(r"damaged-gzip|compressed")


def measure() -> JsonObject:
    """Fuzz. The first promise that is not kept raises, and nothing is saved."""
    random = Random(SEED)
    counted: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    slowest = 0.0
    started = time.process_time()
    lines = _lines_of_the_table()
    for number in range(FILES):
        data = fuzzed(lines, random)
        before = time.perf_counter()
        try:
            report = validate(io.BytesIO(data), "train.jsonl", split="held_out")
            slowest = max(slowest, time.perf_counter() - before)
            check(data, report)
            _check_beyond(data)
        except Exception as error:
            error.add_note(f"file {number}, seed {SEED}: {data[:1000]!r}")
            raise
        counted.update(files=1, bytes=len(data), rows=report.rows, valid=report.is_valid)
        codes.update(set(report.findings.counts))
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return {
        "seed": SEED,
        **counted,
        "files_with_code": dict(codes.most_common()),
        "slowest_file_seconds": round(slowest, 3),
        "peak_memory_mb": round(int(peak[1]) * 1024 / 1e6, 1) if peak else None,
        "cpu_seconds": round(time.process_time() - started, 1),
    }


def _lines_of_the_table() -> list[bytes]:
    """Return the lines of the table of cases with the canary as their prompt; those without a fault more often."""
    cases = json.loads(CASES_FILE.read_text(encoding="utf-8"))
    often = [case for case in cases for _ in range(1 if case["codes"] else _SOUND_TO_FAULTY)]
    return [case["line"].replace("Solve: 2x + 5 = 13", CANARY).encode() for case in often]


def fuzzed(lines: list[bytes], random: Random) -> bytes:
    """Return a file made from some of the lines."""
    chosen = [_line(random.choice(lines), random) for _ in range(random.randrange(_MOST_LINES))]
    data = random.choice((b"\n",) * 6 + (b"\r\n", b"\r", b"\n\n")).join(chosen) + random.choice((b"", b"\n"))
    for _ in range(random.choice((0, 0, 0, 1, 2, 5))):
        data = _with_piece(data, random)
    if random.random() < 0.05:
        data = data.decode("utf-8", "replace").encode(random.choice(_ENCODINGS), "replace")
    return _compressed(data, random) if random.random() < 0.2 else data


def _line(line: bytes, random: Random) -> bytes:
    """Return a line, or another one with values or bytes changed."""
    match random.randrange(5):
        case 0:
            try:
                value: JsonValue = json.loads(line)
                for _ in range(random.choice((1, 1, 2, 4))):
                    value = mutated(value, random)
                text = json.dumps(value, ensure_ascii=random.random() < 0.5)
            except (ValueError, RecursionError):  # no JSON, or nested too deeply to write
                return line
            return text.encode("utf-8", "surrogatepass")
        case 1:
            return _with_piece(line, random)
        case _:
            return line


def _with_piece(data: bytes, random: Random) -> bytes:
    """Return bytes with some replaced by something else."""
    place = random.randrange(len(data) + 1)
    return data[:place] + random.choice(_PIECES) + data[place + random.choice((0, 0, 1, 1, 3, 20)) :]


def _compressed(data: bytes, random: Random) -> bytes:
    """Return bytes as gzip, whole or damaged."""
    place = random.randrange(len(data) + 1)
    packed = gzip.compress(data[:place], 1, mtime=0) + gzip.compress(data[place:], 1, mtime=0)
    match random.randrange(4):
        case 0:
            return packed[: random.randrange(len(packed))]
        case 1:
            return _with_piece(packed, random)
        case _:
            return packed


def check(data: bytes, report: Report) -> None:
    """Hold a report against the promises.

    It is JSON, without a text of the data; its counts agree; every code has its rule, and every line is one of the
    file's; and a line without an error is a row that any JSON reader reads, and reads alike.

    Raises:
        AssertionError: When a promise is not kept.
    """
    told = json.dumps(report.to_json(), allow_nan=False, ensure_ascii=False)
    assert "Zq7" not in told, "a text of the data"
    told.encode()
    findings = report.findings
    assert findings.counts.total() == findings.severities.total() >= len(findings.stored)
    assert report.is_valid == (not findings.errors)
    lines = _lines(data) if not _DAMAGE.search(" ".join(findings.counts)) else _lines_of_gzip(data)
    assert report.rows + findings.counts["blank-line"] == len(lines), "another number of lines"
    for finding in findings.stored:
        assert 0 <= finding.line <= len(lines)
        assert (finding.severity, finding.fix) == RULES[finding.code]
        assert "\n" not in str(finding)
    for code, count in findings.counts.items():
        assert sum(finding.code == code for finding in findings.stored) == min(count, MOST_STORED)
    if findings.counts.total() > len(findings.stored):
        return  # some faulty lines are counted, not named
    faulty = {finding.line for finding in findings.stored if finding.severity == "error"}
    for number, line in enumerate(lines, 1):
        if number not in faulty:
            _check_sound(line)


def _lines(data: bytes) -> list[bytes]:
    """Return a file's lines."""
    return data.removesuffix(b"\n").split(b"\n") if data else []


def _lines_of_gzip(data: bytes) -> list[bytes]:
    """Return a compressed file's lines; of a damaged one those that were ended before the damage."""
    plain = b""
    file = gzip.GzipFile(fileobj=io.BytesIO(data))
    try:
        while piece := file.read1(1 << 17):
            plain += piece
    except (OSError, EOFError, zlib.error):
        return _lines(plain[: plain.rfind(b"\n") + 1])
    return _lines(plain)


def _check_sound(line: bytes) -> None:
    """Hold a line that no error was found in against what a row is.

    Raises:
        AssertionError: When it is none.
    """

    def unique(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
        assert len(dict(pairs)) == len(pairs), "a key twice"
        return dict(pairs)

    def finite(text: str) -> float:
        assert math.isfinite(float(text)), "a number that is infinite"
        return float(text)

    row = json.loads(
        line.decode(), object_pairs_hook=unique, parse_float=finite, parse_int=finite, parse_constant=finite
    )
    json.dumps(row, ensure_ascii=False).encode()
    assert isinstance(row, dict) and isinstance(row["messages"], list)
    turns = cast(list[dict[str, str]], row["messages"])
    assert any(turn["role"] == "user" for turn in turns) and turns[-1]["role"] != "assistant"
    assert all(turn["role"] in ("system", "developer", "user", "assistant", "tool") for turn in turns)


def _check_beyond(data: bytes) -> None:
    """Check that lines beyond the examined ones are told alike, at once and one by one.

    Raises:
        AssertionError: When they are not.
    """
    with mock.patch.object(validation, "MOST_EXAMINED", 0):
        at_once = validate(io.BytesIO(data), "train.jsonl").to_json()
        with mock.patch.object(validation._Validation, "_check_at_once", lambda self, lines: False):
            one_by_one = validate(io.BytesIO(data), "train.jsonl").to_json()
    assert at_once == one_by_one, "another report at once"

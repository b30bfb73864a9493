"""One side of `dataset_rows`: `python -m benchmarks.dataset_rows_side SIDE FILE` prints what it took, as JSON."""

import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

_Counts = tuple[int, int]
"""Rows, and how many ids and prompts occur again."""

_ROLES = {"system", "developer", "user", "assistant", "tool"}
_PIECE = 1 << 17


def _rft(path: Path) -> _Counts:
    """Validate as `rft validate` does for one file."""
    from rft_dataset.validation import validate

    with path.open("rb") as file:
        report = validate(file, path.name, split="held_out")
    if not report.is_valid:
        raise ValueError(f"{report.findings.stored[0]}")
    return report.rows, report.findings.counts["duplicate-id"] + report.findings.counts["duplicate-prompt"]


class _Repeated:
    """Ids and prompts in sets, as one writes it without a bound on memory."""

    def __init__(self) -> None:
        self._seen: set[object] = set()
        self.count = 0

    def add(self, *keys: object) -> None:
        for key in keys:
            self.count += key in self._seen
            self._seen.add(key)


def _plain(path: Path) -> _Counts:
    """Decode with the standard library and check with plain conditions, as the checkers in public cookbooks do."""
    repeated = _Repeated()
    rows = 0
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            rows += 1
            if not isinstance(row, dict) or not isinstance(row.get("messages"), list) or not row["messages"]:
                raise ValueError("no messages")
            for message in row["messages"]:
                if not isinstance(message, dict) or not {"role", "content"} <= message.keys():
                    raise ValueError("no role or no content")
                if message.keys() - {"role", "content", "tool_calls", "tool_call_id"}:
                    raise ValueError("an unknown key")
                if message["role"] not in _ROLES:
                    raise ValueError("an unknown role")
                if not isinstance(message["content"], str) or not message["content"].strip():
                    raise ValueError("no text")
            if row["messages"][-1]["role"] != "user":
                raise ValueError("no question")
            if not row.get("reference_answer"):
                raise ValueError("no reference")
            repeated.add(("id", row.get("id")), ("prompt", row["messages"][-1]["content"]))
    return rows, repeated.count


def _pydantic(path: Path) -> _Counts:
    """Validate with pydantic's own JSON reader in strict mode; fields that are not named are skipped."""
    from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

    class Message(BaseModel):
        model_config = ConfigDict(strict=True, extra="forbid")
        role: Literal["system", "developer", "user", "assistant", "tool"]
        content: str = Field(min_length=1)
        tool_calls: list[dict[str, Any]] | None = None
        tool_call_id: str | None = None

    class Row(BaseModel):
        model_config = ConfigDict(strict=True)
        messages: list[Message] = Field(min_length=1)
        reference_answer: Any
        id: str | None = None

    validate = TypeAdapter(Row).validate_json
    repeated = _Repeated()
    rows = 0
    with path.open("rb") as file:
        for line in file:
            row = validate(line)
            rows += 1
            repeated.add(("id", row.id), ("prompt", row.messages[-1].content))
    return rows, repeated.count


def _msgspec(path: Path) -> _Counts:
    """Decode blocks of lines into rows, and check nothing."""
    import msgspec

    from rft_dataset.records import Row

    decode = msgspec.json.Decoder(Row).decode_lines
    rows = 0
    begun = b""
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            whole, _, begun = (begun + piece).rpartition(b"\n")
            rows += len(decode(whole))
    return rows + len(decode(begun)), 0


SIDES: Mapping[str, Callable[[Path], _Counts]] = {
    "rft": _rft,
    "json_and_plain_checks": _plain,
    "pydantic_strict": _pydantic,
    "bare_msgspec": _msgspec,
}
"""Name -> what it does with a file."""


def main(side: str, path: Path) -> None:
    """Run a side and print what it took: seconds, CPU seconds and the peak of resident memory."""
    started, cpu = time.perf_counter(), time.process_time()
    rows, repeated = SIDES[side](path)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    figures = {"rows": rows, "repeated": repeated, "seconds": seconds, "cpu_seconds": cpu_seconds}
    print(json.dumps(figures | {"peak_memory_mb": int(peak[1]) * 1024 / 1e6 if peak else 0.0}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

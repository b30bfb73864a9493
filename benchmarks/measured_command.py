"""Running a command and saying what it cost: wall, CPU of the whole process tree, peak memory."""

import os
import resource
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.result import ROOT

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What a command cost.

    Args:
        exit_code: Its exit status.
        wall_seconds: From start to end.
        cpu_seconds: User and system time of it and of every descendant, as last seen alive or reaped.
        peak_memory_mb: Highest sum of resident memory over the process tree, sampled four times a second.
        output: What it printed.
    """

    exit_code: int
    wall_seconds: float
    cpu_seconds: float
    peak_memory_mb: float
    output: str


def _session(leader: int) -> dict[int, tuple[float, int]]:
    """Return pid -> (CPU seconds, resident bytes) of every process of the command.

    A process counts when it inherited our mark, or when this checkout is in its command line: the embedded AWS starts
    its own with a clean environment.
    """
    mark, checkout = f"RFT_BENCHMARK={leader}".encode(), os.fsencode(ROOT)
    found: dict[int, tuple[float, int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == leader:
            continue
        try:
            marked = mark in (entry / "environ").read_bytes().split(b"\0")
            if not marked and checkout not in (entry / "cmdline").read_bytes():
                continue
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            resident = int((entry / "statm").read_text().split()[1]) * resource.getpagesize()
        except (OSError, IndexError):
            continue
        found[int(entry.name)] = ((int(fields[11]) + int(fields[12])) / _TICKS, resident)
    return found


def run(command: Sequence[str], *, echo: bool = False) -> Cost:
    """Run a command from the project's root and measure it.

    Nothing else of this checkout may run meanwhile.

    Args:
        command: Program and arguments.
        echo: Print its output while it runs.
    """
    mark = os.getpid()
    environment = {**os.environ, "RFT_BENCHMARK": str(mark)}
    started = time.monotonic()
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines: list[str] = []

    def collect() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if echo:
                print(line, end="", flush=True)

    reader = threading.Thread(target=collect, daemon=True)
    reader.start()
    cpu: dict[int, float] = {}
    peak = 0
    while process.poll() is None:
        alive = _session(mark)
        cpu.update({pid: seconds for pid, (seconds, _) in alive.items()})
        peak = max(peak, sum(resident for _, resident in alive.values()))
        time.sleep(0.25)
    reader.join(timeout=5)
    return Cost(
        exit_code=process.returncode,
        wall_seconds=round(time.monotonic() - started, 2),
        cpu_seconds=round(sum(cpu.values()), 1),
        peak_memory_mb=round(peak / 2**20, 1),
        output="".join(lines),
    )

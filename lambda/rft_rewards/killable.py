"""Calling functions that may hang, one after the other, in a child that can be killed."""

import json
import os
import resource
import select
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rft_contract.json_value import JsonValue

KILLED = object()
"""Stands for the result of a function that took too long, or ended its process."""

_CHUNK = 65536


def call_each(functions: Sequence[Callable[[], JsonValue]], *, seconds: float, memory_mib: int) -> list[object]:
    """Call functions in a forked child; what they change stays there, and what they print is lost.

    Args:
        functions: Each returns JSON.
        seconds: Longest time for one.
        memory_mib: Most memory beyond this process's own, MiB.

    Returns:
        The result of each, in order, or `KILLED`.
    """
    results: list[object] = []
    while len(results) < len(functions):
        results += _call_until_killed(functions[len(results) :], seconds, memory_mib)
    return results


def _call_until_killed(functions: Sequence[Callable[[], JsonValue]], seconds: float, memory_mib: int) -> list[object]:
    """Return the results of the functions up to and including the first that is killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(functions, writing, memory_mib)
    os.close(writing)
    results: list[object] = []
    try:
        rest = b""
        end = time.monotonic() + seconds
        while len(results) < len(functions):
            ready, _, _ = select.select([reading], [], [], max(0.0, end - time.monotonic()))
            chunk = os.read(reading, _CHUNK) if ready else b""
            if not chunk:
                results.append(KILLED)
                break
            *lines, rest = (rest + chunk).split(b"\n")
            if lines:
                results += map(json.loads, lines)
                end = time.monotonic() + seconds
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
    return results


def _answer(functions: Sequence[Callable[[], JsonValue]], writing: int, memory_mib: int) -> None:
    """Be the child: write one line a function, and end."""
    try:
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        own = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        most = own + memory_mib * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for function in functions:
            left = memoryview(json.dumps(function()).encode() + b"\n")
            while left:
                left = left[os.write(writing, left) :]
    finally:
        os._exit(0)

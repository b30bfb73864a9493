"""The child that executes one program: what it may use, and what it answers.

Everything here shares an interpreter with untrusted code, so nothing that it says is believed: its answers are claims
about values, and whoever asked compares them elsewhere.
"""

import builtins
import json
import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from rft_contract.value_codec import UnplainValue, decode, encode

LOADED = "l"
"""First line of the answers: from here on, an end of the process is one call's."""

_MIB = 2**20
_LONGEST_MESSAGE = 500


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a program may use.

    Args:
        seconds: Processor time.
        memory_mib: Memory beyond the interpreter's own, MiB.
        file_mib: Largest file, MiB.
        processes: Processes and threads of its user at once.
        files: Open files.
    """

    seconds: int
    memory_mib: int
    file_mib: int
    processes: int
    files: int

    def apply(self) -> None:
        """Bind this process and its children to them, for good."""
        own = int(Path("/proc/self/statm").read_bytes().split()[0]) * resource.getpagesize()
        for kind, most in (
            (resource.RLIMIT_CPU, self.seconds),
            (resource.RLIMIT_AS, own + self.memory_mib * _MIB),
            (resource.RLIMIT_FSIZE, self.file_mib * _MIB),
            (resource.RLIMIT_NPROC, self.processes),
            (resource.RLIMIT_NOFILE, self.files),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_MEMLOCK, 0),
            (resource.RLIMIT_MSGQUEUE, 0),
        ):
            hard = resource.getrlimit(kind)[1]
            lowest = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (lowest, lowest))


def execute(reading: int, writing: int) -> None:
    """Read a job, execute its program, and write one line for each of its calls.

    Args:
        reading: Descriptor of the job, JSON until its end.
        writing: Descriptor of the answers.
    """
    with os.fdopen(reading, "rb") as source:
        job = json.load(source)
    for line in answers(job):
        left = memoryview(line.encode("ascii") + b"\n")
        while left:
            left = left[os.write(writing, left) :]


def answers(job: dict[str, Any]) -> Iterator[str]:
    """Execute a job's program; yield `LOADED`, then the answer to each of its calls.

    Args:
        job: What `rft_rewards.runner.Job.to_json` returns.
    """
    function, reason = _load(job)
    yield LOADED
    for call in job["calls"]:
        yield _answer(function, call, observe=job["observe"]) if reason is None else f"x{reason}"


def _load(job: dict[str, Any]) -> tuple[Any, str | None]:
    """Execute prelude and program; return the function, and why there is none."""
    names: dict[str, object] = {"__name__": "program", "__builtins__": builtins}
    try:
        exec(compile(job["prelude"], "<prelude>", "exec", dont_inherit=True), names)
        names.pop(job["entry_point"], None)  # what the prelude defines is no answer
        code = compile(job["program"], "<program>", "exec", dont_inherit=True)
    except MemoryError:
        return None, "memory"
    except BaseException:
        return None, "not-python"
    try:
        exec(code, names)
    except MemoryError:
        return None, "memory"
    except BaseException:
        return None, "raised-on-load"
    function = names.get(job["entry_point"])
    return function, None if callable(function) else "no-entry-point"


def _answer(function: Any, call: str, *, observe: bool) -> str:
    """Return the answer to one call: `v` and the value, `r` and the exception, or `x` and a reason."""
    try:
        args, kwargs = cast("tuple[tuple[object, ...], dict[str, object]]", decode(call))
        value = function(*args, **kwargs)
        return "v" + encode((value, args) if observe else value)
    except UnplainValue as error:
        return f"x{error.reason}"
    except MemoryError:
        return "xmemory"
    except Exception as error:
        return "r" + json.dumps([_builtin_name(type(error)), _message(error)])
    except BaseException:  # SystemExit and the like: what they mean to say is that the process ends
        return "xdied"


def _builtin_name(kind: type[BaseException]) -> str:
    """Return the nearest built-in class of an exception; empty when that is `Exception` itself."""
    nearest = next(base for base in kind.__mro__ if getattr(builtins, base.__name__, None) is base)
    return "" if nearest is Exception and kind is not Exception else nearest.__name__


def _message(error: Exception) -> str:
    """Return what an exception says, shortened."""
    try:
        return str(error)[:_LONGEST_MESSAGE]
    except Exception:
        return ""

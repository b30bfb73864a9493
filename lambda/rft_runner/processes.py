"""Processes: hiding one's own, and ending every one that a program leaves behind.

A *subreaper* inherits the orphans of all its descendants (prctl(2), PR_SET_CHILD_SUBREAPER), so that neither a double
fork nor a new session escapes it, and `waitpid` says exactly when none is left.
"""

import contextlib
import ctypes
import os
import signal
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_GET_DUMPABLE = 3
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PROC = Path("/proc")

_MOST_STOPPING_PASSES = 50
"""After so many, processes that continue each other are killed as they are found."""

_libc = ctypes.CDLL(None, use_errno=True)


def hide() -> None:
    """Make this process non-dumpable: no other one of the same user may read its environment, memory or descriptors.

    Source: ptrace(2), "Ptrace access mode checking". An `exec` undoes it.

    Raises:
        OSError: When the kernel refuses.
    """
    _prctl(_PR_SET_DUMPABLE, 0)


def is_hidden() -> bool:
    """Whether this process is non-dumpable."""
    return bool(_libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0)


def adopt_orphans() -> None:
    """Make this process a subreaper.

    Raises:
        OSError: When the kernel refuses.
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends.

    Raises:
        OSError: When the kernel refuses.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def renounce_privileges() -> None:
    """Let no program that this process starts have more rights than it has.

    Raises:
        OSError: When the kernel refuses.
    """
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def threads_of(user: int) -> int:
    """Return how many threads a user has on this machine; they count toward its limit of processes."""
    count = 0
    for entry in os.scandir(_PROC):
        if not entry.name.isdigit():
            continue
        try:
            lines = (_PROC / entry.name / "status").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            continue
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        if int(fields["Uid"].split()[0]) == user:
            count += int(fields["Threads"])
    return count


def end_descendants(*, seconds: float = 5.0) -> tuple[int, bool]:
    """Kill and reap every descendant of this process, which must be a subreaper.

    All are stopped before any is killed: a stopped process keeps its place in the count that limits a fork bomb, so the
    bomb runs out of places instead of refilling them.

    Args:
        seconds: When to give up.

    Returns:
        How many processes were still running, and whether it is certain that none is left.
    """
    stopped: set[int] = set()
    end = time.monotonic() + seconds
    passes = 0
    while _reap():
        if time.monotonic() > end:
            return len(stopped), False
        passes += 1
        found = _descendants()
        running = found - stopped
        _signal(running, signal.SIGSTOP)
        stopped |= running
        if not running or passes > _MOST_STOPPING_PASSES:
            _signal(found, signal.SIGKILL)
            time.sleep(0.0005)
    return len(stopped), True


def _reap() -> bool:
    """Reap all ended children; return whether any child is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _descendants() -> set[int]:
    """Return the processes below this one; zombies, too, since one may have threads that run."""
    parents: dict[int, int] = {}
    for entry in os.scandir(_PROC):
        if not entry.name.isdigit():
            continue
        try:
            # "pid (name) state parent ...": the name may hold anything, but not the last parenthesis
            stat = (_PROC / entry.name / "stat").read_bytes()
        except OSError:
            continue
        parents[int(entry.name)] = int(stat.rpartition(b")")[2].split()[1])
    below: set[int] = set()
    frontier = {os.getpid()}
    while frontier:
        frontier = {pid for pid, parent in parents.items() if parent in frontier} - below
        below |= frontier
    return below


def _signal(pids: set[int], number: signal.Signals) -> None:
    """Send a signal to processes, some of which may be gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _prctl(option: int, value: int) -> None:
    """Call prctl(2).

    Raises:
        OSError: When the kernel refuses.
    """
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")

"""A process that outlives the command which started it, and is never mistaken for another.

A pid alone is no name: the kernel hands it out again. So each process is remembered with the time at which it started,
and a signal is sent only while both still agree.
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_KILL_SECONDS = 5.0
"""Longest time that the kernel needs to end what was killed."""


def start_time(pid: int) -> str | None:
    """Return when a process started, as the system counts; None when there is no such live process.

    On Linux this is field 22 of `/proc/<pid>/stat` with the boot's id, else what `ps -o lstart=` prints. A zombie
    counts as gone.
    """
    if _PROC.joinpath("self").exists():
        try:
            text = (_PROC / str(pid) / "stat").read_text()
        except OSError:
            return None
        state, *fields = text.rpartition(")")[2].split()  # the name before it may hold spaces and brackets
        if state in "ZX":
            return None
        return f"{(_PROC / 'sys/kernel/random/boot_id').read_text().strip()}/{fields[18]}"
    shown = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, started = shown.stdout.strip().partition(" ")
    return None if shown.returncode or state.startswith("Z") else started.strip()


@dataclass(frozen=True)
class Process:
    """A daemon, which leads a process group of its own.

    Args:
        name: What it is called in messages and in its log's name.
        pid: Process id, and id of its group.
        started: What `start_time` returned right after the start.
    """

    name: str
    pid: int
    started: str

    @classmethod
    def start(
        cls, name: str, command: Sequence[str], *, environment: Mapping[str, str], log: Path, folder: Path
    ) -> "Process":
        """Start a daemon in a session of its own, so that Ctrl-C in the terminal does not reach it.

        Args:
            name: What to call it.
            command: Program and arguments.
            environment: All of its environment variables.
            log: File for what it prints; an older one is replaced.
            folder: Its working directory.
        """
        with log.open("wb") as output:
            child = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        # A child that has ended already is a zombie until it is reaped: it has no start time and counts as gone.
        return cls(name, child.pid, start_time(child.pid) or "ended")

    @property
    def is_alive(self) -> bool:
        """Whether exactly this process still runs."""
        return start_time(self.pid) == self.started


def stop_all(processes: Sequence[Process], grace: float) -> None:
    """End processes and their groups: SIGTERM to all, then SIGKILL for what is left.

    Args:
        processes: The daemons; one that has ended, or whose pid is another's by now, is left alone.
        grace: Seconds between the two.
    """
    alive = [daemon for daemon in processes if daemon.is_alive]
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, _KILL_SECONDS)):
        for daemon in alive:
            _signal_group(daemon.pid, number)
        deadline = time.monotonic() + seconds
        while any(daemon.is_alive for daemon in alive) and time.monotonic() < deadline:
            time.sleep(0.05)
    for daemon in alive:
        _reap(daemon.pid)


def descendants(temporary: Path) -> tuple[int, ...]:
    """Return the live processes whose TMPDIR is a given folder, such as workers whose parent crashed.

    The folder belongs to one embedded AWS, so it names its processes even when nobody remembers their pids. Linux only:
    elsewhere a process cannot read another's environment, and the answer is empty.
    """
    mark = f"TMPDIR={temporary}".encode()
    found = []
    for entry in _PROC.glob("[0-9]*"):
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark in variables and int(entry.name) != os.getpid() and start_time(int(entry.name)):
            found.append(int(entry.name))
    return tuple(found)


def kill_descendants(temporary: Path) -> None:
    """Kill what `descendants` finds and wait until it is gone."""
    deadline = time.monotonic() + _KILL_SECONDS
    while (left := descendants(temporary)) and time.monotonic() < deadline:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        return


def _reap(pid: int) -> None:
    """Collect the exit status where this very process is the parent."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return

"""Running untrusted programs one after the other, and showing after each that nothing of it is left."""

import json
import math
import os
import pwd
import select
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rft_contract.value_codec import MOST_CHARACTERS
from rft_runner.fork_server import END, Start
from rft_runner.leftovers import Leftovers
from rft_runner.processes import adopt_orphans, end_descendants, hide, is_hidden, threads_of
from rft_runner.program import Bounds

_MOST_ANSWERED = 2**19
_LONGEST_LINE = MOST_CHARACTERS + 1024
_CHUNK = 65536

MOST_ANSWERED = 2 * (_MOST_ANSWERED + _LONGEST_LINE + _CHUNK)
"""Most characters of all answers of one job as JSON text, quotes escaped; its other calls are for another round."""

_MOST_RESTARTS = 32
_MORE_PROCESSES = 16
_OPEN_FILES = 64
_FILE_MIB = 4
_END_SECONDS = 10.0
_SHARED = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
_SERVE = "import sys; sys.path.insert(0, sys.argv[1]); from rft_runner.fork_server import main; del sys.path[0]; main()"


class Unclean(Exception):
    """It cannot be shown that nothing of a program is left."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a job led to.

    Args:
        answers: One line a call, perhaps fewer than calls.
        seconds: What it took.
        strays: Processes that it left behind, now ended.
    """

    answers: list[str]
    seconds: float
    strays: int


class Sandbox:
    """Hides this process, and runs programs in children of a fork server.

    A program runs as the user `nobody` where this process may change users, else as this process's own user; then it
    may signal this process, and the environment with all its jobs is lost, which the asking side sorts out.

    Args:
        folder: Where programs run; it is emptied after each, so nothing else may lie there.

    Raises:
        OSError: When the kernel does not let this process hide, or adopt orphans.
    """

    def __init__(self, folder: Path) -> None:
        hide()
        adopt_orphans()
        self._folder = folder
        self._user = _other_user()
        if self._user is not None:
            os.chown(folder, *self._user)
        user = os.getuid() if self._user is None else self._user[0]
        self._leftovers = Leftovers(owned=[folder], shared=_SHARED, user=user)
        self._most_processes = threads_of(user) + _MORE_PROCESSES + 2  # the fork server, and its child
        self._server: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    def run(self, job: dict[str, Any]) -> Answered:
        """Run a program until each call has an answer, or its time is over.

        A program that ends its process is started again for the calls that are left; one that hangs in a call is not,
        so that calls after it have no answer.

        Args:
            job: What `rft_rewards.runner.Job.to_json` returns.

        Raises:
            Unclean: When something of it may be left.
        """
        calls: list[str] = job["calls"]
        started = time.monotonic()
        end = started + float(job["seconds"])
        answers: list[str] = []
        strays = 0
        restarts = 0
        while len(answers) < len(calls) and sum(map(len, answers)) < _MOST_ANSWERED:
            lines, fate, left = self._run_once({**job, "calls": calls[len(answers) :]}, end)
            strays += left
            answers += lines[1:]
            restarts += 1
            if len(answers) == len(calls) or fate == "full":
                continue
            if fate == "timeout":
                answers.append("xtimeout")
                break
            if not lines or restarts > _MOST_RESTARTS:
                answers += [f"x{fate}"] * (len(calls) - len(answers))
            else:
                answers.append(f"x{fate}")
        return Answered(answers, time.monotonic() - started, strays)

    def close(self) -> None:
        """End the fork server."""
        if self._channel is not None and self._server is not None:
            self._channel.close()
            self._channel = None
            self._server.wait()

    def check(self) -> None:
        """Look once more whether anything is left.

        Raises:
            Unclean: When something may be.
        """
        if not self._leftovers.remove() or not is_hidden():
            raise Unclean

    def _run_once(self, job: dict[str, Any], end: float) -> tuple[list[str], str, int]:
        """Run a program once; return its lines, how it ended, and how many processes it left behind."""
        channel = self._ready_channel()
        asked = os.memfd_create("job")
        reading, writing = os.pipe2(os.O_CLOEXEC)
        try:
            with os.fdopen(asked, "wb", closefd=False) as file:
                file.write(json.dumps(job).encode())
            os.lseek(asked, 0, os.SEEK_SET)
            bounds = Bounds(
                seconds=math.ceil(max(0.0, end - time.monotonic())) + 1,
                memory_mib=int(job["memory_mib"]),
                file_mib=_FILE_MIB,
                processes=self._most_processes,
                files=_OPEN_FILES,
            )
            try:
                socket.send_fds(channel, [Start(bounds, str(self._folder), self._user).to_bytes()], [asked, writing])
            except OSError:
                raise Unclean from None
            finally:
                os.close(writing)
            lines, fate = _read_lines(reading, len(job["calls"]) + 1, end)
        finally:
            os.close(asked)
            os.close(reading)
        strays = self._end_program(channel)
        self.check()
        return lines, fate, strays

    def _end_program(self, channel: socket.socket) -> int:
        """Have the fork server end what is left of a program, and return how many processes that were.

        Raises:
            Unclean: When it does not say that none is left.
        """
        try:
            channel.send(END)
            strays, clean = json.loads(channel.recv(_CHUNK))
        except (OSError, ValueError):  # the program ended the fork server, too
            channel.close()
            self._channel = None
            strays, clean = end_descendants()
        if not clean:
            raise Unclean
        return int(strays)

    def _ready_channel(self) -> socket.socket:
        """Return the fork server's socket; it is started when there is none.

        Raises:
            Unclean: When it cannot be started, or one that ended by itself may have left something.
        """
        if self._channel is not None and self._server is not None and self._server.poll() is None:
            return self._channel
        if self._channel is not None:
            self._channel.close()
            self._channel = None
            if not end_descendants()[1]:
                raise Unclean
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-P", "-s", "-S", "-B", "-c", _SERVE, _root(), str(theirs.fileno())],
                env=_cleared_environment(self._folder),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        ours.settimeout(_END_SECONDS)
        try:
            ready = ours.recv(_CHUNK)
        except OSError:
            ready = b""
        if not ready:
            raise Unclean
        self._channel = ours
        return ours


def _read_lines(reading: int, count: int, end: float) -> tuple[list[str], str]:
    """Read so many lines; return them and how it ended: `done`, `died`, `timeout`, `flood` or `full`."""
    lines: list[str] = []
    rest = b""
    total = 0
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    while len(lines) < count:
        left = end - time.monotonic()
        if left <= 0 or not poll.poll(math.ceil(left * 1000)):
            return lines, "timeout"
        chunk = os.read(reading, _CHUNK)
        if not chunk:
            return lines, "died"
        *complete, rest = (rest + chunk).split(b"\n")
        lines += map(_shown, complete[: count - len(lines)])
        total += len(chunk)
        if len(rest) > _LONGEST_LINE:
            return lines, "flood"
        if total > _MOST_ANSWERED:
            return lines, "full"
    return lines, "done"


def _shown(line: bytes) -> str:
    """Return a line that a response can hold without growing more than twofold."""
    if len(line) > _LONGEST_LINE:
        return "xflood"
    text = line.decode("ascii", errors="replace")
    return text if text.isascii() and text.isprintable() else "xunreadable"


def _other_user() -> tuple[int, int] | None:
    """Return the ids of `nobody` when this process may become another user, else None."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return 65534, 65534
    return entry.pw_uid, entry.pw_gid


def _root() -> str:
    """Return the folder in which this package lies."""
    return str(Path(__file__).resolve().parents[1])


def _cleared_environment(folder: Path) -> dict[str, str]:
    """Return the environment of programs: nothing of this process's but where the interpreter finds its libraries."""
    environment = {
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "PYTHONHASHSEED": "0",  # the same program gives the same answers
        "TMPDIR": str(folder),
    }
    if libraries := os.environ.get("LD_LIBRARY_PATH"):
        environment["LD_LIBRARY_PATH"] = libraries
    return environment

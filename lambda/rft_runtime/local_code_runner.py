"""An environment of the runner function on this machine, for trying rewards without AWS.

Programs run without network isolation here, and where this process is not root, as its own user: a program could read
and change what that user can. The deployed runner holds nothing and reaches nobody.
"""

import contextlib
import json
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

from rft_rewards.runner import RunnerLost, RunnerUnreachable

_CHUNK = 2**20
_END_SECONDS = 1.0
_START = "import sys; sys.path.insert(0, sys.argv[1]); from rft_runner.__main__ import main; main()"


class LocalInvoke:
    """Hands events to a process that executes the runner's handler, started when needed; a context manager.

    Args:
        python: The interpreter. Default: this one.
        user: Name of the user as whom the whole environment runs. Default: this process's.
        variables: Its environment variables.
    """

    def __init__(
        self, *, python: str = sys.executable, user: str | None = None, variables: dict[str, str] | None = None
    ) -> None:
        self._python = python
        self._user = user
        self._variables = variables or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._outer: Path | None = None

    def __call__(self, payload: bytes, seconds: float) -> bytes:
        """Return the handler's response.

        Raises:
            RunnerLost: When the environment ended or said nothing in time; the next call starts another.
            RunnerUnreachable: When it cannot be started.
        """
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(json.loads(payload)).encode() + b"\n")
            process.stdin.flush()
            return _read_line(process.stdout.fileno(), time.monotonic() + seconds)
        except (OSError, EOFError, TimeoutError):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            self.close()
            raise RunnerLost("the environment ended") from None

    @property
    def process_id(self) -> int | None:
        """Id of the environment's process; None when none runs."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End the environment."""
        if self._process is not None:
            self._end_input(self._process)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    stream.close()
            self._process = None
        if self._outer is not None:
            shutil.rmtree(self._outer, ignore_errors=True)
            self._outer = None

    def _end_input(self, process: "subprocess.Popen[bytes]") -> None:
        """Let the environment end by itself, so that it takes its own children along."""
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_END_SECONDS)

    def __enter__(self) -> "LocalInvoke":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _started(self) -> "subprocess.Popen[bytes]":
        """Return the environment's process.

        Raises:
            RunnerUnreachable: When it cannot be started.
        """
        if self._process is not None:
            return self._process
        spec = find_spec("rft_runner")
        if spec is None or spec.origin is None:
            raise RunnerUnreachable("package rft_runner is not installed")
        # The folder around the programs' own is not theirs, so that no program can put a link in its place.
        self._outer = Path(tempfile.mkdtemp(prefix="rft-runner-"))
        self._outer.chmod(0o711)
        folder = self._outer / "programs"
        folder.mkdir(mode=0o700)
        if self._user is not None:
            shutil.chown(folder, self._user)
        try:
            self._process = subprocess.Popen(
                [self._python, "-P", "-s", "-S", "-B", "-c", _START, str(Path(spec.origin).parents[1])],
                env={"RFT_RUNNER_FOLDER": str(folder), **self._variables},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
                user=self._user,
                group=None if self._user is None else pwd.getpwnam(self._user).pw_gid,
                extra_groups=None if self._user is None else [],
            )
        except OSError as error:
            self.close()
            raise RunnerUnreachable(type(error).__name__) from None
        return self._process


def _read_line(reading: int, end: float) -> bytes:
    """Read a line.

    Raises:
        EOFError: When the process has ended.
        TimeoutError: When time is over.
    """
    chunks: list[bytes] = []
    while not chunks or not chunks[-1].endswith(b"\n"):
        ready, _, _ = select.select([reading], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            raise TimeoutError
        chunk = os.read(reading, _CHUNK)
        if not chunk:
            raise EOFError
        chunks.append(chunk)
    return b"".join(chunks)

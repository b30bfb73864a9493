"""Whether two LaTeX expressions are equal, asked of math-verify in a process that can be killed.

Algebra has no bound: `9^{9^{9^9}}` or a nested root can keep sympy busy for ever, and neither a signal handler nor a
thread ends a computation in C. So a helper process imports the library once and forks a worker; the worker answers
questions one by one, each within a limit of processor time that the kernel enforces (`ITIMER_PROF` with its default
action). A worker that dies costs its own question alone, and the helper forks the next one in milliseconds. Processor
time, not wall time: a busy machine changes no grade. Neither process gets the caller's environment, so that hostile
input meets no credentials.

Source: math-verify 0.9 (`parse`, `verify`), whose own time-outs are signal handlers and are switched off here.
"""

import contextlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
from enum import StrEnum
from typing import NoReturn

_MEMORY = 1 << 30
_START_SECONDS = 120.0
_PATIENCE = 30.0
"""Wall seconds for each second of processor time, before the helper itself counts as lost."""


class Verdict(StrEnum):
    """What is known of two expressions."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNREADABLE_GOLD = "unreadable-gold"
    UNREADABLE_ANSWER = "unreadable-answer"
    KILLED = "killed"
    """The worker died: it ran out of time or memory, or crashed."""


class HelperLost(Exception):
    """The helper process cannot be started, or does not answer: no fault of any expression."""


class LatexEquality:
    """A helper process and its worker; started at the first question, again when it was lost.

    Args:
        seconds: Processor time for one question.
    """

    def __init__(self, *, seconds: float) -> None:
        self._seconds = seconds
        self._helper: subprocess.Popen[bytes] | None = None
        self._asked = 0
        self._lock = threading.Lock()

    def ask(self, gold: str, answer: str) -> Verdict:
        """Compare an answer with a gold; the order matters where one side is an equation.

        Args:
            gold: LaTeX without `$`.
            answer: LaTeX without `$`.

        Raises:
            HelperLost: When the helper cannot be reached twice in a row.
        """
        with self._lock:
            for attempt in range(2):
                try:
                    return self._exchange(gold, answer)
                except (OSError, HelperLost) as error:
                    self.close()
                    if attempt:
                        raise HelperLost(str(error)) from None
        raise AssertionError("unreachable")

    def close(self) -> None:
        """End the helper and its worker."""
        helper, self._helper = self._helper, None
        if helper is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(helper.pid, signal.SIGKILL)
        helper.wait()
        for pipe in (helper.stdin, helper.stdout):
            if pipe is not None:
                pipe.close()

    def _exchange(self, gold: str, answer: str) -> Verdict:
        """Send a question and wait for its answer; older answers are passed over."""
        helper = self._started()
        assert helper.stdin is not None and helper.stdout is not None
        self._asked += 1
        question = json.dumps([self._asked, gold, answer]) + "\n"
        helper.stdin.write(question.encode())
        while True:
            number, verdict = self._line(helper.stdout.fileno(), self._seconds * _PATIENCE).split()
            if number in (str(self._asked), "-"):
                return Verdict(verdict)

    def _started(self) -> subprocess.Popen[bytes]:
        """Return the running helper."""
        if self._helper is None:
            program = f"from rft_rewards.latex_equality import serve; serve({self._seconds!r})"
            self._helper = subprocess.Popen(
                [sys.executable, "-P", "-c", program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": "0"},
                bufsize=0,
                start_new_session=True,
            )
            assert self._helper.stdout is not None
            if self._line(self._helper.stdout.fileno(), _START_SECONDS) != "ready":
                raise HelperLost("the helper did not start")
        return self._helper

    @staticmethod
    def _line(descriptor: int, seconds: float) -> str:
        """Read one short line."""
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([descriptor], [], [], seconds)
            piece = os.read(descriptor, 1) if ready else b""
            if not piece:
                raise HelperLost("the helper ended" if ready else "the helper does not answer")
            line += piece
        return line.decode().strip()


def serve(seconds: float) -> None:
    """Be the helper: fork workers until the caller goes away.

    Args:
        seconds: Processor time for one question.
    """
    compare(r"\frac{(x+1)^2}{2}", r"\frac{x^2+2x+1}{2}")  # loads the library; workers inherit it and its warm caches
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.write(1, b"ready\n")
    while True:
        worker = os.fork()
        if worker == 0:
            _work(seconds)
        _, status = os.waitpid(worker, 0)
        if status == 0:
            return
        os.write(1, f"- {Verdict.KILLED}\n".encode())


def _work(seconds: float) -> NoReturn:
    """Be a worker: answer questions, each within its time."""
    while question := _question():
        number, gold, answer = json.loads(question)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            verdict = compare(gold, answer)
        except Exception:
            verdict = Verdict.UNREADABLE_ANSWER
        signal.setitimer(signal.ITIMER_PROF, 0)
        os.write(1, f"{number} {verdict}\n".encode())
    os._exit(0)


def _question() -> bytes:
    """Read a line byte by byte, so that a dying worker takes no later question with it."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 1)
        if not piece:
            return b""
        line += piece
    return line


def compare(gold: str, answer: str) -> Verdict:
    """Compare two expressions in this process, without a bound.

    Args:
        gold: LaTeX without `$`.
        answer: LaTeX without `$`.
    """
    import logging
    import random

    from math_verify import LatexExtractionConfig, parse, verify  # type: ignore[import-untyped]
    from sympy.core.random import seed  # type: ignore[import-untyped]

    logging.disable(logging.CRITICAL)
    random.seed(0)
    seed(0)
    options = {
        "extraction_config": (LatexExtractionConfig(),),
        "fallback_mode": "no_fallback",
        "extraction_mode": "first_match",
        "parsing_timeout": None,
    }
    golds, answers = parse(f"${gold}$", **options), parse(f"${answer}$", **options)
    if not golds:
        return Verdict.UNREADABLE_GOLD
    if not answers:
        return Verdict.UNREADABLE_ANSWER
    is_equal = verify(golds, answers, float_rounding=50, numeric_precision=100, timeout_seconds=None)
    return Verdict.EQUAL if is_equal else Verdict.DIFFERENT

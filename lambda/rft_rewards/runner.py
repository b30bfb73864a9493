"""Who executes untrusted programs: the protocol between the `code` grader and its code runner."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rft_contract.json_value import JsonObject


class RunnerLost(Exception):
    """The environment that ran the jobs ended or fell silent: one of them may have done it."""


class RunnerUnreachable(Exception):
    """The runner could not be asked: throttled, not there, not allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A program and the calls that it shall answer.

    Args:
        program: Untrusted Python source.
        prelude: The author's source that is executed before it.
        entry_point: Name of the function to call.
        calls: Arguments of each call: `(args, kwargs)` as `rft_contract.value_codec` writes it.
        observe: Whether an answer is `(value, args after the call)` instead of the value.
        seconds: Longest time for all calls.
        memory_mib: Most memory beyond the interpreter's own, MiB.
    """

    program: str
    prelude: str
    entry_point: str
    calls: tuple[str, ...]
    observe: bool
    seconds: float
    memory_mib: int

    def to_json(self) -> JsonObject:
        """Return the job as the runner function reads it."""
        return {
            "program": self.program,
            "prelude": self.prelude,
            "entry_point": self.entry_point,
            "calls": list(self.calls),
            "observe": self.observe,
            "seconds": self.seconds,
            "memory_mib": self.memory_mib,
        }


@dataclass(frozen=True, slots=True)
class Ran:
    """What a job's program said.

    Args:
        answers: One text a call, as `rft_rewards.answer.read` understands it. Untrusted.
        seconds: What it took.
    """

    answers: tuple[str, ...]
    seconds: float


class Runner(Protocol):
    """Executes programs where they can do no harm."""

    def run(self, jobs: Sequence[Job], /, *, seconds: float) -> Sequence[Ran | None]:
        """Run jobs.

        Args:
            jobs: In any number.
            seconds: How long the answer is waited for.

        Returns:
            One for each, in order; None: there was no time or room left for it, and it was not started.

        Raises:
            RunnerLost: When the environment ended or fell silent.
            RunnerUnreachable: When nobody could be asked.
        """
        ...

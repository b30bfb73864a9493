"""Asking the runner about many programs at once, until every call has an answer.

A round is one call of the runner with all jobs of the batch. When the environment that ran them is lost, the jobs are
halved until the one that ends it stands alone: no program loses the others' round.
"""

from collections.abc import Sequence
from enum import Enum

from rft_rewards.deadline import Deadline
from rft_rewards.runner import Job, Ran, Runner, RunnerLost, RunnerUnreachable

_RESERVE_SECONDS = 1.0
"""What the rest of the event may need."""


class NotRan(Enum):
    """Why a job has no answer."""

    PUT_OFF = "out-of-time"
    """There was no time or room; it was not started."""

    ENDED_ITS_ENVIRONMENT = "ended-its-environment"
    """Alone in an environment that is sound without it, it ended that environment."""

    UNREACHABLE = "runner-unreachable"
    """The runner could not be asked, or is unsound without any program."""


def ask(runner: Runner, jobs: Sequence[Job], deadline: Deadline) -> list[Ran | NotRan]:
    """Run jobs in one round.

    Args:
        runner: Who runs them.
        jobs: In any number.
        deadline: Of the event.

    Returns:
        One for each, in order.
    """
    seconds = deadline.left - _RESERVE_SECONDS
    if seconds <= 0:
        return [NotRan.PUT_OFF] * len(jobs)
    try:
        return [NotRan.PUT_OFF if ran is None else ran for ran in runner.run(jobs, seconds=seconds)]
    except RunnerUnreachable:
        return [NotRan.UNREACHABLE] * len(jobs)
    except RunnerLost:
        if not _is_sound(runner, deadline):
            return [NotRan.UNREACHABLE] * len(jobs)
        if len(jobs) <= 1:
            return [NotRan.ENDED_ITS_ENVIRONMENT] * len(jobs)
        middle = len(jobs) // 2
        return [*ask(runner, jobs[:middle], deadline), *ask(runner, jobs[middle:], deadline)]


def _is_sound(runner: Runner, deadline: Deadline) -> bool:
    """Whether the runner answers when it has nothing to run."""
    try:
        runner.run((), seconds=deadline.left - _RESERVE_SECONDS)
    except (RunnerLost, RunnerUnreachable):
        return False
    return True

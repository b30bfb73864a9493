"""Detectors: what a running job's own numbers say about its health. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass

FEWEST_ROLLOUTS = 500
"""Rollouts below which a share says nothing yet."""

PATIENCE = 2
"""Looks in a row at which a detector must fire before a job is stopped. A look that finds no new rollout is none."""


@dataclass(frozen=True, slots=True)
class GradedRollouts:
    """What the reward function counted within one period of time.

    Args:
        valid: Rollouts with a grade.
        invalid: Rollouts that could not be graded through no fault of their completion.
    """

    valid: float
    invalid: float


@dataclass(frozen=True, slots=True)
class Strikes:
    """How often in a row a detector fired.

    Args:
        looks: Looks at which it did.
        rollouts: Rollouts of the job that the last of them knew of, graded or not.
    """

    looks: int = 0
    rollouts: float = 0

    def after(self, periods: Sequence[GradedRollouts], limit: float) -> "Strikes":
        """Return them after a look at a job's rollouts.

        The same rollouts count once: until new ones come, everything stays as it was.

        Args:
            periods: All of the job's, oldest first.
            limit: Invalid share above which the detector fires.
        """
        share = invalid_share(periods)
        if share is None or share <= limit:
            return Strikes()
        rollouts = sum(period.valid + period.invalid for period in periods)
        return Strikes(self.looks + 1, rollouts) if rollouts > self.rollouts else self


def invalid_share(periods: Sequence[GradedRollouts], *, at_least: int = FEWEST_ROLLOUTS) -> float | None:
    """Return the invalid share of a job's newest rollouts.

    Whole periods are taken from the end until they hold enough rollouts, so how many arrive in one event or one period
    changes nothing.

    Args:
        periods: Oldest first.
        at_least: Rollouts to look at.

    Returns:
        0 to 1; None while there are fewer rollouts.
    """
    valid = invalid = 0.0
    for period in reversed(periods):
        valid += period.valid
        invalid += period.invalid
        if valid + invalid >= at_least:
            return invalid / (valid + invalid)
    return None

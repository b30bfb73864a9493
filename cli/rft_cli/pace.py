"""How fast training goes, learned by watching."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rft_cli.snapshot import Snapshot


@dataclass(frozen=True)
class Pace:
    """When watching saw which number of steps.

    The first step is left out where possible: it waits for compilation, and the ones after it do not.

    Args:
        began: When the first step had been seen; None: not yet.
        done_then: How many steps were done at that time.
        done: How many were done when the number last changed.
        changed: When that was.
    """

    began: datetime | None = None
    done_then: int = 0
    done: int = 0
    changed: datetime | None = None

    def noting(self, snapshot: Snapshot, now: datetime) -> "Pace":
        """Return the pace with one more look taken into account."""
        if snapshot.done < 1 or snapshot.done <= self.done:
            return self
        if self.began is None:
            return Pace(began=now, done_then=snapshot.done, done=snapshot.done, changed=now)
        return Pace(began=self.began, done_then=self.done_then, done=snapshot.done, changed=now)

    def left(self, snapshot: Snapshot, now: datetime) -> timedelta | None:
        """Return how long training will probably last; None until two steps were seen to be done."""
        if snapshot.stage != "Train" or not snapshot.expected_steps or self.began is None or self.changed is None:
            return None
        watched = self.done - self.done_then
        if watched < 1:
            return None
        each = (self.changed - self.began) / watched
        since = min(now - self.changed, each)
        return max(each * (snapshot.expected_steps - self.done) - since, timedelta())

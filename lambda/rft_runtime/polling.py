"""How long to wait between two looks."""

from datetime import datetime
from math import ceil


def next_wait(previous: int, longest: int) -> int:
    """Return the wait after `previous`, in seconds: twice as long, at most `longest`."""
    return min(max(1, previous) * 2, longest)


def wait_within(wait: int, now: datetime, deadline: datetime) -> int:
    """Return `wait`, shortened so that the next look falls no later than just behind the deadline; at least 1 s."""
    left = ceil((deadline - now).total_seconds())
    return max(1, min(wait, left + 1))

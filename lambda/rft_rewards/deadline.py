"""How long the event that is being graded may still take."""

import time


class Deadline:
    """A point in time that each event sets anew.

    Args:
        seconds: From now.
    """

    def __init__(self, seconds: float = 300.0) -> None:
        self.restart(seconds)

    def restart(self, seconds: float) -> None:
        """Set it to so many seconds from now."""
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self._end - time.monotonic())

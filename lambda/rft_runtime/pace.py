"""How many requests are in flight at once: fewer when throttled, slowly more again.

Additive increase, multiplicative decrease: clients that share a limit nobody tells them come to share it fairly (Chiu
and Jain, 1989, "Analysis of the increase and decrease algorithms for congestion avoidance in computer networks").
"""

from collections.abc import Callable
from threading import Condition
from typing import TypeVar

from rft_runtime.failures import is_transient

_T = TypeVar("_T")


class Pace:
    """Lets so many calls happen at once, as the service seems to bear.

    It begins with the most. A call that is throttled halves what is allowed, once for all calls that had begun before:
    they met the same wall. As many calls in a row as are allowed raise it by one.
    """

    def __init__(self, most: int) -> None:
        """Begin at full pace.

        Args:
            most: Calls at once, at least 1.
        """
        self._most = most
        self._allowed = most
        self._running = 0
        self._successes = 0
        self._slowed = 0
        self._turn = Condition()

    @property
    def allowed(self) -> int:
        """Calls that may happen at once now."""
        return self._allowed

    def call(self, function: Callable[[], _T]) -> _T:
        """Wait for a turn, then call the function.

        Raises:
            Exception: The function's own error.
        """
        with self._turn:
            self._turn.wait_for(lambda: self._running < self._allowed)
            self._running += 1
            began = self._slowed
        error: Exception | None = None
        try:
            return function()
        except Exception as caught:
            error = caught
            raise
        finally:
            with self._turn:
                self._running -= 1
                self._learn(began, error)
                self._turn.notify_all()

    def _learn(self, began: int, error: Exception | None) -> None:
        if error is None:
            self._successes += 1
            if self._successes >= self._allowed:
                self._successes = 0
                self._allowed = min(self._most, self._allowed + 1)
        elif is_transient(error):
            self._successes = 0
            if began == self._slowed:
                self._slowed += 1
                self._allowed = max(1, self._allowed // 2)

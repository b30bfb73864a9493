"""Retries with full jitter, until a deadline.

Source: AWS Architecture Blog, "Exponential Backoff And Jitter": a uniform wait below a growing cap spreads
clients best.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from rft_runtime.failures import is_transient

_T = TypeVar("_T")


@dataclass(frozen=True)
class Patience:
    """How long a caller goes on trying.

    Args:
        deadline: `time.monotonic()` value after which nothing is tried again.
        first: Upper bound of the first wait, seconds.
        longest: Upper bound of any wait, seconds.
        attempts: Most attempts.
        sleep: Waits; replaced in tests.
    """

    deadline: float
    first: float = 0.5
    longest: float = 20.0
    attempts: int = 1000
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self.deadline

    def call(self, function: Callable[[], _T]) -> _T:
        """Call the function until it succeeds, fails for good, or time is up.

        Raises:
            Exception: The function's last error.
        """
        attempt = 0
        while True:
            try:
                return function()
            except Exception as error:
                attempt += 1
                wait = random.uniform(0, min(self.longest, self.first * 2 ** min(attempt, 16)))
                out_of_time = time.monotonic() + wait >= self.deadline
                if not is_transient(error) or attempt >= self.attempts or out_of_time:
                    raise
                self.sleep(wait)

"""How long a trial waits for what AWS does in its own time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from botocore.exceptions import ClientError

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class TrialPace:
    """Waits, in seconds.

    Args:
        look: Between two looks at something.
        role: For a new role to be usable everywhere (IAM is eventually consistent).
        job: For a job to call its reward function, or to end.
        deployment: For a deployment to be active.
        metrics: For metrics and events that are on their way.
        pause: Waits.
    """

    look: float = 15.0
    role: float = 120.0
    job: float = 12 * 3600.0
    deployment: float = 3600.0
    metrics: float = 600.0
    pause: Callable[[float], None] = time.sleep

    def until(self, ask: Callable[[], _T], accept: Callable[[_T], bool], seconds: float) -> _T:
        """Ask until the answer is accepted; when time is up, return the last answer."""
        left = seconds
        while not accept(answer := ask()) and left > 0:
            self.pause(self.look)
            left -= self.look
        return answer

    def granted(self, call: Callable[[], _T]) -> _T:
        """Make a call with a new role, and again while AWS may not know the role yet.

        Raises:
            ClientError: When it is still refused at the end.
        """
        left = self.role
        while True:
            try:
                return call()
            except ClientError:
                if left <= 0:
                    raise
            self.pause(min(self.look, self.role))
            left -= self.look


EMBEDDED = TrialPace(look=0.3, role=1.0, job=600.0, deployment=60.0, metrics=1.0)
"""The embedded AWS knows a role at once, and sends metrics and events at once or never."""

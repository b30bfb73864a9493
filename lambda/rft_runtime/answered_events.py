"""The events that this process has answered, so that one that the service sends again is counted once."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

from rft_contract.json_value import canonical
from rft_runtime.reward_events import EventItem

_MOST = 1024
_SECONDS = 900.0
"""Longer than any call lasts, so a repetition comes sooner; ids may be used again later."""


def event_digest(items: Sequence[EventItem]) -> str:
    """Return a name of an event: of its samples' ids and generated turns, in order."""
    digest = hashlib.sha256()
    for item in items:
        try:
            identity = canonical(item.id)
        except (ValueError, RecursionError):
            identity = "not canonical"
        digest.update(f"{identity}\n{item.sample.turn}\n".encode(errors="surrogatepass"))
    return digest.hexdigest()[:16]


class AnsweredEvents:
    """Remembers up to 1,024 digests for 15 minutes.

    Args:
        clock: Returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answered: OrderedDict[str, float] = OrderedDict()

    def add(self, digest: str) -> None:
        """Remember an event."""
        self._answered[digest] = self._clock()
        self._answered.move_to_end(digest)
        if len(self._answered) > _MOST:
            self._answered.popitem(last=False)

    def __contains__(self, digest: object) -> bool:
        """Whether an event was answered lately."""
        answered = self._answered.get(digest) if isinstance(digest, str) else None
        return answered is not None and self._clock() - answered < _SECONDS

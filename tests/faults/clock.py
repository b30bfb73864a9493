"""A clock that stands still until somebody moves it, in place of the real one."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from threading import Lock
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

from rft_runtime.data_bucket import DataBucket
from rft_runtime.patience import Patience

BEGIN = datetime(2026, 11, 2, 8, tzinfo=UTC)
_PACKAGES = ("rft_runtime", "rft_handlers", "tests.unit.fakes", "tests.faults")


class Clock:
    """Seconds since `BEGIN`."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = Lock()

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.seconds)

    def pass_(self, seconds: float) -> None:
        with self._lock:
            self.seconds += seconds

    def reach(self, seconds: float) -> None:
        """Move on to a time, or stay when it is past."""
        with self._lock:
            self.seconds = max(self.seconds, seconds)


CLOCK = Clock()
"""The one clock of a process: modules hold on to it, so simulations set it and take turns."""


class _Datetime(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # a plain one, as elsewhere
        return CLOCK.now().astimezone(tz)


_TIME = SimpleNamespace(
    monotonic=lambda: CLOCK.seconds,
    sleep=CLOCK.pass_,
    time=lambda: CLOCK.now().timestamp(),
    time_ns=lambda: int(CLOCK.now().timestamp() * 1e9),
    perf_counter=time.perf_counter,
)


def _is_ours(module: ModuleType) -> bool:
    return module is not sys.modules[__name__] and module.__name__.startswith(_PACKAGES)


@contextmanager
def virtual_time() -> Iterator[Clock]:
    """Let the handlers, what they share and the account in memory live by `CLOCK`."""
    with ExitStack() as patches:
        for module in [module for module in list(sys.modules.values()) if _is_ours(module)]:
            real: dict[str, tuple[Any, Any]] = {"datetime": (datetime, _Datetime), "time": (time, _TIME)}
            for name, (true, false) in real.items():
                if getattr(module, name, None) is true:
                    patches.enter_context(patch.object(module, name, false))
        for kind in (Patience, DataBucket):
            defaults = tuple(
                CLOCK.pass_ if value is time.sleep else value for value in kind.__init__.__defaults__ or ()
            )
            patches.enter_context(patch.object(kind.__init__, "__defaults__", defaults))
        yield CLOCK

"""The pace: halved when throttled, slowly back, never above what is allowed."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from rft_runtime.pace import Pace
from tests.unit.fakes.service_models import aws_error


def throttled() -> None:
    raise aws_error("ThrottlingException", status=429)


def refused() -> None:
    raise aws_error("ValidationException")


def fail(pace: Pace, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(Exception, match="ThrottlingException"):
            pace.call(throttled)


def test_throttling_halves_and_success_raises_by_one() -> None:
    pace = Pace(16)
    fail(pace)
    assert pace.allowed == 8
    for _ in range(8):
        pace.call(lambda: None)
    assert pace.allowed == 9
    fail(pace, 10)
    assert pace.allowed == 1
    for _ in range(16 * 17):
        pace.call(lambda: None)
    assert pace.allowed == 16


def test_a_refused_request_is_not_the_services_limit() -> None:
    pace = Pace(16)
    with pytest.raises(Exception, match="ValidationException"):
        pace.call(refused)
    assert pace.allowed == 16


def test_calls_that_met_the_same_wall_halve_once() -> None:
    pace, together = Pace(8), threading.Barrier(8)

    def meet() -> None:
        together.wait(5)
        throttled()

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(pace.call, meet) for _ in range(8)]:
            assert done.exception(5) is not None
    assert pace.allowed == 4


def test_no_more_calls_at_once_than_allowed() -> None:
    pace, lock, running, most = Pace(3), threading.Lock(), 0, 0

    def work() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.001)
        with lock:
            running -= 1

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: pace.call(work), range(60)))
    assert most == 3

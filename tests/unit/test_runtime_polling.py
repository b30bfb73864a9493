"""Waits double up to a cap, and never sleep through a deadline."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rft_runtime.polling import next_wait, wait_within

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@given(st.integers(1, 3600), st.integers(0, 3600))
def test_a_wait_grows_until_the_longest(first: int, more: int) -> None:
    longest = first + more
    waits = [first]
    for _ in range(14):
        waits.append(next_wait(waits[-1], longest))
    assert waits == sorted(waits)
    assert waits[-1] == longest
    assert all(after <= 2 * before for before, after in pairwise(waits))


@given(st.integers(-100, 100))
def test_a_wait_is_never_less_than_a_second(previous: int) -> None:
    assert next_wait(previous, 180) >= 1


@given(st.integers(1, 180), st.floats(-1000, 1000))
def test_the_next_look_comes_right_behind_the_deadline(wait: int, left: float) -> None:
    deadline = NOON + timedelta(seconds=left)
    shortened = wait_within(wait, NOON, deadline)
    assert 1 <= shortened <= wait
    if left < wait - 2 and left > 0:
        assert deadline <= NOON + timedelta(seconds=shortened) <= deadline + timedelta(seconds=3)


def test_two_days_of_polling_fit_into_an_executions_history() -> None:
    """Nine history events a look (Wait, Task, Choice); an execution ends at 25,000."""
    waited, looks, wait = 0, 0, 30
    while waited < 48 * 3600:
        waited, looks, wait = waited + wait, looks + 1, next_wait(wait, 180)
    assert looks * 9 < 15_000

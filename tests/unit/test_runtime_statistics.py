"""Intervals: they contain, they repeat, they move the right way."""

import math
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from rft_runtime.statistics import (
    bootstrap_interval,
    bootstrap_lower_bound,
    bootstrap_means,
    mean,
    wilson_interval,
)

VALUES = st.lists(st.floats(-1, 1, allow_nan=False), min_size=1, max_size=40)
SLACK = 1e-9


@given(st.integers(1, 5000), st.data())
def test_wilson_contains_the_share_and_stays_a_share(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    interval = wilson_interval(successes, trials)
    assert 0 <= interval.low <= successes / trials <= interval.high <= 1
    assert interval.high > interval.low


def test_wilson_agrees_with_the_textbook() -> None:
    """Newcombe (1998), "Two-sided confidence intervals for the single proportion", example 81 of 263."""
    interval = wilson_interval(81, 263)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)


@given(st.integers(1, 200), st.data())
def test_wilson_grows_with_successes_and_narrows_with_trials(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials - 1))
    assert wilson_interval(successes, trials).low <= wilson_interval(successes + 1, trials).low
    few, many = wilson_interval(successes, trials), wilson_interval(10 * successes, 10 * trials)
    assert many.high - many.low < few.high - few.low


@settings(max_examples=30, deadline=None)
@given(VALUES)
def test_bootstrap_means_lie_within_the_values_and_repeat(values: list[float]) -> None:
    means = bootstrap_means(values, resamples=50)
    assert means == sorted(bootstrap_means(values, resamples=50))
    assert min(values) - SLACK <= means[0]
    assert means[-1] <= max(values) + SLACK


@settings(max_examples=20, deadline=None)
@given(VALUES)
def test_bootstrap_interval_contains_the_lower_bound(values: list[float]) -> None:
    interval, bound = bootstrap_interval(values), bootstrap_lower_bound(values)
    assert interval.low - SLACK <= bound <= interval.high + SLACK


@settings(max_examples=20, deadline=None)
@given(VALUES, st.floats(0, 1))
def test_bootstrap_moves_with_the_values(values: list[float], shift: float) -> None:
    moved = bootstrap_lower_bound([value + shift for value in values])
    assert math.isclose(moved, bootstrap_lower_bound(values) + shift, abs_tol=1e-9)


def test_bootstrap_bound_comes_close_to_the_normal_one() -> None:
    values = [1.0] * 70 + [0.0] * 130
    normal = mean(values) - 1.645 * math.sqrt(0.35 * 0.65 / 200)
    assert abs(bootstrap_lower_bound(values) - normal) < 0.01


def test_bootstrap_bound_of_null_gains_is_rarely_above_zero() -> None:
    """Of 60 experiments without any effect, about three may pass; far more would be a broken bound."""
    draw = random.Random(1)
    passed = sum(bootstrap_lower_bound([draw.choice((-1.0, 0.0, 0.0, 1.0)) for _ in range(30)]) > 0 for _ in range(60))
    assert passed <= 8

"""Intervals: they contain, they repeat, they move the right way."""

import math
import random
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_runtime.statistics import (
    bootstrap_interval,
    bootstrap_level,
    bootstrap_lower_bound,
    bootstrap_means,
    mean,
    mid_quantile,
    quantile,
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


@pytest.mark.parametrize(
    ("confidence", "freedom", "student"),
    [(0.95, 9, 1.833), (0.95, 29, 1.699), (0.95, 99, 1.660), (0.975, 29, 2.045), (0.995, 29, 2.756), (0.95, 4, 2.132)],
)
def test_the_percentile_is_that_of_student_with_the_spread_of_resamples(
    confidence: float, freedom: int, student: float
) -> None:
    """Quantiles of Student's distribution as in any printed table."""
    level = bootstrap_level(freedom + 1, confidence)
    assert -NormalDist().inv_cdf(level) * math.sqrt(freedom / (freedom + 1)) == pytest.approx(student, abs=3e-3)


def test_few_units_need_more_and_many_are_normal() -> None:
    levels = [bootstrap_level(units, 0.95) for units in (1, 2, 5, 30, 1000, 10**6)]
    assert levels == sorted(levels)
    assert levels[0] == 0
    assert levels[-1] == pytest.approx(0.05, abs=1e-6)


def test_groups_are_the_units_of_the_bound() -> None:
    values, groups = [1.0, 1.0, 0.0, 0.0] * 5, [f"g{number // 4}" for number in range(20)]
    assert bootstrap_lower_bound(values, groups) == 0.5  # five groups that are all alike
    assert bootstrap_lower_bound(values) < 0.5


def test_half_of_a_tie_counts_as_below() -> None:
    """40 of 1,000 lie below zero and 15 on it: a tail of 4.75 %, and neither 4 nor 5.5."""
    ordered = [-1.0] * 40 + [0.0] * 15 + [1.0] * 945
    assert mid_quantile(ordered, 0.0475) == 0
    assert mid_quantile(ordered, 0.0480) > 0 > mid_quantile(ordered, 0.0470)
    assert quantile(ordered, 0.05) == 0


@given(VALUES.map(sorted), st.floats(0, 1), st.floats(0, 1))
def test_a_mid_quantile_grows_and_stays_within(ordered: list[float], one: float, other: float) -> None:
    low, high = (mid_quantile(ordered, share) for share in sorted((one, other)))
    assert ordered[0] - SLACK <= low <= high + SLACK
    assert high <= ordered[-1] + SLACK


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=40, unique=True).map(sorted), st.floats(0.1, 0.9))
def test_without_ties_it_is_a_quantile(ordered: list[int], share: float) -> None:
    """The rule of Hazen, which lies less than one value from the common one."""
    place = share * len(ordered) - 0.5
    low = math.floor(place)
    neighbours = (ordered[max(low, 0)], ordered[min(low + 1, len(ordered) - 1)])
    assert neighbours[0] - SLACK <= mid_quantile(ordered, share) <= neighbours[1] + SLACK


def test_sums_that_differ_by_rounding_are_one_value() -> None:
    assert mid_quantile(sorted([0.1 + 0.2, 0.3, 0.3, 0.1 + 0.2]), 0.9) == 0.3

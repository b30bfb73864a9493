"""Weighted means with intervals: they cover, and they do not collapse."""

import random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_runtime.probing.weighted_bootstrap import Column, Estimate, estimates
from rft_runtime.statistics import bootstrap_interval


def estimate(values: list[float | None], weights: list[float] | None = None) -> Estimate:
    return estimates({"x": Column(values)}, weights or [1.0] * len(values))["x"]


@pytest.mark.parametrize(("count", "upper"), [(20, 3 / 21), (64, 3 / 65), (200, 3 / 201)])
def test_nothing_seen_is_not_nothing(count: int, upper: float) -> None:
    """The rule of three: 3 / n."""
    none, all_ = estimate([0.0] * count), estimate([1.0] * count)
    assert none.ci95 == pytest.approx((0.0, upper), abs=0.1 / count)
    assert all_.ci95 == pytest.approx((1 - upper, 1.0), abs=0.1 / count)


@settings(max_examples=25, derandomize=True)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.data())
def test_the_interval_holds_the_mean_and_stays_within_the_ends(values: list[float], data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.floats(0.5, 50), min_size=len(values), max_size=len(values)))
    found = estimate(list(values), weights)
    assert found.value == pytest.approx(sum(map(float.__mul__, values, weights)) / sum(weights))
    assert -1e-9 <= found.ci95[0] <= found.value + 1e-9
    assert found.value - 1e-9 <= found.ci95[1] <= 1 + 1e-9


def test_with_many_prompts_it_is_the_plain_bootstrap() -> None:
    draw = random.Random(1)
    values = [draw.random() for _ in range(400)]
    plain = bootstrap_interval(values)
    assert estimate(list(values)).ci95 == pytest.approx((plain.low, plain.high), abs=0.004)


def test_weights_undo_an_unequal_sample() -> None:
    hard, easy = [0.0] * 50, [1.0] * 50
    assert estimate([*hard, *easy], [9.0] * 50 + [1.0] * 50).value == pytest.approx(0.1)


def test_a_prompt_without_a_value_is_left_out() -> None:
    assert estimate([0.5, None, 0.5, None]).value == 0.5
    assert estimates({"x": Column([None, None])}, [1.0, 1.0]) == {}


def test_the_interval_covers_the_truth() -> None:
    draw, truth, covered = random.Random(11), 0.06, 0
    for _ in range(100):
        chances = [draw.betavariate(0.3, 4.7) for _ in range(60)]
        low, high = estimate([sum(draw.random() < chance for _ in range(8)) / 8 for chance in chances]).ci95
        covered += low <= truth <= high
    assert covered >= 90


def test_other_ends_than_shares() -> None:
    found = estimates({"x": Column([3.0] * 30, 1.0, 9.0)}, [1.0] * 30)["x"]
    assert found.value == 3.0
    assert 1.0 < found.ci95[0] < 3.0 < found.ci95[1] < 9.0
    assert fmean(found.ci95) > 3.0

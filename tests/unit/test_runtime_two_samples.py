"""Differences of two samples, and what chance makes of them."""

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_runtime.two_samples import (
    Statistic,
    beside_noise,
    divergence,
    gap,
    share_difference,
    telling_apart,
    unseen_share,
)


def value(statistic: Statistic, first: int, second: int) -> float:
    return statistic(np.arange(first + second) < first)


def test_gap_is_the_largest_distance_of_cumulative_shares() -> None:
    assert value(gap([1, 2, 3, 4]), 2, 2) == 1
    assert value(gap([1, 2, 1, 2]), 2, 2) == 0
    assert value(gap([1, 1, 1, 1, 1, 2]), 3, 3) == pytest.approx(1 / 3)
    assert value(gap([5, 5, 5]), 1, 2) == 0


def test_share_difference_is_the_share_that_would_have_to_move() -> None:
    assert value(share_difference(["en", "en", "de", "de"]), 2, 2) == 1
    assert value(share_difference(["en", "de", "de", "en"]), 2, 2) == 0
    assert value(share_difference(["en", "en", "en", "de"]), 2, 2) == 0.5


def test_divergence_is_one_bit_for_words_apart() -> None:
    one, other = Counter("ab"), Counter("cd")
    assert value(divergence([one, other]), 1, 1) == pytest.approx(1)
    assert value(divergence([one, one]), 1, 1) == 0
    half = value(divergence([Counter(a=1), Counter(a=1, b=1)]), 1, 1)
    assert half == pytest.approx(-0.75 * math.log2(0.75) - 0.25 * math.log2(0.25) - 0.5)
    assert value(divergence([Counter(), Counter()]), 1, 1) == 0
    assert value(divergence([Counter("a"), Counter()]), 1, 1) == 1


def test_unseen_share_counts_what_the_other_lacks() -> None:
    assert unseen_share(["a", "b"], ["a", "a", "c", "b"]).value == 0.25
    unique = [str(number) for number in range(100)]
    assert unseen_share(["x"], unique).noise == 1
    assert unseen_share(["a"], ["a"] * 100).noise == 0


def test_tokens_that_tell_are_used() -> None:
    rows = [{"same", f"only-{number}"} for number in range(100)]
    assert telling_apart([row | {"one"} for row in rows], [row | {"other"} for row in rows]).value == 1
    alike = telling_apart(rows, rows)
    assert alike.value == pytest.approx(0.5)
    assert 0.5 < alike.noise < 0.7


Draw = Callable[[random.Random], Statistic]
SIZE = 60


def lengths(draw: random.Random) -> Statistic:
    return gap([round(draw.lognormvariate(5, 1)) for _ in range(2 * SIZE)])


def classes(draw: random.Random) -> Statistic:
    return share_difference(draw.choices("abcd", [60, 30, 9, 1], k=2 * SIZE))


def bags(draw: random.Random) -> Statistic:
    return divergence([Counter(draw.choices("abcdefgh", range(1, 9), k=draw.randrange(20))) for _ in range(2 * SIZE)])


@pytest.mark.parametrize("make", [lengths, classes, bags])
def test_samples_of_one_source_seldom_rise_above_the_noise(make: Draw) -> None:
    found = [beside_noise(make(random.Random(seed)), SIZE, SIZE) for seed in range(60)]
    above = sum(one.value > one.noise for one in found)
    assert above <= 3  # 0.5 are expected, and with 60 trials of 1 / 120 more than 3 come once in 500 times
    assert all(0 < one.noise < 1 for one in found)


def test_a_shift_rises_above_the_noise() -> None:
    draw = random.Random(3)
    values = [draw.gauss(0, 1) for _ in range(SIZE)] + [draw.gauss(2, 1) for _ in range(SIZE)]
    shifted = beside_noise(gap([round(100 * one) for one in values]), SIZE, SIZE)
    assert shifted.value > 2 * shifted.noise


@given(
    st.lists(st.sampled_from("abc"), min_size=2, max_size=30),
    st.lists(st.sampled_from("abcd"), min_size=2, max_size=30),
)
@settings(max_examples=15, derandomize=True)
def test_every_number_is_between_0_and_1_and_the_same_again(first: Sequence[str], second: Sequence[str]) -> None:
    pooled = [*first, *second]

    def numbers() -> list[float]:
        statistics = [
            gap([ord(one) for one in pooled]),
            share_difference(pooled),
            divergence(list(map(Counter, pooled))),
        ]
        found = [beside_noise(statistic, len(first), len(second)) for statistic in statistics]
        found.append(unseen_share(first, second))
        return [number for one in found for number in (one.value, one.noise)]

    assert all(0 <= number <= 1 + 1e-12 for number in numbers())
    assert numbers() == numbers()

"""Groups with a gradient and pass@k: against counting by hand, and against the truth of a simulation."""

import itertools
import random
from collections import Counter
from statistics import fmean, pstdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_runtime.probing.group_gradient import RewardPrior, mixed_share, mixed_shares, pass_at_k, spread_shares

REWARDS = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=2, max_size=9)


@settings(max_examples=100, derandomize=True)
@given(REWARDS, st.data())
def test_the_mixed_share_counts_all_groups(rewards: list[float], data: st.DataObject) -> None:
    group = data.draw(st.integers(1, len(rewards)))
    groups = list(itertools.combinations(rewards, group))
    mixed = sum(len(set(some)) > 1 for some in groups) / len(groups)
    assert mixed_share(Counter(rewards), group) == pytest.approx(mixed)


@settings(max_examples=100, derandomize=True)
@given(st.integers(1, 9), st.data())
def test_pass_at_k_counts_all_tries(rollouts: int, data: st.DataObject) -> None:
    successes, k = data.draw(st.integers(0, rollouts)), data.draw(st.integers(1, rollouts))
    outcomes = [True] * successes + [False] * (rollouts - successes)
    tries = list(itertools.combinations(outcomes, k))
    assert pass_at_k(rollouts, successes, k) == pytest.approx(sum(map(any, tries)) / len(tries))


def rollouts(chances: list[float], samples: int, draw: random.Random) -> list[Counter[float]]:
    return [Counter(float(draw.random() < chance) for _ in range(samples)) for chance in chances]


@pytest.mark.parametrize("samples", [3, 4, 8, 16])
@pytest.mark.parametrize(("alpha", "beta"), [(0.3, 0.6), (0.4, 4.0), (5.0, 5.0)])
def test_the_share_at_the_group_size_of_the_job_is_found_from_fewer_and_from_more(
    samples: int, alpha: float, beta: float
) -> None:
    draw, group = random.Random(7), 8
    chances = [draw.betavariate(alpha, beta) for _ in range(3000)]
    truth = fmean(1 - chance**group - (1 - chance) ** group for chance in chances)
    found = fmean(mixed_shares(rollouts(chances, samples, draw), group))
    assert found == pytest.approx(truth, abs=0.03)


def test_a_fit_of_three_rewards_is_near_the_truth_where_counting_is_not() -> None:
    draw, group, prompts = random.Random(3), 8, 3000
    drawn = [[draw.gammavariate(shape, 1) for shape in (0.5, 0.2, 0.1)] for _ in range(prompts)]
    chances = [[part / sum(parts) for part in parts] for parts in drawn]
    truth = fmean(1 - sum(chance**group for chance in some) for some in chances)
    seen = [Counter(draw.choices([0.0, 0.5, 1.0], weights=some, k=4)) for some in chances]
    counted = fmean(len(rewards) > 1 for rewards in seen)
    assert fmean(mixed_shares(seen, group)) == pytest.approx(truth, abs=0.03)
    assert counted < truth - 0.08


def test_more_rollouts_never_make_a_gradient_less_likely() -> None:
    rewards = Counter({0.0: 6, 1.0: 2})
    shares = [mixed_share(rewards, group) for group in range(1, 9)]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)


@pytest.mark.parametrize("reward", [0.0, 1.0])
def test_where_every_reward_is_the_same_there_is_no_gradient(reward: float) -> None:
    assert mixed_shares([Counter({reward: 4})] * 10, 8) == [0.0] * 10
    assert mixed_shares([Counter({reward: 8})] * 10, 8) == [0.0] * 10


def test_a_prompt_with_lost_rollouts_gets_its_expectation_and_the_others_stay_counted() -> None:
    prompts = [Counter({0.0: 4, 1.0: 4})] * 20 + [Counter({0.0: 3})]
    *whole, lost = mixed_shares(prompts, 8)
    assert whole == [1.0] * 20
    assert 0.5 < lost < 1


@settings(max_examples=50, derandomize=True)
@given(st.lists(st.lists(st.floats(-1, 1), min_size=1, max_size=5), min_size=1, max_size=8), st.integers(2, 16))
def test_shares_are_shares(rewards: list[list[float]], group: int) -> None:
    assert all(-1e-9 <= share <= 1 for share in mixed_shares([Counter(some) for some in rewards], group))


def test_prompts_that_are_alike_fit_a_large_concentration() -> None:
    alike = [Counter({0.0: 2, 1.0: 2})] * 200
    apart = [Counter({0.0: 4}), Counter({1.0: 4})] * 100
    assert RewardPrior.fit(alike).concentration > 1000 > 0.1 > RewardPrior.fit(apart).concentration


def test_fitted_shares_spread_as_their_mean_does_and_counted_ones_are_left_alone() -> None:
    draw, group, prompts = random.Random(11), 16, 60
    means, said, unstretched = [], [], []
    for _ in range(60):
        seen = rollouts([draw.betavariate(0.8, 0.8) for _ in range(prompts)], 4, draw)
        shares = spread_shares(seen, group, [1.0] * prompts)
        means.append(fmean(shares))
        said.append(pstdev(shares) / prompts**0.5)
        unstretched.append(pstdev(mixed_shares(seen, group)) / prompts**0.5)
        assert spread_shares(seen, 4, [1.0] * prompts) == mixed_shares(seen, 4)
    assert fmean(said) == pytest.approx(pstdev(means), rel=0.3)
    assert fmean(unstretched) < 0.6 * pstdev(means)


def test_stretching_keeps_the_weighted_mean() -> None:
    draw = random.Random(5)
    seen = rollouts([draw.betavariate(0.4, 0.8) for _ in range(50)], 4, draw)
    weights = [draw.uniform(1, 9) for _ in seen]
    plain, spread = mixed_shares(seen, 16), spread_shares(seen, 16, weights)
    sums = [sum(share * weight for share, weight in zip(shares, weights, strict=True)) for shares in (plain, spread)]
    assert sums[0] == pytest.approx(sums[1])
    assert pstdev(spread) > pstdev(plain)


@pytest.mark.parametrize("prompts", [1, 2, 5])
def test_few_prompts_can_be_spread_too(prompts: int) -> None:
    assert len(spread_shares([Counter({0.0: 2, 1.0: 1 + n}) for n in range(prompts)], 8, [1.0] * prompts)) == prompts

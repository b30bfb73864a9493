"""Which groups of rollouts have a gradient: those whose rewards are not all equal.

A job forms groups of G rollouts of one prompt and learns from the differences inside each (Shao et al., 2024,
"DeepSeekMath", group relative policy optimization). The share of mixed groups among the k rollouts of a probe is not
the share at G, which is what is estimated here.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import mul
from statistics import pstdev

from rft_runtime.statistics import mean

_STEPS = 30
_PARTS = 20
_GOLDEN = (math.sqrt(5) - 1) / 2
_LEAST, _MOST = math.log(1e-2), math.log(1e4)

_Signature = frozenset[tuple[float, int]]


def pass_at_k(rollouts: int, successes: int, k: int) -> float:
    """Return the probability that at least one of k rollouts of a prompt succeeds, without bias.

    Source: Chen et al. (2021), "Evaluating Large Language Models Trained on Code", equation 1.

    Args:
        rollouts: Rollouts that were graded, at least k.
        successes: Those that succeeded.
        k: How many tries.
    """
    return 1 - math.comb(rollouts - successes, k) / math.comb(rollouts, k)


def mixed_share(rewards: Counter[float], group: int) -> float:
    """Return the probability that a group drawn from a prompt's rollouts has a gradient, without bias.

    Source: the hypergeometric probability that `group` rollouts drawn without replacement all have the same reward is
    the sum over rewards of `C(count, group) / C(all, group)`; with two rewards, `1 - C(c,G)/C(k,G) - C(k-c,G)/C(k,G)`.

    Args:
        rewards: Reward -> rollouts of the prompt with it, at least `group` in all.
        group: Rollouts of a group.
    """
    everything = math.comb(rewards.total(), group)
    return 1 - sum(math.comb(count, group) for count in rewards.values()) / everything


@dataclass(frozen=True)
class RewardPrior:
    """How the chances of each reward vary between prompts: a Dirichlet distribution (a beta with two rewards).

    Args:
        concentration: How alike prompts are; large means alike.
        shares: Reward -> its share of all rollouts.
    """

    concentration: float
    shares: Mapping[float, float]

    @classmethod
    def fit(cls, prompts: Sequence[Counter[float]]) -> "RewardPrior":
        """Fit it to the rollouts of many prompts.

        The shares are the pooled ones, and the concentration has the largest likelihood (Minka, 2000, "Estimating a
        Dirichlet distribution"), found by golden-section search on its logarithm.

        Args:
            prompts: Reward -> rollouts, of each prompt; at least one rollout in all.
        """
        pooled: Counter[float] = Counter()
        for rewards in prompts:
            pooled.update(rewards)
        shares = {reward: count / pooled.total() for reward, count in pooled.items()}
        alike = Counter(map(_signature, prompts))

        def likelihood(exponent: float) -> float:
            return cls(math.exp(exponent), shares).log_likelihood(alike)

        low, high = _LEAST, _MOST
        for _ in range(_STEPS):
            left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
            if likelihood(left) < likelihood(right):
                low = left
            else:
                high = right
        return cls(math.exp((low + high) / 2), shares)

    def log_likelihood(self, prompts: Mapping[_Signature, int]) -> float:
        """Return the logarithm of the likelihood of prompts' rewards, up to a constant.

        Args:
            prompts: Rewards of a prompt with their counts -> prompts that have just these.
        """
        total = 0.0
        for rewards, times in prompts.items():
            rollouts = sum(count for _, count in rewards)
            one = math.lgamma(self.concentration) - math.lgamma(self.concentration + rollouts)
            for reward, count in rewards:
                expected = self.concentration * self.shares[reward]
                one += math.lgamma(expected + count) - math.lgamma(expected)
            total += times * one
        return total

    def mixed_shares(self, prompts: Sequence[Counter[float]], group: int) -> list[float]:
        """Return each prompt's expected probability that a group of it has a gradient, given its rollouts.

        Args:
            prompts: Reward -> rollouts, of each prompt.
            group: Rollouts of a group.
        """
        before = {reward: _rising(self.concentration * share, group) for reward, share in self.shares.items()}
        everything = sum(before.values())

        @cache
        def equal(rewards: _Signature) -> float:
            seen = sum(
                _rising(self.concentration * self.shares[reward] + count, group) - before[reward]
                for reward, count in rewards
            )
            return (everything + seen) / _rising(self.concentration + sum(count for _, count in rewards), group)

        return [1 - min(1.0, equal(_signature(rewards))) for rewards in prompts]


def mixed_shares(prompts: Sequence[Counter[float]], group: int) -> list[float]:
    """Return each prompt's share of groups with a gradient: counted where it has enough rollouts, else by a fit.

    Args:
        prompts: Reward -> rollouts, of each prompt; each at least one.
        group: Rollouts of a group.
    """
    if all(rewards.total() >= group for rewards in prompts):
        return [mixed_share(rewards, group) for rewards in prompts]
    fitted = RewardPrior.fit(prompts).mixed_shares(prompts, group)
    return [
        mixed_share(rewards, group) if rewards.total() >= group else expected
        for rewards, expected in zip(prompts, fitted, strict=True)
    ]


def spread_shares(prompts: Sequence[Counter[float]], group: int, weights: Sequence[float]) -> list[float]:
    """Return `mixed_shares`, as far apart as they have to be for resamples of them to spread as their mean does.

    A fitted share is drawn towards the others, and every prompt moves the fit: resampled as they are, such shares seem
    to know their mean better than they do. So their distances from it are stretched to the standard error that a
    jackknife finds, which leaves a twentieth of the prompts out at a time and fits again (Efron and Tibshirani, 1993,
    "An Introduction to the Bootstrap", chapter 11). Counted shares stay as they are. `python -m benchmarks probe` holds
    the intervals to simulated truth.

    Args:
        prompts: Reward -> rollouts, of each prompt; each at least one.
        group: Rollouts of a group.
        weights: How much each prompt counts.
    """
    shares = mixed_shares(prompts, group)
    known = pstdev(shares) / math.sqrt(len(shares))
    if known == 0 or all(rewards.total() >= group for rewards in prompts):
        return shares
    stretch = max(1.0, _jackknife_error(prompts, group) / known)
    middle = math.fsum(map(mul, shares, weights)) / math.fsum(weights)
    return [middle + stretch * (share - middle) for share in shares]


def _jackknife_error(prompts: Sequence[Counter[float]], group: int) -> float:
    """Return the standard error of the mean of `mixed_shares`."""
    parts = min(_PARTS, len(prompts))
    left = [
        mean(mixed_shares([rewards for place, rewards in enumerate(prompts) if place % parts != part], group))
        for part in range(parts)
    ]
    return math.sqrt(parts - 1) * pstdev(left)


def _signature(rewards: Counter[float]) -> _Signature:
    """Return what prompts with the same rewards share: there are few kinds of them, and each is worked out once."""
    return frozenset(rewards.items())


def _rising(start: float, steps: int) -> float:
    """Return `start (start + 1) ... (start + steps - 1)`."""
    return math.prod(start + step for step in range(steps))

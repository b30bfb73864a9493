"""Whether two samples come from one source: differences from 0 to 1, each beside its noise level.

A noise level is what the same number comes to when there is no difference, because the samples were shuffled into two
new ones of the same sizes (a permutation test: Fisher, "The Design of Experiments", 1935). All here is deterministic.
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

SEED = 20260101
SHUFFLES = 599
NUMBERS = 6
"""Numbers that are compared with their noise levels together."""
_REACHED = 5
_FEWEST_USES = 3

_Ints: TypeAlias = NDArray[np.int64]
Statistic: TypeAlias = Callable[[NDArray[np.bool_]], float]
"""From which of the pooled elements belong to the first sample, to how far the samples differ, 0 to 1."""


@dataclass(frozen=True)
class Difference:
    """A difference beside its noise level.

    Args:
        value: How far two samples differ.
        noise: What the value stays at or below when there is no difference: of two samples of one source, 95 in 100
            stay there with all of `NUMBERS` numbers at once (Bonferroni: 5 of 599 shuffles are 0.05 / 6).
    """

    value: float
    noise: float


def beside_noise(statistic: Statistic, first: int, second: int) -> Difference:
    """Return a statistic of two samples beside that of their shuffles.

    Args:
        statistic: Of the pooled samples, the first one's elements in front.
        first: Elements of the first sample.
        second: Elements of the second.
    """
    draw = np.random.default_rng(SEED)
    belongs = np.arange(first + second) < first
    shuffled = sorted(statistic(draw.permutation(belongs)) for _ in range(SHUFFLES))
    return Difference(statistic(belongs), shuffled[-_REACHED])


def gap(values: Sequence[int]) -> Statistic:
    """Return the largest distance between two cumulative distributions (Smirnov, 1939).

    Args:
        values: Of the pooled elements.
    """
    order = np.argsort(values, kind="stable")
    ordered = np.asarray(values)[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)

    def statistic(belongs: NDArray[np.bool_]) -> float:
        ones = np.cumsum(belongs[order])
        others = np.arange(1, len(order) + 1) - ones
        return float(np.abs(ones / ones[-1] - others / others[-1])[ends].max())

    return statistic


def share_difference(classes: Sequence[Hashable]) -> Statistic:
    """Return the total variation distance between the shares of classes: the share that would have to move.

    Args:
        classes: Of the pooled elements.
    """
    codes = _codes(classes)
    number = int(codes.max()) + 1

    def statistic(belongs: NDArray[np.bool_]) -> float:
        ones, others = (np.bincount(codes[which], minlength=number) / which.sum() for which in (belongs, ~belongs))
        return float(np.abs(ones - others).sum() / 2)

    return statistic


def divergence(bags: Sequence[Counter[str]]) -> Statistic:
    """Return the Jensen-Shannon divergence between the words of two samples, in bits (Lin, 1991).

    It is finite without smoothing. Words are drawn together by the prompt they stand in, so that one prompt that
    repeats a word is no evidence of a difference beyond itself.

    Args:
        bags: Word -> uses, of the pooled elements.
    """
    owners: _Ints = np.repeat(np.arange(len(bags)), [len(bag) for bag in bags])
    codes = _codes(list(chain.from_iterable(bags)))
    uses = np.fromiter(chain.from_iterable(bag.values() for bag in bags), float, len(codes))
    number = int(codes.max()) + 1 if len(codes) else 0
    total = np.bincount(codes, uses, number)

    def statistic(belongs: NDArray[np.bool_]) -> float:
        ones = np.bincount(codes, uses * belongs[owners], number)
        others = total - ones
        if not ones.any() or not others.any():
            return 0.0 if not total.any() else 1.0
        ones, others = ones / ones.sum(), others / others.sum()
        return max(0.0, _entropy((ones + others) / 2) - (_entropy(ones) + _entropy(others)) / 2)

    return statistic


def unseen_share(known: Sequence[Hashable], asked: Sequence[Hashable]) -> Difference:
    """Return the share of one sample whose class the other lacks, beside the same of the sample's own halves.

    One random half stands for the known, with no more classes than there are known ones, and the other for the asked.
    Half as many elements scatter more, so the noise level is rather too high than too low.

    Args:
        known: Classes.
        asked: Classes of the sample that is to be covered, at least two.
    """
    codes = _codes([*known, *asked])
    number, most = int(codes.max()) + 1, len(set(known))
    draw = np.random.default_rng(SEED)
    sample = codes[len(known) :]

    def share(seen: _Ints, of: _Ints) -> float:
        marks = np.zeros(number, bool)
        marks[seen] = True
        return float(1 - marks[of].mean())

    def split() -> float:
        shuffled = draw.permutation(sample)
        half = len(shuffled) // 2
        return share(draw.permutation(np.unique(shuffled[:half]))[:most], shuffled[half:])

    return Difference(share(codes[: len(known)], sample), sorted(split() for _ in range(SHUFFLES))[-_REACHED])


def telling_apart(first: Sequence[Set[Hashable]], second: Sequence[Set[Hashable]]) -> Difference:
    """Return the accuracy with which naive Bayes tells elements of two samples apart: 0.5 is guessing.

    A classifier two-sample test (Lopez-Paz and Oquab, "Revisiting Classifier Two-Sample Tests", ICLR 2017). It learns
    from one random half of each sample and is asked about the other, as many of each: without a difference every answer
    is a coin's, so the noise level is the binomial's. It is not cross-validated: the folds' errors hang together, and
    that level would be too low.

    Args:
        first: Tokens of each element.
        second: The same.
    """
    draw = np.random.default_rng(SEED)
    number = min(len(first), len(second))
    half = number // 2
    samples = [[sample[place] for place in draw.permutation(len(sample))[:number]] for sample in (first, second)]
    weights, bias = _weights(*(sample[:half] for sample in samples))
    right = 0.0
    for sign, sample in zip((1, -1), samples, strict=True):
        for tokens in sample[half:]:
            score = sign * (bias + math.fsum(weights[token] for token in tokens if token in weights))
            right += 1.0 if score > 0 else 0.5 if score == 0 else 0.0
    asked = 2 * (number - half)
    level = NormalDist().inv_cdf(1 - 0.05 / NUMBERS)
    return Difference(right / asked, 0.5 + level * math.sqrt(0.25 / asked))


def _weights(first: Sequence[Set[Hashable]], second: Sequence[Set[Hashable]]) -> tuple[dict[Hashable, float], float]:
    """Return what each token's presence says for the first sample rather than its absence, and what all absences say.

    Logarithms of odds, one added to each count (naive Bayes with the multivariate Bernoulli model: McCallum and Nigam,
    1998). Tokens in fewer than three elements say more about chance than about the samples.
    """
    ones, others = (Counter(chain.from_iterable(sample)) for sample in (first, second))
    elements = len(first) + 2
    weights, bias = {}, 0.0
    for token, uses in (ones + others).items():
        if uses >= _FEWEST_USES:
            one, other = (ones[token] + 1) / elements, (others[token] + 1) / elements
            absent = math.log((1 - one) / (1 - other))
            weights[token] = math.log(one / other) - absent
            bias += absent
    return weights, bias


def _codes(classes: Sequence[Hashable]) -> _Ints:
    """Return classes as numbers from 0, in the order in which they first occur."""
    seen: dict[Hashable, int] = {}
    return np.fromiter((seen.setdefault(name, len(seen)) for name in classes), np.int64, len(classes))


def _entropy(shares: NDArray[np.float64]) -> float:
    """Return the entropy of a distribution in bits."""
    some = shares[shares > 0]
    return float(-(some * np.log2(some)).sum())

"""How the prompts of a training set differ from those that production asks.

Every difference is a number from 0 to 1 beside its noise level (`two_samples`). The number for all together is the
accuracy with which a simple classifier tells a training prompt from a production prompt that it has not seen.
"""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Literal

import numpy as np

from rft_dataset.records import Row
from rft_dataset.similar_prompts import Prompts
from rft_rewards.language import language_of
from rft_runtime.two_samples import (
    SEED,
    Difference,
    beside_noise,
    divergence,
    gap,
    share_difference,
    telling_apart,
    unseen_share,
)

Verdict = Literal["same", "differs", "unknown"]
"""`unknown`: too few prompts to say anything."""

FEWEST_PROMPTS = 50
"""Different prompts of either side below which nothing is said."""
MOST_PROMPTS = 2_000
"""Prompts of either side that are compared; of the larger side, as many are drawn as the smaller one has."""

SMALLEST = 0.02
"""The smallest difference that is one: many prompts make the noise so small that trifles rise above it."""

_MOST_WORDS = 1_000
_NAMED_WORDS = 8
_NAMED_SHARE = 0.02
_NAMED_LANGUAGES = 3
_NO_LANGUAGE = "?"

_ALPHABETS_WITHOUT_SPACES = r"\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_ALPHABETS_WITHOUT_SPACES}]|[^\W{_ALPHABETS_WITHOUT_SPACES}]+")
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One difference.

    Args:
        name: What differs.
        value: How much, 0 to 1; of the classifier its accuracy, where 0.5 is none.
        noise: What the value stays at or below when there is no difference.
        verdict: `differs` when the value is above its noise level, and is `SMALLEST` at least.
        words: What was found, and what to do about it.
    """

    name: str
    value: float
    noise: float
    verdict: Verdict
    words: str


@dataclass(frozen=True, kw_only=True)
class Side:
    """The prompts of one side.

    Args:
        prompts: How many were read.
        different: How many of them are no copies of others, exact or near.
        compared: How many different ones were compared.
        lengths: Characters of the compared ones, without their system turns: the percentiles 0 to 100.
        languages: Code -> share of the compared ones, the largest first; `?` where there is too little to tell.
        words: Words that are typical of this side, the most telling first; each stands in at least 2 % of its prompts.
    """

    prompts: int
    different: int
    compared: int
    lengths: tuple[float, ...]
    languages: dict[str, float]
    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Match:
    """A training set beside production.

    Args:
        verdict: `differs` when any number does.
        overall: The accuracy of the classifier.
        measures: The differences one by one.
        training: The training set.
        production: What production asked.
        system_seen: Share of production's requests whose system turn, or lack of one, occurs in training.
        production_seen: Share of production's requests of which training has a copy, exact or near.
        training_seen: Share of the training prompts of which production's requests have a copy.
    """

    verdict: Verdict
    overall: Measure
    measures: tuple[Measure, ...]
    training: Side
    production: Side
    system_seen: float
    production_seen: float
    training_seen: float


@dataclass(frozen=True)
class _Features:
    """What is compared of one prompt."""

    length: int
    language: str
    system: str
    words: Counter[str]

    def tokens(self) -> set[Hashable]:
        """Return all that the classifier may go by."""
        about = {("length", self.length.bit_length()), ("language", self.language), ("system", self.system)}
        return about | set(self.words)


@dataclass(frozen=True)
class _Sample:
    """One side as it is compared.

    Args:
        systems: System turn of each prompt.
        kinds: A number that copies share, of each prompt.
        compared: Features of those different prompts that are compared.
    """

    systems: list[str]
    kinds: list[int]
    compared: list[_Features]

    @property
    def different(self) -> int:
        """How many prompts are no copies of others."""
        return len(set(self.kinds))


def match(
    training: Sequence[Row], production: Sequence[Row], *, tell: Callable[[str], None] = lambda words: None
) -> Match:
    """Compare a training set with production.

    Copies within a side count once for lengths, words, languages, system turns and the classifier, so that a set
    without duplicates can look like a production that repeats itself.

    Args:
        training: The training set's rows, at least one.
        production: Production's prompts as they were asked, the repeated ones repeated, at least one.
        tell: Told what is being done.
    """
    tell("looking for copies")
    kinds = _kinds([*training, *production])
    tell("reading words and languages")
    number = min(len(training), len(production), MOST_PROMPTS)
    train = _sample(training, kinds[: len(training)], number)
    asked = _sample(production, kinds[len(training) :], number)
    tell("shuffling")
    known = min(len(train.compared), len(asked.compared)) >= FEWEST_PROMPTS
    measures = (
        _length(train, asked, known),
        _vocabulary(train, asked, known),
        _language(train, asked, known),
        _system(train, asked, known),
        _copies(train, asked, known),
    )
    overall = _classifier(train, asked, known)
    found = {measure.verdict for measure in (*measures, overall)}
    return Match(
        verdict="differs" if "differs" in found else "same" if known else "unknown",
        overall=overall,
        measures=measures,
        training=_side(train, asked),
        production=_side(asked, train),
        system_seen=_seen(train.systems, asked.systems),
        production_seen=_seen(train.kinds, asked.kinds),
        training_seen=_seen(asked.kinds, train.kinds),
    )


def _length(train: _Sample, asked: _Sample, known: bool) -> Measure:
    """Compare lengths."""
    lengths = [features.length for features in (*train.compared, *asked.compared)]
    middle = len(train.compared)
    ours, theirs = (sorted(side)[len(side) // 2] for side in (lengths[:middle], lengths[middle:]))
    kind = "shorter" if ours < theirs else "longer" if ours > theirs else "spread differently"
    return _measure(
        "length",
        beside_noise(gap(lengths), middle, len(asked.compared)),
        known,
        f"training prompts are {kind}: half have at most {ours:,} characters, production's {theirs:,}; choose prompts "
        "by length with `rft dataset from-logs --stratify length`",
    )


def _vocabulary(train: _Sample, asked: _Sample, known: bool) -> Measure:
    """Compare words."""
    bags = [features.words for features in (*train.compared, *asked.compared)]
    return _measure(
        "vocabulary",
        beside_noise(divergence(bags), len(train.compared), len(asked.compared)),
        known,
        "the words differ, as when topics do: add prompts about what production asks, whose typical words are listed",
    )


def _language(train: _Sample, asked: _Sample, known: bool) -> Measure:
    """Compare languages."""
    languages = [features.language for features in (*train.compared, *asked.compared)]
    ours, theirs = (_few(_shares([features.language for features in side.compared])) for side in (train, asked))
    return _measure(
        "language",
        beside_noise(share_difference(languages), len(train.compared), len(asked.compared)),
        known,
        f"training is in {ours}, production in {theirs}: add prompts in the languages that are short",
    )


def _system(train: _Sample, asked: _Sample, known: bool) -> Measure:
    """Compare system turns."""
    systems = [features.system for features in (*train.compared, *asked.compared)]
    return _measure(
        "system prompts",
        beside_noise(share_difference(systems), len(train.compared), len(asked.compared)),
        known,
        f"{_seen(train.systems, asked.systems):.0%} of production's requests have a system prompt that training has; "
        "train with production's, in production's shares",
    )


def _copies(train: _Sample, asked: _Sample, known: bool) -> Measure:
    """Compare how much of production's requests a set of this size usually holds."""
    difference = unseen_share(train.kinds, asked.kinds)
    return _measure(
        "unseen prompts",
        difference,
        known,
        f"{difference.value:.0%} of production's requests have no near copy in training, where as many of production's "
        f"own prompts leave at most {difference.noise:.0%}: add the prompts that production repeats",
    )


def _classifier(train: _Sample, asked: _Sample, known: bool) -> Measure:
    """Compare all together."""
    difference = telling_apart(*([features.tokens() for features in side.compared] for side in (train, asked)))
    return _measure(
        "classifier",
        difference,
        known,
        f"a simple classifier tells training from production prompts in {difference.value:.0%} of cases",
    )


def _measure(name: str, difference: Difference, known: bool, words: str) -> Measure:
    """Return a measure with its verdict."""
    value, noise = round(difference.value, 6), round(difference.noise, 6)
    if not known:
        words = f"fewer than {FEWEST_PROMPTS} different prompts on one side: too little is known"
        return Measure(name=name, value=value, noise=noise, verdict="unknown", words=words)
    if value > noise and value >= SMALLEST:
        return Measure(name=name, value=value, noise=noise, verdict="differs", words=words)
    return Measure(name=name, value=value, noise=noise, verdict="same", words="no difference beyond chance")


def _kinds(rows: Sequence[Row]) -> list[int]:
    """Return for each row a number that its copies share, exact or near."""
    prompts = Prompts("")
    for place, row in enumerate(rows):
        prompts.see(place, row)
    first = prompts.first_alike()
    return [first.get(place, place) for place in range(len(rows))]


def _sample(rows: Sequence[Row], kinds: Sequence[int], number: int) -> _Sample:
    """Return one side, with the features of the different prompts among so many that are drawn of it.

    Both sides draw as many: how often a repeated prompt is among the different ones depends on how many were drawn.
    """
    drawn = sorted(np.random.default_rng(SEED).permutation(len(rows))[:number].tolist(), reverse=True)
    different = {kinds[place]: rows[place] for place in drawn}  # the first of each kind stays
    return _Sample([row.system() for row in rows], list(kinds), [_features(row) for row in different.values()])


def _features(row: Row) -> _Features:
    """Read one prompt."""
    turns = [turn.text() for turn in row.messages if turn.role not in ("system", "developer")]
    text = "\n".join(turns)
    words = Counter(_WORD.findall(_DIGITS.sub("0", text.casefold()))[:_MOST_WORDS])
    return _Features(len(text), language_of(text) or _NO_LANGUAGE, row.system().strip(), words)


def _side(side: _Sample, other: _Sample) -> Side:
    """Describe one side."""
    lengths = [features.length for features in side.compared]
    cuts = quantiles(lengths, n=100, method="inclusive") if len(lengths) > 1 else lengths * 99
    return Side(
        prompts=len(side.kinds),
        different=side.different,
        compared=len(side.compared),
        lengths=(min(lengths), *cuts, max(lengths)),
        languages=_shares([features.language for features in side.compared]),
        words=_typical_words(side.compared, other.compared),
    )


def _typical_words(side: Sequence[_Features], other: Sequence[_Features]) -> tuple[str, ...]:
    """Return the words that stand in many prompts of one side and in few of the other, by the difference of shares."""
    ones, others = (Counter(word for features in one for word in features.words) for one in (side, other))
    leads = {word: uses / len(side) - others[word] / len(other) for word, uses in ones.items()}
    told = [word for word, lead in leads.items() if lead >= _NAMED_SHARE]
    return tuple(sorted(told, key=lambda word: (-leads[word], word))[:_NAMED_WORDS])


def _shares(names: Sequence[str]) -> dict[str, float]:
    """Return the share of each name, the largest first."""
    return {name: uses / len(names) for name, uses in sorted(Counter(names).items(), key=lambda item: (-item[1], item))}


def _few(shares: dict[str, float]) -> str:
    """Return the largest shares in words."""
    told = [f"{name} {share:.0%}" for name, share in shares.items() if share >= _NAMED_SHARE]
    return ", ".join(told[:_NAMED_LANGUAGES]) or "many languages"


def _seen(known: Sequence[Hashable], asked: Sequence[Hashable]) -> float:
    """Return the share of what was asked that is known."""
    every = set(known)
    return sum(one in every for one in asked) / len(asked)

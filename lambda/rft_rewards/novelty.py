"""The `novelty` grader: how much a completion differs from the other completions of its prompt."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from rft_rewards.grade import BatchGrader, Grade, Score
from rft_rewards.options import check_share, check_whole
from rft_rewards.sample import Sample
from rft_rewards.spelling import folded
from rft_rewards.words import iterate_words

_MOST_MATES = 64
_MOST_CHARACTERS = 20_000


def novelty(*, n: int = 3, enough: float = 0.8, alone: float = 1.0) -> BatchGrader:
    """Return a grader that pays for not writing what the rollouts of the same prompt wrote.

    The novelty of a completion is the chance that one of its n-grams of words, drawn at random, is missing from one of
    its group mates, drawn at random: 1 - mean over its n-grams of (mates that have it / mates). It is 0 when all wrote
    the same, 1 when nothing is shared. The value is min(1, novelty / enough): beyond `enough` nothing is gained, so
    that gibberish is not worth more than another good text.

    Group mates are the samples of the same event with the same prompt. The mean does not depend on how many of them
    there are, so a group that is delivered in parts is graded alike, only with more noise. A completion without mates
    gets `alone`. Under group-relative advantages a constant for a whole group changes nothing, and whether mates are
    delivered together is not the completion's doing, so the constant can only add noise to a group of which some have
    mates and some have none. It is 1 by default because that is what mates that wrote something else are paid, and so
    that validation (one rollout a prompt) and a certificate (one gold at a time) do not read as a collapse. Where
    groups never arrive together, this grader has no effect.

    Refused, that is scored 0: a text without any word. Novelty says nothing about quality, so combine it with a judge
    and with `length`: text that is novel because it is random is paid fully here.

    Args:
        n: Length of the n-grams, 1 to 8; a text shorter than that is one n-gram.
        enough: Novelty that is paid fully, more than 0.
        alone: Value of a completion without group mates.

    Returns:
        A grader of whole events that needs no reference. It reads the first 20,000 characters of a completion, and
        splits more than 64 rollouts of one prompt into equal parts.

    Raises:
        ValueError: When an option has the wrong form.
    """
    check_whole("n", n, least=1, most=8)
    check_share("enough", enough)
    check_share("alone", alone)
    if not enough:
        raise ValueError(f"enough: got {enough!r}, wanted more than 0")
    return _Novelty(n, enough, alone)


class _Novelty:
    """See `novelty`."""

    def __init__(self, n: int, enough: float, alone: float) -> None:
        self._n = n
        self._enough = enough
        self._alone = alone

    def grade_all(self, samples: Sequence[Sample], /) -> list[Grade]:
        """Return a grade for each sample, in order."""
        grades: list[Grade] = [Score(0.0, "no words", {"mates": 0.0})] * len(samples)
        for group in _groups(samples):
            grams = {position: _grams(samples[position].completion, self._n) for position in group}
            written = [position for position in group if grams[position]]
            holders = Counter(gram for position in written for gram in grams[position])
            for position in written:
                grades[position] = self._grade(grams[position], holders, len(written) - 1)
        return grades

    def _grade(self, grams: set[tuple[str, ...]], holders: Counter[tuple[str, ...]], mates: int) -> Score:
        """Return one completion's grade, given how many completions of the group hold each n-gram."""
        if not mates:
            return Score(self._alone, "no group mates in this event", {"mates": 0.0})
        shared = sum(holders[gram] - 1 for gram in grams) / (len(grams) * mates)
        value = min(1.0, (1 - shared) / self._enough)
        return Score(
            value, f"{1 - shared:.0%} new beside {mates} mates", {"mates": float(mates), "novelty": 1 - shared}
        )


def _groups(samples: Sequence[Sample]) -> Iterator[list[int]]:
    """Yield the places of samples that share a prompt, at most 65 at a time."""
    places: dict[str, list[int]] = {}
    for position, sample in enumerate(samples):
        places.setdefault(_prompt(sample, position), []).append(position)
    for group in places.values():
        parts = math.ceil(len(group) / (_MOST_MATES + 1))
        yield from (group[part::parts] for part in range(parts))


def _prompt(sample: Sample, position: int) -> str:
    """Return a key of a sample's prompt; one that cannot be written down is shared with nobody."""
    try:
        return json.dumps(list(sample.prompt), sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        return f"sample {position}"


def _grams(text: str, n: int) -> set[tuple[str, ...]]:
    """Return the different n-grams of a text; one that is shorter than n words is a single one."""
    row = list(iterate_words(folded(text[:_MOST_CHARACTERS])))
    grams = set(zip(*(islice(row, start, None) for start in range(n)), strict=False))
    return grams or ({tuple(row)} if row else set())

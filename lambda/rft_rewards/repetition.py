"""The `repetition` grader: whether a completion says the same again and again."""

import re

from rft_rewards.grade import Grade, Grader, Score
from rft_rewards.options import check_share, check_whole
from rft_rewards.sample import Sample
from rft_rewards.spelling import folded
from rft_rewards.words import has_words

_PIECE = re.compile(r"\w{1,16}|([^\w\s])\1{0,15}")


def repetition(*, n: int = 4, free: float = 0.1, zero_at: float = 0.5) -> Grader:
    """Return a grader that pays less the more of a completion's n-grams are repeats.

    With r = 1 - (different n-grams / all n-grams), the value is min(1, max(0, (zero_at - r) / (zero_at - free))). 1 - r
    is distinct-n (Li et al. 2016, https://arxiv.org/abs/1510.03055). A text that consists of one passage k times has an
    r near 1 - 1/k; English prose of 70 to 5,700 words measured 0 to 0.1.

    The n-grams are of words and punctuation, in lower case. A word longer than 16 characters is cut into pieces, so
    that `hahahaha...` is a repeat as well; so is a long row of one sign, but not a short one such as `...` or `-----`.

    Refused, that is scored 0: a text without any word, and one of which a share of `zero_at` or more is repeats. A text
    with fewer than n + 1 words and signs cannot repeat itself. Repeats with small changes (a counter, a synonym) escape
    where no n-gram is the same. Tables, code and lists repeat themselves by nature: raise `free` for them.

    Args:
        n: Length of the n-grams, 1 to 16. Larger ones let common phrases recur.
        free: Share of repeats that costs nothing.
        zero_at: Share of repeats from which on nothing is paid; above `free`.

    Returns:
        A grader that needs no reference.

    Raises:
        ValueError: When an option has the wrong form.
    """
    check_whole("n", n, least=1, most=16)
    check_share("free", free)
    check_share("zero_at", zero_at)
    if zero_at <= free:
        raise ValueError(f"zero_at: got {zero_at!r}, wanted more than free, {free!r}")

    def grade(sample: Sample) -> Grade:
        if not has_words(sample.completion):
            return Score(0.0, "no words", {"repeated": 1.0})
        repeated = _repeated(folded(sample.completion), n)
        value = min(1.0, max(0.0, (zero_at - repeated) / (zero_at - free)))
        return Score(value, f"{repeated:.0%} of the {n}-grams are repeats", {"repeated": repeated})

    return grade


def _repeated(text: str, n: int) -> float:
    """Return the share of a text's n-grams that occurred before."""
    pieces = [match[0] for match in _PIECE.finditer(text)]
    total = len(pieces) - n + 1
    if total < 1:
        return 0.0
    numbers: dict[str, int] = {}
    row = [numbers.setdefault(piece, len(numbers)) for piece in pieces]
    return 1 - len(set(zip(*(row[start:] for start in range(n)), strict=False))) / total

"""A closed set of labels, and which of them a text names."""

import re
from collections.abc import Sequence

from rft_rewards.options import check_flag
from rft_rewards.spelling import folded

_GAP = re.compile(r"[\s_\-]+")
_WORD = re.compile(r"[^\W_]+")
_NEGATION = re.compile(
    r"(?:(?<!\w)(?:not|cannot|no|never|non|nor|neither)|n['’]t)(?: (?:a|an|the|any|be|really))? $", re.IGNORECASE
)
_LONGEST_NEGATION = 20


class LabelSet:
    """The labels that a text may name.

    A label is named where it stands as whole words; spaces, dashes and underscores are alike, and a longer label hides
    a shorter one inside it (`account access` does not name `account`).

    Args:
        labels: At least two texts with a letter or digit in each, all different.
        case_sensitive: Whether `Billing` is another word than `billing`.

    Raises:
        ValueError: When they are not that.
    """

    def __init__(self, labels: Sequence[str], *, case_sensitive: bool) -> None:
        if (
            not isinstance(labels, (list, tuple))
            or len(labels) < 2
            or not all(isinstance(name, str) and _WORD.search(name) for name in labels)
        ):
            raise ValueError(f"labels: got {labels!r}, wanted a list of at least two texts")
        check_flag("case_sensitive", case_sensitive)
        self._case_sensitive = case_sensitive
        self._known = frozenset(map(self.spell, labels))
        if len(self._known) < len(labels):
            raise ValueError(f"labels: got {labels!r}, two of them are the same word")
        longest_first = sorted(self._known, key=len, reverse=True)
        self._named = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")

    def __contains__(self, spelled: object) -> bool:
        """Whether a text, spelled by `spell`, is a label."""
        return spelled in self._known

    def spell(self, text: str) -> str:
        """Return the one spelling of texts that differ only in what labels do not."""
        return _GAP.sub(" ", folded(text, case_sensitive=self._case_sensitive)).strip()

    def named_in(self, text: str) -> frozenset[str]:
        """Return the labels, spelled, that a text names; in time linear in its length."""
        return frozenset(self._named.findall(self.spell(text)))

    def is_negated_in(self, text: str) -> bool:
        """Whether an English negation stands right before a label that a text names: `not billing`, `isn't a scam`."""
        spelled = self.spell(text)
        starts = (match.start() for match in self._named.finditer(spelled))
        return any(_NEGATION.search(spelled, max(0, start - _LONGEST_NEGATION), start) for start in starts)

    def words_beside(self, text: str) -> int:
        """Return how many words of a text belong to no label."""
        return count_words(self._named.sub(" ", self.spell(text)))


def count_words(text: str) -> int:
    """Return how many words a text has."""
    return len(_WORD.findall(text))

"""The `label` grader: classification, routing and moderation into a closed set."""

import re
import unicodedata
from collections.abc import Sequence

from rft_contract.json_value import JsonValue
from rft_rewards.grade import Grade, Grader, Invalid, Score
from rft_rewards.sample import Sample

_REFERENCE_KEYS = ("label", "answer", "text")
_GAP = re.compile(r"[\s_\-‐‑–]+")
_WORD = re.compile(r"[^\W_]+")


def label(*, labels: Sequence[str], case_sensitive: bool = False, max_words: int | None = 16) -> Grader:
    """Return a grader that asks which one label of a closed set a completion names.

    A label counts where it stands as whole words; spaces, dashes and underscores are alike, and a longer label hides a
    shorter one inside it (`account access` does not name `account`). Naming the same label twice is fine.

    Refused, that is scored 0: no label; two different labels (`billing or delivery`); another label than the
    reference's; part of a word (`billings`); more than `max_words` words, since a long text that happens to use a
    label's word is no answer to a closed question, and copying the prompt would otherwise pay by chance. A negation is
    not understood: `not billing` names billing.

    Args:
        labels: The set, at least two, all different.
        case_sensitive: Whether `Billing` is another word than `billing`.
        max_words: Longest completion that is read as an answer, in words. None: any length, for completions that reason
            aloud before they answer.

    Returns:
        A grader for references that are a label, or an object with one under `label`, `answer` or `text`. Whole numbers
        stand for their digits. Anything else, and a label outside the set, is invalid.

    Raises:
        ValueError: When an option has the wrong form.
    """
    if (
        not isinstance(labels, (list, tuple))
        or len(labels) < 2
        or not all(isinstance(name, str) and _WORD.search(name) for name in labels)
    ):
        raise ValueError(f"labels: got {labels!r}, wanted a list of at least two texts")
    if not isinstance(case_sensitive, bool):
        raise ValueError(f"case_sensitive: got {case_sensitive!r}, wanted true or false")
    if max_words is not None and (isinstance(max_words, bool) or not isinstance(max_words, int) or max_words < 1):
        raise ValueError(f"max_words: got {max_words!r}, wanted a whole number from 1, or null")

    def spell(text: str) -> str:
        plain = _GAP.sub(" ", unicodedata.normalize("NFKC", text)).strip()
        return plain if case_sensitive else plain.casefold()

    known = {spell(name) for name in labels}
    if len(known) < len(labels):
        raise ValueError(f"labels: got {labels!r}, two of them are the same word")
    longest_first = sorted(known, key=len, reverse=True)
    named_label = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")

    def grade(sample: Sample) -> Grade:
        reference = sample.reference
        if reference is None:
            return Invalid("reference-missing")
        gold = _gold(reference)
        if gold is None or spell(gold) not in known:
            return Invalid("reference-not-a-label")
        text = spell(sample.completion)
        named = set(named_label.findall(text))
        components = {"named": float(len(named) == 1)}
        if len(named) != 1:
            return Score(0.0, "two different labels" if named else "no label", components)
        if max_words is not None and len(_WORD.findall(text)) > max_words:
            return Score(0.0, f"more than {max_words} words", components)
        if named == {spell(gold)}:
            return Score(1.0, "the reference's label", components)
        return Score(0.0, "another label", components)

    return grade


def _gold(reference: JsonValue) -> str | None:
    """Return the reference's label, or None when it has none."""
    if isinstance(reference, dict):
        reference = next((reference[key] for key in _REFERENCE_KEYS if key in reference), None)
    if isinstance(reference, int) and not isinstance(reference, bool):
        return str(reference) if abs(reference) < 10**18 else None
    return reference if isinstance(reference, str) else None

"""How near one JSON value is to another, 0 to 1."""

from collections import Counter
from collections.abc import Callable, Hashable
from typing import TypeAlias

from rft_rewards.json_text import ExactObject, ExactValue
from rft_rewards.options import check_choice
from rft_rewards.spelling import folded

Comparison: TypeAlias = Callable[[ExactValue, ExactValue], float]
"""Scores an answer's value (second) against the reference's (first)."""


def comparison(*, lists: str, strings: str, extra: str) -> Comparison:
    """Return a comparison of JSON values.

    An object is worth the mean of its fields, a list the share of its items. Numbers compare by value (`12`, `12.0`
    and `1.2e1`), and only with numbers: `"12"` is another value, and so are `1` and `true`.

    Args:
        lists: `sequence`: items must be in their places. `set`: in any order, each as often as in the reference; an
            item counts when it equals one of the reference's entirely, unknown fields included.
        strings: `loose`: alike when `rft_rewards.spelling.folded` is (case, space, compatibility forms). `exact`.
        extra: `penalty`: a field that the reference does not know counts as one more field, scored 0. `ignore`.

    Returns:
        The comparison; its work is linear in both values together, and it recurses as deep as they do.

    Raises:
        ValueError: When an option is not one of its two words.
    """
    check_choice("lists", lists, ("sequence", "set"))
    check_choice("strings", strings, ("loose", "exact"))
    check_choice("extra", extra, ("penalty", "ignore"))
    spell = folded if strings == "loose" else str
    penalize = extra == "penalty"

    def compare(gold: ExactValue, answer: ExactValue) -> float:
        if isinstance(gold, dict):
            return mapping(gold, answer) if isinstance(answer, dict) else 0.0
        if isinstance(gold, list):
            return items(gold, answer) if isinstance(answer, list) else 0.0
        return float(_key(gold, spell) == _key(answer, spell)) if not isinstance(answer, (dict, list)) else 0.0

    def mapping(gold: ExactObject, answer: ExactObject) -> float:
        unknown = sum(name not in gold for name in answer) if penalize else 0
        if not gold:
            return float(unknown == 0)
        known = sum(compare(value, answer[name]) for name, value in gold.items() if name in answer)
        return known / (len(gold) + unknown)

    def items(gold: list[ExactValue], answer: list[ExactValue]) -> float:
        longest = max(len(gold), len(answer))
        if longest == 0:
            return 1.0
        if lists == "sequence":
            return sum(map(compare, gold, answer)) / longest
        common = Counter(_key(item, spell) for item in gold) & Counter(_key(item, spell) for item in answer)
        return common.total() / longest

    return compare


def _key(value: ExactValue, spell: Callable[[str], str]) -> Hashable:
    """Return what equal values share: numbers by value, apart from booleans; lists in any order."""
    if isinstance(value, dict):
        return frozenset((name, _key(child, spell)) for name, child in value.items())
    if isinstance(value, list):
        return "list", frozenset(Counter(_key(item, spell) for item in value).items())
    if isinstance(value, str):
        return "text", spell(value)
    if value is None or isinstance(value, bool):
        return "word", value
    return "number", value

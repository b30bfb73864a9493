"""The `json_fields` grader: structured extraction with partial credit."""

import unicodedata
from collections.abc import Callable, Sequence
from fractions import Fraction

from rft_contract.json_value import JsonValue
from rft_rewards.grade import Grade, Grader, Invalid, Score
from rft_rewards.json_text import ExactObject, ExactValue, UnreadableJson, exact, read_object
from rft_rewards.sample import Sample

_MOST_FIELDS = 14


def json_fields(
    *, fields: Sequence[str] | None = None, lists: str = "sequence", strings: str = "loose", extra: str = "penalty"
) -> Grader:
    """Return a grader that compares a completion's JSON object with the reference's, field by field.

    Every top-level field weighs the same; a nested object is worth the mean of its fields, a list the share of its
    items that match. Numbers compare by value (`12`, `12.0` and `1.2e1`), and only with numbers: `"12"` is another
    value. A field that the reference does not know counts as one more field, scored 0, so that guessing many fields
    never pays.

    Refused, that is scored 0 as a whole: no JSON object; two different ones; broken JSON; a duplicate key; NaN or an
    infinity; nesting deeper than 32; numbers beyond 200 digits.

    Args:
        fields: Top-level fields that count, at most 14; each becomes a component. None: all of the reference's.
        lists: `sequence`: items must be in their places. `set`: in any order, each as often as in the reference, items
            matching entirely or not at all.
        strings: `loose`: case, surrounding and repeated space, and Unicode compatibility forms are ignored. `exact`.
        extra: `penalty` or `ignore`: what unknown fields cost.

    Returns:
        A grader for references that are a JSON object, or a text that is one. Anything else is invalid, and so is a
        reference without one of `fields`.

    Raises:
        ValueError: When an option has the wrong form.
    """
    if fields is not None and (
        not isinstance(fields, (list, tuple))
        or not 1 <= len(set(map(str, fields))) == len(fields) <= _MOST_FIELDS
        or not all(isinstance(name, str) and name for name in fields)
    ):
        raise ValueError(f"fields: got {fields!r}, wanted 1 to {_MOST_FIELDS} different names, or null")
    _choice("lists", lists, ("sequence", "set"))
    _choice("strings", strings, ("loose", "exact"))
    _choice("extra", extra, ("penalty", "ignore"))
    compare = _comparison(lists == "set", _loose if strings == "loose" else str, extra == "penalty")

    def grade(sample: Sample) -> Grade:
        reference = sample.reference
        if reference is None:
            return Invalid("reference-missing")
        gold = _gold(reference)
        if not gold:
            return Invalid("reference-not-an-object")
        names = list(gold) if fields is None else list(fields)
        if any(name not in gold for name in names):
            return Invalid("reference-lacks-a-field")
        try:
            answer = read_object(sample.completion)
        except UnreadableJson as error:
            return Score(0.0, f"unreadable answer: {error}", {"readable": 0.0})
        values = {name: compare(gold[name], answer[name]) if name in answer else 0.0 for name in names}
        unknown = sum(name not in gold for name in answer) if extra == "penalty" else 0
        components = {"readable": 1.0, "unknown_fields": float(unknown)}
        if fields is not None:
            components |= values
        value = sum(values.values()) / (len(names) + unknown)
        return Score(value, f"{sum(score == 1 for score in values.values())} of {len(names)} fields", components)

    return grade


def _choice(option: str, value: object, allowed: tuple[str, str]) -> None:
    """Refuse a value that is not one of two words."""
    if value not in allowed:
        raise ValueError(f"{option}: got {value!r}, wanted {' or '.join(allowed)}")


def _gold(reference: JsonValue) -> ExactObject | None:
    """Return the reference's object, or None when it has none."""
    try:
        if isinstance(reference, str):
            return read_object(reference)
        gold = exact(reference)
    except UnreadableJson:
        return None
    return gold if isinstance(gold, dict) else None


def _loose(text: str) -> str:
    """Spell equal texts alike, whatever their case and space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


_Comparison = Callable[[ExactValue, ExactValue], float]


def _comparison(unordered: bool, spell: Callable[[str], str], penalize: bool) -> _Comparison:
    """Return the function that scores an answer's value against the gold's, 0 to 1. It recurses as deep as the gold."""

    def compare(gold: ExactValue, answer: ExactValue) -> float:
        if isinstance(gold, dict):
            return mapping(gold, answer) if isinstance(answer, dict) else 0.0
        if isinstance(gold, list):
            return sequence(gold, answer) if isinstance(answer, list) else 0.0
        if isinstance(gold, str):
            return float(isinstance(answer, str) and spell(gold) == spell(answer))
        if gold is None or isinstance(gold, bool) or isinstance(answer, bool):
            return float(gold is answer)
        return float(isinstance(answer, (int, Fraction)) and gold == answer)

    def mapping(gold: ExactObject, answer: ExactObject) -> float:
        unknown = sum(name not in gold for name in answer) if penalize else 0
        if not gold:
            return float(unknown == 0)
        known = sum(compare(value, answer[name]) for name, value in gold.items() if name in answer)
        return known / (len(gold) + unknown)

    def sequence(gold: list[ExactValue], answer: list[ExactValue]) -> float:
        longest = max(len(gold), len(answer))
        if longest == 0:
            return 1.0
        if not unordered:
            return sum(map(compare, gold, answer)) / longest
        left = answer[: 2 * len(gold)]  # work stays bounded by the gold; so long an answer is half wrong anyway
        matched = 0
        for value in gold:
            place = next((place for place, other in enumerate(left) if compare(value, other) == 1), None)
            if place is not None:
                del left[place]
                matched += 1
        return matched / longest

    return compare

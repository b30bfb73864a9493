"""The `json_fields` grader: structured extraction with partial credit."""

from collections.abc import Mapping, Sequence

from rft_contract.json_value import JsonValue
from rft_rewards.grade import Grade, Grader, Invalid, Score
from rft_rewards.json_comparison import comparison
from rft_rewards.json_text import ExactObject, UnreadableJson, exact, read_object
from rft_rewards.sample import Sample

_MOST_FIELDS = 14
_LARGEST_WEIGHT = 1_000_000


def json_fields(
    *,
    fields: Sequence[str] | Mapping[str, float] | None = None,
    lists: str = "sequence",
    strings: str = "loose",
    extra: str = "penalty",
) -> Grader:
    """Return a grader that compares a completion's JSON object with the reference's, field by field.

    Every top-level field weighs the same unless `fields` says otherwise; what a field is worth, and what the last three
    options mean inside it, is said in `rft_rewards.json_comparison`. A field that the reference does not know counts
    as one more field of mean weight, scored 0, so that guessing many fields never pays. A missing field is not `null`.

    Refused, that is scored 0 as a whole: no JSON object, an array instead of one, two different ones, broken JSON or
    text after it in its fence, a duplicate key, NaN or an infinity, nesting deeper than 32, numbers beyond 200 digits.

    Args:
        fields: Top-level fields that count, at most 14, each of which becomes a component; with weights when a mapping.
            None: all of the reference's.
        lists: `sequence` or `set`.
        strings: `loose` or `exact`.
        extra: `penalty` or `ignore`: what unknown fields cost.

    Returns:
        A grader for references that are a JSON object, or a text that is one. Anything else is invalid, and so is a
        reference without one of `fields`.

    Raises:
        ValueError: When an option has the wrong form.
    """
    weights = _weights(fields)
    compare = comparison(lists=lists, strings=strings, extra=extra)

    def grade(sample: Sample) -> Grade:
        if sample.reference is None:
            return Invalid("reference-missing")
        gold = _gold(sample.reference)
        if not gold:
            return Invalid("reference-not-an-object")
        shares = weights or dict.fromkeys(gold, 1.0)
        if any(name not in gold for name in shares):
            return Invalid("reference-lacks-a-field")
        try:
            answer = read_object(sample.completion)
        except UnreadableJson as error:
            return Score(0.0, f"unreadable answer: {error}", {"readable": 0.0})
        values = {name: compare(gold[name], answer[name]) if name in answer else 0.0 for name in shares}
        unknown = sum(name not in gold for name in answer) if extra == "penalty" else 0
        total = sum(shares.values())
        value = sum(shares[name] * values[name] for name in shares) / (total + unknown * total / len(shares))
        components = {"readable": 1.0, "unknown_fields": float(unknown)}
        if weights:
            components |= values
        return Score(value, f"{sum(one == 1 for one in values.values())} of {len(values)} fields", components)

    return grade


def _weights(fields: object) -> dict[str, float] | None:
    """Return field -> weight, or None when all fields of the reference count."""
    if fields is None:
        return None
    pairs = list(fields.items()) if isinstance(fields, Mapping) else None
    if pairs is None and isinstance(fields, (list, tuple)):
        pairs = [(name, 1.0) for name in fields]
    if (
        not pairs
        or len({str(name) for name, _ in pairs}) < len(pairs)
        or len(pairs) > _MOST_FIELDS
        or not all(isinstance(name, str) and name for name, _ in pairs)
        or not all(_is_weight(weight) for _, weight in pairs)
    ):
        wanted = f"1 to {_MOST_FIELDS} different names, with or without weights (to {_LARGEST_WEIGHT:,}), or null"
        raise ValueError(f"fields: got {fields!r}, wanted {wanted}")
    return {name: float(weight) for name, weight in pairs}


def _is_weight(value: object) -> bool:
    """Whether a value is a positive number of a size that sums stay exact enough with."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= _LARGEST_WEIGHT


def _gold(reference: JsonValue) -> ExactObject | None:
    """Return the reference's object, or None when it has none."""
    try:
        if isinstance(reference, str):
            return read_object(reference)
        gold = exact(reference)
    except UnreadableJson:
        return None
    return gold if isinstance(gold, dict) else None

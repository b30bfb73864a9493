"""The `math` grader: numeric final answers, as in GSM8K."""

import functools
import math as numbers

from rft_contract.json_value import JsonValue
from rft_rewards.final_answer import UnreadableAnswer, read_final_answer
from rft_rewards.grade import Grade, Grader, Invalid, Score
from rft_rewards.quantity import Quantity, UnreadableNumber, read_quantity
from rft_rewards.sample import Sample

_REFERENCE_KEYS = ("final_answer", "answer", "text")


def math(*, marker: str | None = None, accounting: bool = False) -> Grader:
    """Return a grader that compares a completion's final number with the reference's, exactly.

    The number is read by `rft_rewards.final_answer` without looking at the reference, and compared as a fraction:
    `990`, `$990.00`, `990 dollars`, `9.9e2` and `1980/2` are equal, `0.333` and `1/3` are not.

    Refused, that is scored 0: no marked answer; two different values behind the deciding kind of marker (`5 or 10`); a
    value that is only near; a rescaled one (980 or 98 % for 9.8, 0.5 for 50 %); unevaluated expressions (`3*4`);
    decimal commas and `1.234` for 1234; scale words (`5 million`, `5k`); number words (`five`); a known unit other than
    the gold's; division by zero; exponents beyond 100. Units are never converted, and ignored when the reference has
    none.

    Args:
        marker: The text that the prompt asks for before the answer, such as `ANSWER:`; the strongest marker of all.
        accounting: Whether `(5)` means -5.

    Returns:
        A grader for references that are a number, a text with one (a bare number, or a solution ending `#### 72`), or
        an object with such a value under `final_answer`, `answer` or `text`. Anything else is invalid.

    Raises:
        ValueError: When an option has the wrong type.
    """
    if marker is not None and (not isinstance(marker, str) or not marker.strip()):
        raise ValueError(f"marker: got {marker!r}, wanted a text")
    if not isinstance(accounting, bool):
        raise ValueError(f"accounting: got {accounting!r}, wanted true or false")

    def grade(sample: Sample) -> Grade:
        reference = sample.reference
        if reference is None:
            return Invalid("reference-missing")
        gold = _gold(reference, marker, accounting)
        if gold is None:
            return Invalid("reference-not-a-number")
        try:
            answer = read_final_answer(sample.completion, marker=marker, accounting=accounting)
        except UnreadableAnswer as error:
            return Score(0.0, f"unreadable answer: {error}", {"answered": 0.0})
        if answer is None:
            return Score(0.0, "no final answer", {"answered": 0.0})
        if answer.matches(gold):
            return Score(1.0, "the reference's value", {"answered": 1.0})
        return Score(0.0, "another value or unit", {"answered": 1.0})

    return grade


def _gold(reference: JsonValue, marker: str | None, accounting: bool) -> Quantity | None:
    """Return the reference's quantity, or None when it has none."""
    if isinstance(reference, dict):
        value = next((reference[key] for key in _REFERENCE_KEYS if key in reference), None)
        return None if isinstance(value, dict) else _gold(value, marker, accounting)
    if isinstance(reference, bool):
        return None
    if isinstance(reference, (int, float)):
        if isinstance(reference, float) and not numbers.isfinite(reference):
            return None
        reference = repr(reference) if isinstance(reference, float) or abs(reference) < 10**100 else ""
    return _gold_text(reference, marker, accounting) if isinstance(reference, str) else None


@functools.lru_cache(maxsize=1024)  # the rollouts of a prompt share their reference
def _gold_text(reference: str, marker: str | None, accounting: bool) -> Quantity | None:
    """Return the quantity that a text states: as a solution's final answer, else at its head."""
    try:
        marked = read_final_answer(reference, marker=marker, accounting=accounting)
        return marked or read_quantity(reference, accounting=accounting)
    except (UnreadableAnswer, UnreadableNumber):
        return None

"""The `numeric` grader: numbers within a declared tolerance, as in financial question answering."""

import math
from dataclasses import dataclass
from fractions import Fraction

from rft_rewards.final_answer import UnreadableAnswer, check_marker, read_final_answer, reference_reader
from rft_rewards.grade import Grade, Grader, Invalid, Score
from rft_rewards.notation import Notation
from rft_rewards.options import check_choice, check_whole
from rft_rewards.quantity import Quantity
from rft_rewards.sample import Sample
from rft_rewards.unit import scale_factor

_SCALES = ("one", "thousand", "million", "billion", "trillion")
_MOST_PLACES = 30


def numeric(
    *,
    places: int | None = None,
    rel: float | None = None,
    abs: float | None = None,
    sign: str = "strict",
    scale: str | None = None,
    percent: str = "unit",
    marker: str | None = None,
    separators: str = "english",
    accounting: bool = False,
) -> Grader:
    """Return a grader that compares a completion's final number with the reference's, within a declared tolerance.

    The number is read as `math` reads it: one reading, chosen without looking at the reference. It is right when its
    distance from the reference is at most one of the declared tolerances. All of it is computed on fractions, so that
    the ends of the tolerance are exact.

    Refused, that is scored 0: all that `math` refuses, save what an option allows; a value outside the tolerance,
    however near (10.6 for 9.8 with `rel=0.01`); a rescaled value (980 or 0.098 for 9.8: no factor is ever tried);
    anything but 0 for a reference of 0 when only `rel` is declared; the right size with the wrong sign; a number in a
    sentence that marks no answer (neither the first amount nor the last number counts); two different values, even when
    both lie within the tolerance; a range (`2.5-3`). There is no partial credit for a near miss.

    Args:
        places: Right when equal to this many decimal places: at most half a unit of the last place away. May be
            negative: -3 is to the thousand.
        rel: Largest distance as a share of the reference's size, from 0 to below 1, such as 0.01 for 1 %.
        abs: Largest distance, from 0.
        sign: `strict`: an answer of the opposite sign is wrong even within the tolerance. `ignore`: sizes are compared,
            for data whose references disagree about the sign of a decrease.
        scale: How scale words are read. None: they are unreadable. `one`: `5 million` is 5,000,000. `thousand`,
            `million`, `billion`, `trillion`: numbers without a scale word, the reference's too, count in that scale, so
            that `5` and `5 million` are equal under `million`, and 5,000,000 is a million times too much.
        percent: `unit`: 50 % is 50. `ratio`: 50 % is 0.5, in completions and references alike.
        marker: The text that the prompt asks for before the answer, such as `ANSWER:`; the strongest marker of all.
        separators: As in `math`.
        accounting: Whether `(5)` means -5.

    Returns:
        A grader for the references of `math`. The component `exact` says whether the value needed no tolerance.

    Raises:
        ValueError: When an option has another value, or no tolerance is declared; `abs` of 0 declares that there is
            none.
    """
    check_marker(marker)
    tolerance = _Tolerance.of(places, rel, abs)
    check_choice("sign", sign, ("strict", "ignore"))
    check_choice("percent", percent, ("unit", "ratio"))
    if scale is not None:
        check_choice("scale", scale, _SCALES)
    notation = Notation(separators=separators, accounting=accounting, scale_words=scale is not None)
    convention = _Convention(
        counted_in=scale_factor(scale or "one", letters=False) or 1,
        percent_is_ratio=percent == "ratio",
        sign_counts=sign == "strict",
    )
    read_reference = reference_reader(marker=marker, notation=notation)

    def grade(sample: Sample) -> Grade:
        if sample.reference is None:
            return Invalid("reference-missing")
        reference = read_reference(sample.reference)
        if reference is None:
            return Invalid("reference-not-a-number")
        try:
            stated = read_final_answer(sample.completion, marker=marker, notation=notation)
        except UnreadableAnswer as error:
            return Score(0.0, f"unreadable answer: {error}", {"answered": 0.0, "exact": 0.0})
        if stated is None:
            return Score(0.0, "no final answer", {"answered": 0.0, "exact": 0.0})
        answer, gold = convention.applied(stated), convention.applied(reference)
        components = {"answered": 1.0, "exact": float(answer.matches(gold))}
        if not answer.has_unit_of(gold):
            return Score(0.0, "another unit", components)
        if answer.value * gold.value < 0:
            return Score(0.0, "the opposite sign", components)
        if not tolerance.allows(answer.value, gold.value):
            return Score(0.0, "outside the tolerance", components)
        return Score(1.0, "within the tolerance", components)

    return grade


@dataclass(frozen=True, slots=True)
class _Convention:
    """What numbers mean in a dataset.

    Args:
        counted_in: What numbers without a scale word count.
        percent_is_ratio: Whether 50 % is 0.5.
        sign_counts: Whether a number's sign does.
    """

    counted_in: int
    percent_is_ratio: bool
    sign_counts: bool

    def applied(self, quantity: Quantity) -> Quantity:
        """Return what a stated quantity means."""
        value, unit = quantity.value, quantity.unit
        if quantity.scaled:
            value /= self.counted_in
        if self.percent_is_ratio and unit == "percent":
            value, unit = value / 100, None
        return Quantity(value if self.sign_counts else abs(value), unit)


@dataclass(frozen=True, slots=True)
class _Tolerance:
    """How far an answer may be from the gold.

    Args:
        distance: In the gold's own unit.
        share: Of the gold's size.
    """

    distance: Fraction
    share: Fraction

    @classmethod
    def of(cls, places: int | None, rel: float | None, absolute: float | None) -> "_Tolerance":
        """Return the tolerance that the options declare.

        Raises:
            ValueError: When there is none, or an option is out of range.
        """
        if places is None and rel is None and absolute is None:
            raise ValueError("places, rel, abs: got none of them, wanted a tolerance (abs of 0 for none)")
        check_whole("places", places, least=-_MOST_PLACES, most=_MOST_PLACES, null=True)
        half_place = Fraction(0) if places is None else Fraction(10) ** -places / 2
        share = _non_negative("rel", rel)
        if share >= 1:
            raise ValueError(f"rel: got {rel!r}, wanted a number from 0 to below 1")
        return cls(max(half_place, _non_negative("abs", absolute)), share)

    def allows(self, answer: Fraction, gold: Fraction) -> bool:
        """Whether an answer is near enough."""
        return abs(answer - gold) <= max(self.distance, self.share * abs(gold))


def _non_negative(option: str, value: float | None) -> Fraction:
    """Return an option's exact value as it is written in decimals; None is 0.

    Raises:
        ValueError: When it is no number from 0.
    """
    if value is None:
        return Fraction(0)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{option}: got {value!r}, wanted a number from 0")
    return Fraction(repr(value))

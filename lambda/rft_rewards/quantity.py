"""A quantity: an exact number with an optional unit, as people and language models write it.

English notation: `,` groups thousands and `.` starts decimals, so `1.234` is never 1234 and `1,5` is no number. Values
are fractions, never floats. The Unicode and TeX spellings of a number are read like its plain one.
"""

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

LONGEST = 200
"""Characters of a text that are looked at; an answer is at its head."""

_LARGEST_EXPONENT = 100

_UNITS = {
    name: unit
    for unit, names in {
        "dollar": "$ us$ usd dollar",
        "euro": "€ eur euro",
        "pound sterling": "£ gbp",
        "yen": "¥ jpy yen",
        "rupee": "₹ inr rs rupee",
        "cent": "¢ cent",
        "percent": "% percent",
        "second": "sec second",
        "minute": "min minute",
        "hour": "h hr hour",
        "day": "day",
        "week": "week",
        "month": "month",
        "year": "yr year",
        "millimetre": "mm millimeter millimetre",
        "centimetre": "cm centimeter centimetre",
        "metre": "m meter metre",
        "kilometre": "km kilometer kilometre",
        "inch": "inch inche",
        "foot": "ft foot feet",
        "yard": "yd yard",
        "mile": "mi mile",
        "gram": "g gram",
        "kilogram": "kg kilogram",
        "ounce": "oz ounce",
        "pound": "lb pound",
        "millilitre": "ml milliliter millilitre",
        "litre": "l liter litre",
        "gallon": "gal gallon",
    }.items()
    for name in names.split()
}

_KNOWN_UNITS = frozenset(_UNITS.values())

_SCALES = frozenset(("hundred", "thousand", "million", "billion", "trillion", "dozen", "k", "mn", "mln", "bn"))

_MINUS = dict.fromkeys(map(ord, "−‐‑‒–—﹣－"), "-")
_SEPARATORS = {ord("٫"): ".", ord("٬"): ",", ord("⁄"): "/", ord("∕"): "/", ord("·"): "×", ord("⋅"): "×"}
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")

_TEX = (
    (re.compile(r"\\[dt]?frac\s*(\d)\s*(\d)"), r" \1/\2"),
    (re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), r" \1/\2"),
    (re.compile(r"\\(?:text|textbf|textrm|mathrm|mathbf|mbox|operatorname)\s*\{([^{}]*)\}"), r" \1 "),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"(?<=\d)\\[,;: !](?=\d{3})"), ","),
    (re.compile(r"\\(?:times|cdot)\b"), "×"),
    (re.compile(r"\\(?:left|right|displaystyle|approx|quad|qquad|[,;:!()\[\] ])"), " "),
    (re.compile(r"\\([$%#&_{}])"), r"\1"),
    (re.compile(r"\^\{([^{}]*)\}"), r"^\1"),
    (re.compile(r"\$([^$]*)\$"), r"\1"),
)

_LEAD = re.compile(
    r"""(?: [\s*_~"'“”‘’:=>({\[≈,→⇒] | ->
          | (?: the | final | answer | result | is | are | was | equals? | approximately | about | around | exactly
              | only | just | therefore | thus | so | then | that | to | a | an | total | of ) \b
          | (?: [a-z]\w{0,15} \s* = )
        ){0,40}""",
    re.VERBOSE | re.IGNORECASE,
)

_CURRENCY = r"(?: us\$ | usd\b | eur\b | gbp\b | inr\b | rs\.? (?=\s*\d) | [$€£¥₹¢] )"

_NUMBER = re.compile(
    rf"""(?P<before>[-+])? \s? (?P<currency>{_CURRENCY})? \s? (?P<sign>[-+])? \s?
        (?: (?P<mixed>\d+) [ ]{{1,3}} (?P<part>\d+) \s? / \s? (?P<parts>\d+)
          | (?P<numerator>\d+) \s? / \s? (?P<denominator>\d+)
          | (?= \.?\d ) (?P<whole> \d{{1,3}} (?: (?:,\d{{3}})+ | (?:[ ]\d{{3}})+ | (?:_\d{{3}})+ ) (?!\d) | \d+ )?
            (?: \.(?P<decimals>\d+) )?
            (?: e (?P<power>[-+]?\d+) | \s? [x×*] \s? 10 \s? \^ \s? (?P<ten>[-+]?\d+) )?
        )""",
    re.VERBOSE | re.IGNORECASE,
)

_WORDS = r"(?:[^\W\d_]++\.?\s*+|[%$€£¥₹¢]\s*+){0,3}?"
_JOINED = re.compile(
    rf"[\s(\[]* (?: {_WORDS} [\s(\[]* (?: \b(?:or|and|to|through|vs|versus)\b | [-+*/x×^:,;|&~_] ) )?"
    r"""[\s(\["']* (?: maybe | perhaps | possibly | even )? \s* (?: [a-z]\s*=\s* )?""",
    re.VERBOSE | re.IGNORECASE,
)
_EQUATED = re.compile(rf"\s*{_WORDS}[\s)]*=\s*", re.IGNORECASE)
_UNIT = re.compile(r"[\s)*]*(?:(?P<sign>[%$€£¥₹¢])|(?P<word>[^\W\d_]+))")


class UnreadableNumber(ValueError):
    """A text states a number that has no single, bounded value."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and its unit.

    Args:
        value: The exact value.
        unit: A unit's English name in the singular, a word that is no known unit as it stands, or None.
    """

    value: Fraction
    unit: str | None = None

    def matches(self, gold: "Quantity") -> bool:
        """Whether this answer states the gold's value.

        Nothing is converted or rescaled: 50 % is 50, 2 hours are not 120 minutes. A unit is ignored when the gold has
        none; otherwise a known unit (money, percent, time, length, weight, volume) must be the gold's.
        """
        if self.value != gold.value:
            return False
        return gold.unit is None or self.unit == gold.unit or self.unit not in _KNOWN_UNITS


def read_quantity(text: str, *, accounting: bool = False) -> Quantity | None:
    """Read the number at the head of a text.

    Decoration, a variable's name with `=`, and a few words such as `about` may stand before it. An equation reads as
    its last side. A number that is joined to another one of a different value (`5 or 10`, `5, 10`, `2-3`, `3*4`) is no
    answer; one that stands further on in prose or in a remark is not looked at.

    Args:
        text: The text; its first `LONGEST` characters are looked at.
        accounting: Whether `(5)` means -5, as in financial statements.

    Returns:
        The quantity, or None when the text does not begin with a number.

    Raises:
        UnreadableNumber: When it begins with two different numbers, a number with a scale word (`5 million`), two
            signs, a division by zero, or an exponent beyond 100.
    """
    text = _plain(text[:LONGEST])
    lead = _LEAD.match(text)
    start = lead.end() if lead else 0
    first = _NUMBER.match(text, start)
    if first is None:
        return None
    matches = [first, *_NUMBER.finditer(text, first.end())]
    values = [_value(first)]
    last = first
    for left, right in pairwise(matches):
        gap = text[left.end() : right.start()]
        if _EQUATED.fullmatch(gap):
            values = [_value(right)]
        elif _JOINED.fullmatch(gap):
            values.append(_value(right))
        else:
            break
        last = right
    if any(value != values[0] for value in values):
        raise UnreadableNumber("two different values")
    value = values[0]
    tail = text[last.end() :]
    if accounting and text[:start].rstrip().endswith("(") and tail.lstrip().startswith(")"):
        value = -value
    return Quantity(value, _unit(last, tail))


def _plain(text: str) -> str:
    """Spell Unicode and TeX in ASCII as far as numbers go."""
    if not text.isascii():
        text = "".join(_plain_fraction(character) for character in text)
        text = re.sub(r"[⁰¹²³⁴-⁹⁻⁺]+", lambda match: "^" + match[0].translate(_SUPERSCRIPTS), text)
        text = unicodedata.normalize("NFKC", text).translate(_MINUS).translate(_SEPARATORS)
        text = "".join(
            str(unicodedata.decimal(character)) if character.isdecimal() else character for character in text
        )
    for pattern, plain in _TEX if "\\" in text or "$" in text or "{" in text else ():
        text = pattern.sub(plain, text)
    return re.sub(r"\*\*|__|`", " ", text)


def _plain_fraction(character: str) -> str:
    """Spell `½` as ` 1/2`, so that `1½` becomes the mixed number `1 1/2`; leave anything else."""
    decomposition = unicodedata.decomposition(character)
    if not decomposition.startswith("<fraction>"):
        return character
    return " " + unicodedata.normalize("NFKC", character).replace("⁄", "/")


def _value(match: re.Match[str]) -> Fraction:
    """Return a match's value."""
    if match["before"] and match["sign"]:
        raise UnreadableNumber("two signs")
    negative = "-" in (match["before"], match["sign"])
    if match["mixed"]:
        size = Fraction(int(match["mixed"])) + _ratio(match["part"], match["parts"])
    elif match["numerator"]:
        size = _ratio(match["numerator"], match["denominator"])
    else:
        whole = (match["whole"] or "0").replace(",", "").replace(" ", "").replace("_", "")
        decimals = match["decimals"] or ""
        size = Fraction(int(whole + decimals), 10 ** len(decimals))
        exponent = match["power"] or match["ten"]
        if exponent:
            if len(exponent) > 4 or abs(int(exponent)) > _LARGEST_EXPONENT:
                raise UnreadableNumber("exponent out of range")
            size *= Fraction(10) ** int(exponent)
    return -size if negative else size


def _ratio(numerator: str, denominator: str) -> Fraction:
    """Return a fraction."""
    if int(denominator) == 0:
        raise UnreadableNumber("division by zero")
    return Fraction(int(numerator), int(denominator))


def _unit(number: re.Match[str], tail: str) -> str | None:
    """Return the unit before or right after a number.

    Raises:
        UnreadableNumber: When a scale word follows.
    """
    after = _UNIT.match(tail)
    word = (after["word"] or after["sign"]).lower() if after else ""
    if word in _SCALES or word.removesuffix("s") in _SCALES:
        raise UnreadableNumber("a scale word")
    sign = (number["currency"] or "").lower().rstrip(".")
    for name in (sign, word, word.removesuffix("s")):
        if name in _UNITS:
            return _UNITS[name]
    return word or None

"""A quantity: an exact number with an optional unit. Values are fractions, never floats."""

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from rft_rewards.notation import ENGLISH, Notation, number_pattern, plain_text
from rft_rewards.unit import is_known, scale_factor, unit_name

LONGEST = 200
"""Characters of a text that are looked at; an answer is at its head."""

_LARGEST_EXPONENT = 100
_LONGEST_NUMBER = 100

_LEAD = re.compile(
    r"""(?: [\s*_~"'“”‘’:=({\[≈,→⇒] | [-=]> | <(?=[^<>]*>)
          | (?: the | final | answer | result | is | are | was | be | would | equals? | comes | out | approximately
              | about | around | roughly | exactly | only | just | therefore | thus | so | then | that | to | a | an
              | total | of ) \b
          | (?: [a-z]\w{0,15} (?:\([^()]{1,10}\))? \s* [=≈] )
        ){0,40}""",
    re.VERBOSE | re.IGNORECASE,
)
_SENTENCE_LEAD = re.compile(
    r"""[\s*_("'“]*
        (?: (?!(?:minus|negative)\b) [^\W\d_]{1,30} (?:['’-][^\W\d_]{1,30}){0,3} [,:]? [\s*_(]{1,4} ){2,14}""",
    re.VERBOSE | re.IGNORECASE,
)
_DOUBT = re.compile(
    r"""\b(?: not | no | nor | never | neither | none | cannot | between | than | least | most | under | over | below
          | above | if | unless | except | without | or | either | maybe | perhaps | possibly | might
          | could | may | wrong | steps? ) \b""",
    re.VERBOSE | re.IGNORECASE,
)

# Possessive quantifiers (`*+`, `++`) keep the work on hostile text linear.
_WORDS = r"(?:[^\W\d_]++\.?[\s(\[]*+|[%$€£¥₹¢°][\s(\[]*+){0,3}?"
_JOINED = re.compile(
    rf"""(?:[^\w.=!?]|\.(?!\s))*+
       | [\s(\[]*+ {_WORDS}
         (?: (?: \b(?:or|and|to|through|vs|versus|plus|times|(?:divided|multiplied)\s+by)\b
               | =>|[-+*/x×÷^:,;|&~_<>≤≥≈→⇒'"]{{1,3}} )
             [\s(\["']*+ (?: maybe | perhaps | possibly | even )? \s*+ (?: [a-z]\s*+=\s*+ )?
           | [^\w=]*+ \b(?: or | otherwise | alternatively | maybe | perhaps | possibly | might | could | actually
               | instead | rather | wait | sorry | correction | no (?=\s*+[,.:;-]|\s+wait) ) \b
             (?: [^\w=]++ [^\W\d_]++ ){{0,5}}? [^\w=]*+
         )""",
    re.VERBOSE | re.IGNORECASE,
)
_EQUATED = re.compile(rf"\s*+{_WORDS}[\s)]*+=\s*+", re.IGNORECASE)
_CALCULATED = re.compile(rf"[\s)]*+{_WORDS}[\s)]*+[-+*/x×÷^][\s({{]*+", re.IGNORECASE)
_ROUNDED = re.compile(rf"[\s(,]*+{_WORDS}[\s(,]*+(?:≈|~|\bor\s++(?:about|approximately|roughly)\b)\s*+", re.IGNORECASE)
_WORKINGS = re.compile(r"\s*+\([\d\s.,$]++[-+*/x×÷][^()]*+\)")
_AFTER = re.compile(
    r"[\s)*]*+(?:(?P<sign>[%$€£¥₹¢])|(?:(?P<power>square|sq|cubic|cu)\b\.?\s*+)?(?P<word>[^\W\d_²³]++[²³]?))",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"-?\d{1,18}")


class UnreadableNumber(ValueError):
    """A text states a number that has no single, bounded value."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and its unit.

    Args:
        value: The exact value.
        unit: A unit's English name in the singular, a word that is no known unit as it stands, or None.
        scaled: Whether the value was stated with a scale word.
    """

    value: Fraction
    unit: str | None = None
    scaled: bool = False

    def matches(self, gold: "Quantity") -> bool:
        """Whether this answer states the gold's value in a unit that the gold allows; nothing is converted."""
        return self.value == gold.value and self.has_unit_of(gold)

    def has_unit_of(self, gold: "Quantity") -> bool:
        """Whether this answer's unit is one that the gold allows.

        A unit is ignored when the gold has none; otherwise a known unit (money, percent, time, length, area, weight,
        volume) must be the gold's.
        """
        return gold.unit is None or self.unit == gold.unit or self.unit is None or not is_known(self.unit)


def read_quantity(text: str, notation: Notation = ENGLISH) -> Quantity | None:
    """Read the number at the head of a text.

    Decoration, a variable's name with `=`, and a few words such as `about` may stand before it. An equation reads as
    its last side. A number that is joined to another one of a different value (`5 or 10`, `5, 10`, `2-3`, `3*4`,
    `5 h 30 min`, `5, no wait, 10`) is no answer, save a rounding after `≈`, which adds nothing. One that stands further
    on in prose or in a remark is not looked at.

    Args:
        text: The text; its first `LONGEST` characters are looked at.
        notation: How its numbers are written.

    Returns:
        The quantity, or None when the text does not begin with a number.

    Raises:
        UnreadableNumber: When it begins with two different numbers, two signs, a division by zero, an exponent beyond
            100, a length beyond 100 characters, or a scale word that the notation does not have.
    """
    if _WHOLE.fullmatch(text):
        return Quantity(Fraction(int(text)))
    plain = _head(text, notation)
    lead = _LEAD.match(plain)
    quantity = _read_at(plain, lead.end() if lead else 0, notation)
    return quantity[0] if quantity else None


def read_only_number(sentence: str, notation: Notation = ENGLISH) -> Quantity | None:
    """Read the number of a sentence that states just one, such as `Mira sold 72 clips`.

    Args:
        sentence: The text; its first `LONGEST` characters are looked at.
        notation: How its numbers are written.

    Returns:
        The quantity. None when there is none after 2 to 14 words, a word of doubt or bounds (`not`, `between`, `or`,
        `at least`) stands before it, or another number follows.
    """
    plain = _head(sentence, notation)
    lead = _SENTENCE_LEAD.match(plain)
    if lead is None or _DOUBT.search(lead[0]):
        return None
    try:
        found = _read_at(plain, lead.end(), notation)
    except UnreadableNumber:
        return None
    if found is None or re.search(r"\d", plain[found[1] :]):
        return None
    return found[0]


def _head(text: str, notation: Notation) -> str:
    """Return the part of a text that is looked at, spelt plainly; a number that the limit cuts is left out."""
    return plain_text(text if len(text) <= LONGEST else text[:LONGEST].rstrip("0123456789.,_"), notation)


def _read_at(text: str, start: int, notation: Notation) -> tuple[Quantity, int] | None:
    """Read the number that stands at a place of plain text; also return where it ends."""
    pattern = number_pattern(notation.separators)
    first = pattern.match(text, start)
    if first is None:
        return None
    quantity = _stated(text, first, notation)
    end = first.end()
    unsolved = listed = False
    for left, right in pairwise([first, *pattern.finditer(text, end)]):
        gap = text[left.end() : right.start()]
        is_solution = _EQUATED.fullmatch(gap) is not None
        if not is_solution and (_WORKINGS.match(text, left.end()) or not _is_joined(gap)):
            break
        other = _stated(text, right, notation)
        if _ROUNDED.fullmatch(gap) and _is_rounding(other, right["decimals"] or "", quantity):
            end = right.end()
            continue
        if is_solution:
            unsolved = False
        elif _CALCULATED.fullmatch(gap) or (right["before"] and not gap.strip()):
            unsolved = True
        elif other.value != quantity.value:
            listed = True
        quantity, end = other, right.end()
    if unsolved or listed:
        raise UnreadableNumber("two different values")
    if notation.accounting and _is_bracketed(text, start, end):
        quantity = Quantity(-quantity.value, quantity.unit, quantity.scaled)
    return quantity, end


def _is_joined(gap: str) -> bool:
    """Whether what stands between two numbers makes them one statement."""
    return _JOINED.fullmatch(gap) is not None or is_known(unit_name(gap.strip(" .")))


def _is_rounding(rounded: Quantity, decimals: str, exact: Quantity) -> bool:
    """Whether a number is another one, rounded to its decimals."""
    return abs(rounded.value - exact.value) <= Fraction(1, 2 * 10 ** len(decimals))


def _is_bracketed(text: str, start: int, end: int) -> bool:
    """Whether a number stands in parentheses of its own."""
    return text[:start].rstrip().endswith("(") and text[end:].lstrip(" %").startswith(")")


def _stated(text: str, number: re.Match[str], notation: Notation) -> Quantity:
    """Return what a number states together with the scale words and the unit around it."""
    value = _value(number)
    currency = (number["currency"] or "").lower().rstrip(".")
    position = number.end()
    scaled = False
    while after := _AFTER.match(text, position):
        factor = scale_factor(after["word"] or "", letters=notation.scale_words or bool(currency))
        if factor is None:
            break
        if not notation.scale_words:
            raise UnreadableNumber("a scale word")
        value *= factor
        scaled = True
        position = after.end()
    name = unit_name(after["sign"] or after["word"] or "", after["power"] or "") if after else ""
    return Quantity(value, unit_name(currency) or name or None, scaled)


def _value(match: re.Match[str]) -> Fraction:
    """Return a match's value without what stands around it."""
    if match["before"] and match["sign"]:
        raise UnreadableNumber("two signs")
    if len(match[0]) > _LONGEST_NUMBER:
        raise UnreadableNumber("more than 100 characters")
    negative = bool(match["before"] and match["before"] != "+") or match["sign"] == "-"
    if match["mixed"]:
        size = Fraction(int(match["mixed"])) + _ratio(match["part"], match["parts"])
    elif match["numerator"]:
        size = _ratio(match["numerator"], match["denominator"])
    else:
        decimals = match["decimals"] or ""
        size = Fraction(int(re.sub(r"\D", "", match["whole"] or "0") + decimals), 10 ** len(decimals))
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

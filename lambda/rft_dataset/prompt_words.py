"""The words of a prompt, so that writing the same thing another way gives the same words."""

import re
import unicodedata
from functools import lru_cache

_UNITS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
_TEENS = {"ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15} | {
    f"{unit}teen": _UNITS[unit] + 10 for unit in ("six", "seven", "nine")
}
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_TENS_AND_UNITS = {f"{tens}-{unit}": _TENS[tens] + _UNITS[unit] for tens in _TENS for unit in _UNITS}
_SPELLED = {
    word: str(number)
    for word, number in ({"zero": 0, "eighteen": 18} | _UNITS | _TEENS | _TENS | _TENS_AND_UNITS).items()
}

_OPERATORS = frozenset("-+*/=<>^")
_OTHER_OPERATORS = str.maketrans("\u00d7\u00f7\u2044\u2212\u2013", "*//--")

_ALONE = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
"""Scripts without spaces between words (Thai, Japanese, Chinese): each character counts as a word."""

_TWO_WORDS = re.compile(rf"\b({'|'.join(_TENS)})\s+({'|'.join(_UNITS)})\b")
_WORD = re.compile(
    rf"""
    (?:{"|".join(_TENS)})-(?:{"|".join(_UNITS)})(?!\w)
    | [^\W0-9_{_ALONE}]{{1,50}}(?:'[^\W0-9_{_ALONE}]{{1,50}}){{,3}}
    | (?:\A[(]?-)?(?:[0-9]{{1,3}}(?:,[0-9]{{3}}){{1,15}}(?![0-9])|[0-9]{{1,50}})(?:\.[0-9]{{1,50}})?
    | (?<!\w)\.[0-9]{{1,50}}
    | [-+*/=<>^]
    | [{_ALONE}]
    """,
    re.VERBOSE,
)

_MOST_CACHED = 2**15
_LONGEST_CACHED = 60


def words(text: str) -> list[str]:
    """Return a text's words: letters without case and apostrophes, numbers in one form, operators between numbers.

    Unicode forms are folded (NFKC); whitespace and punctuation go, a currency's sign too. `1,000`, `1000.00` and
    `$1000` are `1000`, and numbers below a hundred that are spelled are written in digits.

    Args:
        text: Any text.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_OTHER_OPERATORS).replace("\u2019", "'")
    text = text.casefold()
    chunks = text.split()
    if not _TENS.keys().isdisjoint(chunks):
        chunks = _TWO_WORDS.sub(r"\1-\2", text).split()
    found = [
        word for chunk in chunks for word in (_cached(chunk) if len(chunk) <= _LONGEST_CACHED else _words_of(chunk))
    ]
    return found if _OPERATORS.isdisjoint(found) else _with_operators_between_numbers(found)


def is_word(word: str) -> bool:
    """Whether a word that `words` returned is neither number nor operator."""
    return word.isalpha()


def _words_of(chunk: str) -> tuple[str, ...]:
    """Return the words of what stands between two spaces, operators wherever they stand."""
    return tuple([_canonical(word) for word in _WORD.findall(chunk)])


_cached = lru_cache(maxsize=_MOST_CACHED)(_words_of)


def _canonical(word: str) -> str:
    """Return the one form of a word, a number or an operator."""
    if not any(digit in word for digit in "0123456789"):
        return _SPELLED.get(word) or word.replace("'", "")
    whole, _, fraction = word.replace(",", "").lstrip("(").partition(".")
    sign = "-" if whole.startswith("-") else ""
    fraction = fraction.rstrip("0")
    return f"{sign}{whole.lstrip('-0') or '0'}{'.' if fraction else ''}{fraction}"


def _with_operators_between_numbers(found: list[str]) -> list[str]:
    """Return words without the hyphens, slashes and marks that do not stand between two numbers."""
    edged = ["", *found, ""]
    return [
        word
        for before, word, after in zip(edged, found, edged[2:], strict=False)
        if word not in _OPERATORS or (before[-1:].isdigit() and after[-1:].isdigit())
    ]

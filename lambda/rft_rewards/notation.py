"""How numbers are written: the Unicode, TeX and local spellings of one and the same number.

What groups thousands and starts decimals is declared, never guessed: in English, `1.234` is never 1234.
"""

import functools
import re
import unicodedata
from dataclasses import dataclass

from rft_rewards.options import check_choice, check_flag
from rft_rewards.unit import is_known, unit_name

_SPACED = r"(?:[ ]\d{3})+"
_SEPARATORS = {
    "english": (rf"\d{{1,3}} (?: (?:,\d{{3}})+ | {_SPACED} | (?:_\d{{3}})+ ) (?!\d)", r"\."),
    "continental": (rf"\d{{1,3}} (?: (?:\.\d{{3}})+ | {_SPACED} ) (?!\d)", ","),
    "swiss": (rf"\d{{1,3}} (?: (?:['’]\d{{3}})+ | {_SPACED} ) (?!\d)", r"\."),
    "indian": (r"\d{1,2} (?:,\d{2})* ,\d{3} (?!\d)", r"\."),
    "none": (r"(?!)", r"\."),
}
"""Name -> pattern of a whole number in groups, and of what starts decimals."""

_MINUS = dict.fromkeys(map(ord, "−‐‑‒–—﹣－"), "-")
_SYMBOLS = {ord("٫"): ".", ord("٬"): ",", ord("⁄"): "/", ord("∕"): "/", ord("·"): "×", ord("⋅"): "×"}
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_RAISED = {"2": "²", "3": "³"}

_TEX = (
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\[dt]?frac\s*(\d)\s*(\d)"), r" \1/\2"),
    (re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), r" \1/\2"),
    (re.compile(r"\\(?:text|textbf|textrm|mathrm|mathbf|mbox|operatorname)\s*\{([^{}]*)\}"), r" \1 "),
    (re.compile(r"\\!"), ""),
    (re.compile(r"(?<=\d)\\[,;: ](?=\d{3})"), " "),
    (re.compile(r"\\(?:times|cdot)\b"), "×"),
    (re.compile(r"\\approx\b"), "≈"),
    (re.compile(r"\\(?:to|rightarrow|Rightarrow)\b"), "→"),
    (re.compile(r"\\(?:left|right|displaystyle|quad|qquad|large|Large|bf|[,;:!()\[\] ])"), " "),
    (re.compile(r"\\([$%#&_{}])"), r"\1"),
    (re.compile(r"\^\{([^{}]*)\}"), r"^\1"),
    (re.compile(r"\$([^$]*)\$"), r"\1"),
)

_CURRENCY = r"(?: (?<![^\W\d_]) (?: us\$ | usd\b | eur\b | gbp\b | inr\b | rs\.? (?=\s*\d) ) | [$€£¥₹¢] )"

_EMPHASIS = re.compile(r"\*\*|__|`|</?(?:b|i|u|em|strong|mark)>")
_UNIT_POWER = re.compile(r"(\d[\s)]*([^\W\d_]{1,11}))\s?\^\s?([23])(?!\d)")


@dataclass(frozen=True, slots=True)
class Notation:
    """How numbers are written.

    Args:
        separators: `english` (`1,234.5`), `continental` (`1.234,5`), `swiss` (`1'234.5`), `indian` (`12,34,567.5`) or
            `none` (`1234.5` and no groups). A space also groups thousands, except in the last two.
        accounting: Whether `(5)` means -5, as in financial statements.
        scale_words: Whether `5 million`, `5k` and the like state a number; otherwise they are unreadable.

    Raises:
        ValueError: When a field has another value.
    """

    separators: str = "english"
    accounting: bool = False
    scale_words: bool = False

    def __post_init__(self) -> None:
        check_choice("separators", self.separators, _SEPARATORS)
        check_flag("accounting", self.accounting)
        check_flag("scale_words", self.scale_words)


ENGLISH = Notation()
"""The default notation, and that of JSON's own numbers."""


@functools.cache
def number_pattern(separators: str) -> re.Pattern[str]:
    """Return the pattern of a number in plain text, with its currency and its signs.

    Args:
        separators: One of `Notation`'s.
    """
    grouped, point = _SEPARATORS[separators]
    return re.compile(
        rf"""(?P<before>[-+]|(?<![^\W_])(?:minus|negative)\b)? \s? (?P<currency>{_CURRENCY})? \s? (?P<sign>[-+])? \s?
            (?: (?P<mixed>\d+) [ ]{{1,3}} (?P<part>\d+) \s? / \s? (?P<parts>\d+)
              | (?P<numerator>\d+) \s? / \s? (?P<denominator>\d+)
              | (?= (?:{point})?\d ) (?P<whole> {grouped} | \d+ )? (?: {point}(?P<decimals>\d+) )?
                (?: e (?P<power>[-+]?\d+) | \s? [x×*] \s? 10 \s? \^ \s? (?P<ten>[-+]?\d+) )?
            )""",
        re.VERBOSE | re.IGNORECASE,
    )


def plain_text(text: str, notation: Notation) -> str:
    """Spell Unicode and TeX in ASCII as far as numbers go.

    Args:
        text: A short text; several passes are made over it.
        notation: How its numbers are written.
    """
    if not text.isascii():
        text = "".join(_plain_fraction(character) for character in text)
        text = re.sub(r"[⁰¹²³⁴-⁹⁻⁺]+", lambda match: "^" + match[0].translate(_SUPERSCRIPTS), text)
        text = unicodedata.normalize("NFKC", text).translate(_MINUS).translate(_SYMBOLS)
        text = "".join(
            str(unicodedata.decimal(character)) if character.isdecimal() else character for character in text
        )
    for pattern, plain in _TEX if "\\" in text or "$" in text or "{" in text else ():
        text = pattern.sub(plain, text)
    if "^" in text:
        text = _UNIT_POWER.sub(_unit_power, text)
    if notation.accounting:
        text = re.sub(r"([$€£¥₹])\s*\(", r"(\1", text)
    return _EMPHASIS.sub(" ", text)


def _plain_fraction(character: str) -> str:
    """Spell `½` as ` 1/2`, so that `1½` becomes the mixed number `1 1/2`; leave anything else."""
    decomposition = unicodedata.decomposition(character)
    if not decomposition.startswith("<fraction>"):
        return character
    return " " + unicodedata.normalize("NFKC", character).replace("⁄", "/")


def _unit_power(match: re.Match[str]) -> str:
    """Spell `12 m^2` as `12 m²`, so that the power is no number; leave `3x^2`."""
    return match[1] + _RAISED[match[3]] if is_known(unit_name(match[2])) else match[0]

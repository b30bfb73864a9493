"""Lengths that a prompt states: `at most 200 words`, `in two sentences`, `3-5 bullet points`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import inf

_NUMBERS = {
    name: number
    for number, names in enumerate(
        (
            "zero",
            "one|ein|einen|un|une|uno|una",
            "two|zwei|deux|dos|due",
            "three|drei|trois|tres|tre",
            "four|vier|quatre|cuatro|quattro",
            "five|fünf|cinq|cinco|cinque",
            "six|sechs|seis|sei",
            "seven|sieben|sept|siete|sette",
            "eight|acht|huit|ocho|otto",
            "nine|neun|neuf|nueve|nove",
            "ten|zehn|dix|diez|dieci",
            "eleven",
            "twelve",
        )
    )
    for name in names.split("|")
}
_UNITS: Mapping[str, str] = {
    "words": "word|wörter|worte|mots|palabra|palavra|parole|woorden|слов",
    "characters": "character|chars|letters|zeichen|caractères|caracteres|caratteri|символ",
    "sentences": "sentence|sätze|satz|phrase|frase|frasi|zinnen|предложени",
    "paragraphs": "paragraph|absätze|absatz|párrafo|parágrafo|paragrafi",
    "lines": "line|zeile|ligne|línea|linha|righe",
    "bullets": "bullet|stichpunkte|aufzählungspunkte|puces|viñeta",
}
"""What is counted -> its names, without endings of the plural."""

_UNIT_OF = {name: unit for unit, names in _UNITS.items() for name in names.split("|")}
_BELOW = {"under", "below", "less than", "fewer than", "weniger als", "moins de", "menos de"}
_ABOVE = {"over", "above", "more than", "mehr als", "plus de", "más de"}
_MOST = {
    "at most", "up to", "no more than", "not more than", "no longer than", "within", "maximum of", "maximum", "max",
    "max.", "höchstens", "maximal", "au plus", "como máximo", "máximo", "al massimo", "limit of", "limited to",
}  # fmt: skip
_LEAST = {"at least", "minimum of", "minimum", "min", "min.", "no less than", "no fewer than", "not less than",
          "mindestens", "au moins", "al menos", "almeno"}  # fmt: skip
_NUMBER = rf"\d[\d,]{{0,8}}|{'|'.join(_NUMBERS)}"
_BOUND = "|".join(re.escape(bound) for bound in sorted(_BELOW | _ABOVE | _MOST | _LEAST, key=len, reverse=True))
_HEAD = re.compile(
    rf"(?:(?<!\w)(?P<bound>{_BOUND})\s+)?(?<![\w.])(?P<low>{_NUMBER})"
    rf"(?:\s?(?:-|–|to|and|or|bis|à|a)\s?(?P<high>{_NUMBER}))?(?P<plus>\+)?[\s-]"
    r"(?:(?:short|full|complete|kurzen?|distinct|separate)\s)?\Z"
)
_END = re.compile(
    r"(?:s|n|a|я|х|ов|es)?(?!\w)(?:[ -]points?)?"
    r"(?:\s(?P<after>or (?:less|fewer|more)|at most|at least|max(?:imum)?|min(?:imum)?)\b)?"
)
_LONGEST_HEAD = 60
_AFTER_MOST = ("or less", "or fewer", "at most", "max", "maximum")
_AFTER_LEAST = ("or more", "at least", "min", "minimum")


@dataclass(frozen=True, slots=True)
class StatedLength:
    """A length in a prompt.

    Args:
        unit: `words`, `characters`, `sentences`, `paragraphs`, `lines` or `bullets`.
        low: Shortest.
        high: Longest.
    """

    unit: str
    low: float
    high: float

    def meets(self, low: float, high: float) -> bool:
        """Whether some length fits both this and another band."""
        return self.low <= high and low <= self.high


@lru_cache(maxsize=4)  # several requirements look at one prompt after the other
def stated_lengths(text: str) -> tuple[StatedLength, ...]:
    """Return the lengths that a text states, in numerals or in words up to twelve.

    Args:
        text: Any text; read in time linear in its length.
    """
    lowered = text.lower()
    found: list[StatedLength] = []
    for name, unit in _UNIT_OF.items():
        place = lowered.find(name)
        while place >= 0:
            end = place + len(name)
            if tail := _END.match(lowered, end):
                head = _HEAD.search(lowered[max(0, place - _LONGEST_HEAD) : place])
                found += [_stated(unit, head, tail["after"] or "")] if head else []
            place = lowered.find(name, end)
    return tuple(found)


def _stated(unit: str, head: re.Match[str], after: str) -> StatedLength:
    low = _number(head["low"])
    high = _number(head["high"]) if head["high"] else low
    bound = head["bound"] or ""
    if bound in _MOST or after in _AFTER_MOST:
        return StatedLength(unit, 0, high)
    if bound in _LEAST or after in _AFTER_LEAST or head["plus"]:
        return StatedLength(unit, low, inf)
    if bound in _BELOW:
        return StatedLength(unit, 0, high - 1)
    if bound in _ABOVE:
        return StatedLength(unit, low + 1, inf)
    return StatedLength(unit, min(low, high), max(low, high))


def _number(text: str) -> int:
    return _NUMBERS[text] if text in _NUMBERS else int(text.replace(",", ""))

"""How prompts say things: what several requirements look for."""

import re
from collections.abc import Callable
from functools import lru_cache

from rft_rewards.spelling import folded
from rft_rewards.words import word_row
from rft_runtime.alignment.prompt import Mention
from rft_runtime.certification.asked_form import AskedForm, asked_forms

_CUE = re.compile(r"(?:\A|\n)[ \t#*]*[\w ]{1,30}:[\s*]*\Z")
_LONGEST_CUE = 60


class Wording:
    """Phrases, upper and lower case alike.

    Args:
        stems: Words or parts of them, `|` between them, in lower case: every phrase has one of them. Only around them
            is searched, since to search for phrases takes a hundred times as long as to look for plain text.
        phrases: Regular expression, for a text in lower case.
        reach: How many characters a phrase may have before its stem's end, and behind its stem's start.
    """

    def __init__(self, stems: str, phrases: str, *, reach: int = 60) -> None:
        self._stems = tuple(stems.split("|"))
        self._pattern = re.compile(phrases, re.MULTILINE)
        self._reach = reach

    def __call__(self, text: str) -> re.Match[str] | None:
        """Return a phrase in a text, in lower case."""
        lowered = text.lower()
        for stem in self._stems:
            if stem in lowered and (found := self._near(stem, lowered)):
                return found
        return None

    def _near(self, stem: str, lowered: str) -> re.Match[str] | None:
        """Return a phrase that has a stem."""
        place = lowered.find(stem)
        while place >= 0:
            start, end = max(0, place - self._reach), place + self._reach
            # What lies near is searched together, so that no character is searched twice.
            while (place := lowered.find(stem, place + 1)) >= 0 and place <= end + self._reach:
                end = place + self._reach
            if found := self._pattern.search(lowered, start, end):
                return found
        return None


_ONLY = "only|just|exclusively|nothing but"
_FOREIGN_ONLY = (
    "nur|ausschließlich|seulement|uniquement|sólo|solamente|únicamente|apenas|somente|soltanto|alleen|только"
)
_SAYING = "answer|respond|reply|output|return|give|write|print|provide|state|say"
_ANSWERS = "answer|word|name|number|text|label|letter|translation|sentence|title|result|json|code|option|phrase|value"
_alone = Wording(
    f"{_ONLY}|alone|{_FOREIGN_ONLY}|exactly|verbatim|nothing|no other|no additional|without|expla|commentary|e word|"
    "e-word|nichts |sans |rien |sin |erklärung|只|仅|のみ|だけ",
    rf"\b(?:{_ONLY}|exactly)\W+(?:\w+\W+){{0,3}}(?:{_SAYING}|{_ANSWERS})|"
    rf"\b(?:{_SAYING})\W+(?:\w+\W+){{0,3}}(?:{_ONLY}|exactly|alone)\b|\b(?:{_ANSWERS})\W+(?:only|alone)\b|"
    rf"\b(?:{_FOREIGN_ONLY}|verbatim|nothing (?:else|more)|no (?:other|additional|explanation|commentary)|"
    r"without (?:any )?(?:other|additional|explanation|explaining|commentary)|(?:one|single)[ -]word|"
    r"(?:n['’]t|not) explain|ohne erklärung|nichts (?:anderes|weiter)|"
    r"sans (?:explication|rien)|rien d['’]autre|sin (?:explicaci|nada))|只|仅|のみ|だけ",
)
asks_for_the_answer_alone: Mention = lru_cache(maxsize=4)(_alone)  # a mention, and a doubt about another form
_aloud = Wording(
    "step-by|step by|think|reason|thought|your work|your steps|first explain|first analy|schritt|étape|paso a|passo a|"
    "一步一步|逐步",
    r"\bstep[ -]by[ -]step\b|\bthink (?:aloud|out loud)\b|\b(?:explain|show|describe|write) (?:out )?your (?:\w+ )?"
    r"(?:reasoning|thinking|thoughts?|work|steps)\b|\breason (?:aloud|first|before)\b|"
    r"\bfirst (?:explain|reason|think|analy[sz]e)\b|\bschritt für schritt\b|\bétape par étape\b|\bpaso a paso\b|"
    r"\bpasso a passo\b|一步一步|逐步",
)
_hidden = Wording(
    "think|scratchpad|silently|internally|privately|yourself|in your head",
    r"<(?:think|thinking|scratchpad)>|\b(?:silently|internally|privately|to yourself|in your head)\b",
)


def asks_to_reason_aloud(text: str) -> str | None:
    """Name that, when a text asks for reasoning in the answer itself; tags for thoughts are taken off by graders."""
    if not _aloud(text) or _hidden(text) or asks_for_the_answer_alone(text):
        return None
    return "reasoning aloud"


@lru_cache(maxsize=1024)  # rows share the names of their fields and tools
def word(name: str) -> Mention:
    """Return a mention of a name as a whole word, spelled exactly so."""
    pattern = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    return lambda text: name in text and pattern.search(text)


def literal(wanted: str, *, case_sensitive: bool = True) -> Mention:
    """Return a mention of some characters."""
    plain = wanted.strip()
    if case_sensitive:
        return lambda text: plain in text
    lowered = plain.lower()
    return lambda text: lowered in text.lower()


def words_in_a_row(wanted: str) -> Mention:
    """Return a mention of words in a row, whatever their case and what stands between them; of signs, as they are."""
    row = word_row(folded(wanted))
    if not row:
        return literal(wanted)
    words = row.split()
    plain = re.compile(rf"(?<![a-z0-9]){'[^a-z0-9]+'.join(map(re.escape, words))}(?![a-z0-9])")

    def mention(text: str) -> bool:
        if not text.isascii():
            return row in _row(text)
        # Folding takes time, and changes no more than the case of what is ASCII.
        lowered = text.lower()
        place = lowered.find(words[0])
        return place >= 0 and plain.search(lowered, place) is not None

    return mention


@lru_cache(maxsize=4)  # several mentions look at one prompt after the other
def _row(text: str) -> str:
    return word_row(folded(text))


@lru_cache(maxsize=4)
def forms_asked_for(text: str) -> tuple[AskedForm, ...]:
    """Return the forms of an answer that a text names.

    A heading at its very end (`### Response:`) only says where the answer begins.
    """
    end = len(text)
    if text.rstrip("*\n\t ").endswith(":"):
        cue = _CUE.search(text, max(0, end - _LONGEST_CUE))
        end = cue.start() if cue else end
    return tuple(asked_forms(text[:end]))


def unread_form(reads: Callable[[AskedForm], bool]) -> Callable[[str], str | None]:
    """Return a rival: the first form that a text asks for and that is not read, where it asks for none that is."""

    def rival(text: str) -> str | None:
        forms = forms_asked_for(text)
        return forms[0].name if forms and not any(map(reads, forms)) else None

    return rival

"""The quotations of a text, and the sources that it cites."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rft_rewards.spelling import folded, typewritten
from rft_rewards.words import count_row, has_words, word_row

_ID = r"[\w.-]{1,32}"
_CITATION = re.compile(rf"\[({_ID}(?:\s?[,;]\s?{_ID}){{0,15}})\](?!\()")
_CITED_NEXT = re.compile(rf"[\s.,;:!?)]{{0,4}}((?:{_CITATION.pattern}\s?){{1,8}})")
_MOST_ELLIPSES = 8
_ELLIPSIS = re.compile(r"\[\s?\.\.\.\s?\]|\.\.\.")
_BLOCK = re.compile(r"(?:^[^\S\n]{0,3}>[^\n]*+(?:\n|\Z))++", re.MULTILINE)
_PARAGRAPH_END = re.compile(r"\n[^\S\n]*+\n")


@dataclass(frozen=True, slots=True)
class Quotation:
    """A passage that a text claims to have found elsewhere.

    Args:
        parts: Its words, as `word_row` writes them; several parts where an ellipsis stands between.
        cited: Ids of the sources that are cited right behind it, in lower case.
    """

    parts: tuple[str, ...]
    cited: frozenset[str]

    @property
    def length(self) -> int:
        """The number of its words."""
        return sum(map(count_row, self.parts))


def quotations(text: str, *, min_words: int) -> Iterator[Quotation]:
    """Yield the quotations of a text: those in double quotation marks of any style, and Markdown block quotes.

    A mark that is not closed within its paragraph opens no quotation.

    Args:
        text: Any text; read in time linear in its length.
        min_words: Shorter ones are passed over: terms and titles stand in quotation marks as well.
    """
    plain = typewritten(text)
    for block in _BLOCK.finditer(plain):
        if (found := _quotation(_CITATION.sub(" ", block[0]), block[0], min_words)) is not None:
            yield found
    for paragraph in _PARAGRAPH_END.split(_BLOCK.sub("\n\n", plain)):
        pieces = paragraph.split('"')
        for quote, after in zip(pieces[1:-1:2], pieces[2::2], strict=True):
            next_to_it = _CITED_NEXT.match(after)
            if (found := _quotation(quote, next_to_it[0] if next_to_it else "", min_words)) is not None:
                yield found


def cited_ids(text: str) -> set[str]:
    """Return what stands in brackets like the id of a source, in lower case: `[1]`, `[doc-2]`, `[1, 2]`."""
    return {name.strip().lower() for found in _CITATION.findall(text) for name in re.split("[,;]", found)}


def _quotation(quote: str, citation: str, min_words: int) -> Quotation | None:
    """Return a quotation, or None when it is too short to be one."""
    if not has_words(quote):
        return None
    parts = (word_row(folded(part)) for part in _ELLIPSIS.split(quote, maxsplit=_MOST_ELLIPSES))
    found = Quotation(tuple(part for part in parts if part), frozenset(cited_ids(citation)))
    return found if found.length >= min_words else None

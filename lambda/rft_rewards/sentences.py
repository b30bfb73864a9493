"""The sentences of a text, counted by rules that hold for most languages with a full stop."""

import re

from rft_rewards.words import has_words

_END = re.compile(
    r"""(?<![.!?…])[.!?…]++["'”’»)\]*_]*+(?=\s)  # closing signs, with what closes around them, before space
    | [。！？]++["'”’」』)]*+                      # those of Chinese and Japanese, after which no space is written
    | \n[^\S\n]*+\n                              # a blank line
    | \n(?=[^\S\n]{0,8}(?:[-*+•–]|\d{1,3}[.)]|\#{1,6})\s)  # a list item or heading on the next line
    """,
    re.VERBOSE,
)
_NO_END = re.compile(
    r"(?:\b(?:[a-z]|mr|mrs|ms|dr|prof|st|vs|no|fig|e\.g|i\.e|etc|approx)|(?:^|\n)[^\S\n]*\d{1,3})\.$", re.IGNORECASE
)
_WINDOW = 12


def count_sentences(text: str) -> int:
    """Return the number of sentences.

    One ends at `.`, `!`, `?` or `…` before space, unless a lower-case letter follows, or a full stop ends a common
    English abbreviation, an initial or the number of a list item; at a Chinese or Japanese full stop; at a blank line;
    and before a list item or a heading. What holds no word is no sentence.

    Args:
        text: Any text; read in time linear in its length.
    """
    count = start = 0
    for end in _END.finditer(text):
        if not _goes_on(text, end) and has_words(text[start : end.start()]):
            count += 1
            start = end.end()
    return count + has_words(text[start:])


def _goes_on(text: str, end: re.Match[str]) -> bool:
    """Whether a sentence goes on behind what looks like its end."""
    if end[0].startswith("\n"):
        return False
    if text[end.end() : end.end() + _WINDOW].lstrip()[:1].islower():
        return True
    return end[0] == "." and _NO_END.search(text[max(0, end.start() - _WINDOW) : end.end()]) is not None

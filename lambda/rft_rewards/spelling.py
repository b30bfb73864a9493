"""One spelling for texts that differ only in form.

Alike are Unicode compatibility forms, any run of white space, typographic and typewriter quotation marks, apostrophes
and dashes, and, where wanted, upper and lower case. Soft hyphens and zero-width spaces are dropped.
"""

import re
import unicodedata

_TYPOGRAPHY = str.maketrans(
    dict.fromkeys("‘’‚‛ʼ", "'")
    | dict.fromkeys("“”„‟«»「」『』", '"')
    | dict.fromkeys("‐‑‒–—―−", "-")
    | dict.fromkeys("\u00ad\u200b\u2060\ufeff")
)
_MOST_MARKS = 30
_MAYBE_MARKS = re.compile(r"[^\x00-\x7f]{31}")
_HIDDEN_MARKS = frozenset("\u0f73\u0f75\u0f81\uff9e\uff9f")  # become combining marks only when decomposed


def folded(text: str, *, case_sensitive: bool = False) -> str:
    """Return the spelling that a text shares with its likes.

    Args:
        text: Any text; read in time linear in its length.
        case_sensitive: Whether upper and lower case stay apart.
    """
    spelled = " ".join(typewritten(text).split())
    return spelled if case_sensitive else spelled.casefold()


def typewritten(text: str) -> str:
    """Return a text in NFKC with typewriter quotation marks, apostrophes and dashes; lines and case stay."""
    return compatible(text).translate(_TYPOGRAPHY)


def compatible(text: str) -> str:
    """Return a text in NFKC, at most 30 combining marks on a letter.

    Normalisation sorts a letter's marks in quadratic time, so that a megabyte of marks would take hours; real text has
    a few, and 30 is the bound of the stream-safe text format (Unicode Standard Annex 15, section 13).
    """
    return text if text.isascii() else unicodedata.normalize("NFKC", _stream_safe(text))


def _stream_safe(text: str) -> str:
    """Return a text without the marks beyond the thirtieth in a row."""
    if not _MAYBE_MARKS.search(text):
        return text
    kept = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) or character in _HIDDEN_MARKS else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    return "".join(kept)

r"""The words of a text, counted alike by every grader.

A word is a run of letters and digits, with up to two apostrophes inside it (`don't`). Everything else separates,
hyphens and decimal points too: `state-of-the-art` is four words, so that nothing is gained by gluing words together. A
Chinese or Japanese character is a word of its own, because those scripts write no spaces; Thai, Lao, Khmer and Burmese
runs without a space count as one word each.
"""

import re
from collections.abc import Iterator

_ALONE = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"  # kana and Han
_MARKS = r"\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0900-\u0963\u0966-\u109f\u1780-\u17d3"  # vowel signs are not in \w
_LETTERS = rf"[^\W_{_ALONE}]++(?:[{_MARKS}]++|[^\W_{_ALONE}]++)*+"
_WORD = re.compile(rf"[{_ALONE}]|{_LETTERS}(?:['’]{_LETTERS}){{0,2}}")
_INVISIBLE = re.compile("[\\s\u00ad\u200b-\u200f\u2060-\u2064\ufeff]+")


def words(text: str) -> list[str]:
    """Return the words of a text, in order, as they are written.

    Args:
        text: Any text; read in time linear in its length.
    """
    return _WORD.findall(text)


def iterate_words(text: str) -> Iterator[str]:
    """Yield the words of a text, for callers that need only the first of them."""
    return (match[0] for match in _WORD.finditer(text))


def count_words(text: str) -> int:
    """Return the number of words."""
    return sum(1 for _ in _WORD.finditer(text))


def has_words(text: str) -> bool:
    """Whether there is a word at all."""
    return _WORD.search(text) is not None


def count_characters(text: str) -> int:
    """Return the number of characters, a run of space or of invisible ones counting as one and none at the ends."""
    return len(_INVISIBLE.sub(" ", text).strip(" "))


def word_row(text: str) -> str:
    """Return a text's words, each between two spaces of its own, so that one row can be looked for in another.

    Args:
        text: Any text, folded by the caller where its form shall not matter.
    """
    return "".join(f" {word} " for word in words(text))


def count_row(row: str) -> int:
    """Return the number of words of a row."""
    return row.count(" ") // 2

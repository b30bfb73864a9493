"""The language that a text is written in, by py3langid: naive Bayes over byte n-grams, 141 languages, in the process.

It says the same of the same text every time. Model and package are loaded (about half a second, 150 MB of memory) when
the first language is asked for, so that rewards without one pay nothing. Source: https://github.com/adbar/py3langid.
"""

import functools
import math
import re
from collections.abc import Callable

_OTHER_CODES = {"iw": "he", "nb": "no", "in": "id", "fil": "tl"}
_TOO_CLOSE = tuple(frozenset(group.split()) for group in ("bs hr sr", "id ms", "nn no", "zh yue wuu", "ar ary arz"))
_NO_LANGUAGE = "zxx"
_SIGNS = re.compile(r"[0-9$%#*+=<>|/\\_~^`@&{}\[\]()\"-]+")

_PIECE = 300
_MOST_PIECES = 64
_FEWEST_LETTERS = 8


def language_code(code: object) -> str:
    """Return the code by which the model calls a language.

    Args:
        code: An ISO 639 code such as `de`, `pt-BR` or `nb`; the region does not matter.

    Raises:
        ValueError: When it names none of the model's languages.
    """
    name = re.split("[-_]", code.lower())[0] if isinstance(code, str) else ""
    known = _OTHER_CODES.get(name, name)
    if known not in _model()[0]:
        raise ValueError(f"code: got {code!r}, wanted a language such as en, de or pt-BR")
    return known


def share_written_in(text: str, code: str) -> float:
    """Return the share of a text that is written in a language, 0 to 1.

    Digits and signs are taken out, the rest is cut into equal pieces of at most 300 characters, each is identified on
    its own, and at most 64 of them, in even steps, are looked at. Pieces with fewer than 8 letters do not count; a text
    without any other has a share of 0. Texts of fewer than ten words and lists of names are often mistaken. What the
    model hardly tells apart counts as one language: Bosnian, Croatian and Serbian; Indonesian and Malay; both kinds of
    Norwegian; the Chinese languages; those of Arabic.

    Args:
        text: The text; read in time linear in its length.
        code: What `language_code` returned.
    """
    accepted = next((group for group in _TOO_CLOSE if code in group), frozenset({code}))
    identify = _model()[1]
    plain = " ".join(_SIGNS.sub(" ", text.lower()).split())
    languages = [identify(piece) for piece in _pieces(plain) if sum(map(str.isalpha, piece)) >= _FEWEST_LETTERS]
    return sum(language in accepted for language in languages) / len(languages) if languages else 0.0


def language_of(text: str) -> str | None:
    """Return the code of the language that a text begins in; None for fewer than 8 letters.

    Digits and signs are taken out, and the first 300 characters of the rest are identified. What the model hardly tells
    apart (see `share_written_in`) gets one code, the first of its group in the alphabet.

    Args:
        text: The text; only its beginning is read.
    """
    plain = " ".join(_SIGNS.sub(" ", text[: 4 * _PIECE].lower()).split())[:_PIECE]
    if sum(map(str.isalpha, plain)) < _FEWEST_LETTERS:
        return None
    code = _model()[1](plain)
    return min(next((group for group in _TOO_CLOSE if code in group), {code}))


@functools.cache
def _model() -> tuple[frozenset[str], Callable[[str], str]]:
    """Load the model: the codes that it knows, and a function from a short text to one of them."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]  # has no annotations

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    return frozenset(identifier.labels) - {_NO_LANGUAGE}, lambda text: str(identifier.classify(text)[0])


def _pieces(text: str) -> list[str]:
    """Cut a text into equal pieces, and keep at most 64 of them in even steps."""
    number = math.ceil(len(text) / _PIECE)
    kept = min(number, _MOST_PIECES)
    places = [place * number // kept for place in range(kept)]
    return [text[len(text) * place // number : len(text) * (place + 1) // number] for place in places]

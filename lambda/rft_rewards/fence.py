"""Fences around text that others wrote, for a model that must not mistake it for its instructions.

The fences of one question share a mark: a hash of all that is fenced. A text cannot hold its own hash, so no text can
close its fence, and equal questions stay equal.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping

_MARK_LENGTH = 32
_OPENING = re.compile(r"^<<< [a-z]+ (?P<mark>[0-9a-f]{32})$", re.MULTILINE)
_CONTROL_TOKEN = re.compile(r"<\|(?=[\w ]*\|>)")
_KEPT_CONTROLS = "\n\t"


def fenced(parts: Mapping[str, str]) -> tuple[str, str]:
    """Return the mark and the fenced text of some parts.

    Args:
        parts: Name, in lower-case letters, -> what stands between its fences.
    """
    shown = {name: harmless(text) for name, text in parts.items()}
    mark = hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:_MARK_LENGTH]
    return mark, "\n\n".join(f"<<< {name} {mark}\n{text}\n>>> {name} {mark}" for name, text in shown.items())


def read_fenced(text: str) -> dict[str, str]:
    """Return name -> text of the parts that `fenced` put into a text."""
    first = _OPENING.search(text)
    if first is None:
        return {}
    parts: dict[str, str] = {}
    for piece in re.split(f"^<<< (?=[a-z]+ {first['mark']}$)", text, flags=re.MULTILINE)[1:]:
        name = piece.partition(" ")[0]
        head, foot = f"{name} {first['mark']}\n", f"\n>>> {name} {first['mark']}"
        parts[name] = piece.removeprefix(head).partition(foot)[0]
    return parts


def harmless(text: str) -> str:
    """Return a text without what a person who reviews it cannot see, and without the tokens that begin a model's turn.

    Control characters and the invisible tag characters are removed, half surrogate pairs become question marks, and
    `<|name|>` gets a space. Letters, joiners and emoji stay as they are.
    """
    if text.isascii() and text.isprintable() and "<|" not in text:
        return text
    whole = text.encode(errors="replace").decode()
    seen = "".join(char for char in whole if char in _KEPT_CONTROLS or not _is_hidden(char))
    return _CONTROL_TOKEN.sub("< |", seen)


def _is_hidden(char: str) -> bool:
    """Whether a character is a control or a tag character."""
    return unicodedata.category(char) == "Cc" or 0xE0000 <= ord(char) <= 0xE007F

"""The sources that a completion may quote: numbered or named passages of a context."""

import re
from collections.abc import Iterable, Mapping, Sequence

from rft_contract.json_value import JsonValue

_MARK = re.compile(r"^[^\S\n]{0,8}\[([\w.-]{1,32})\]:?[^\S\n]+", re.MULTILINE)
_TAG_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}")
_ID_KEYS = ("id", "doc_id", "name")
_TEXT_KEYS = ("text", "content", "passage")


def prompt_sources(prompt: Sequence[JsonValue], tag: str | None) -> dict[str, str]:
    """Return the sources that stand in a prompt's turns.

    Args:
        prompt: The turns before the generated one. What the assistant said before is no source.
        tag: Name of the tag between which the sources stand, as in `<context>...</context>`. None: every word of the
            turns is one.

    Returns:
        Id in lower case -> text. A passage that begins with an id in brackets at the start of a line (`[doc-2] ...`) is
        a source of its own, up to the next one or the end of its turn or tag, and what stands before the first is none.
        Without any such id, all is the source `1`.
    """
    turns = [_text_of(turn.get("content")) for turn in prompt if isinstance(turn, dict) and _is_given(turn)]
    passages = turns if tag is None else [passage for turn in turns for passage in _between(turn, tag)]
    marked: list[tuple[str, str]] = []
    for passage in passages:
        pieces = _MARK.split(passage)  # text, then id and text for each mark
        marked += zip(pieces[1::2], pieces[2::2], strict=True)
    return _by_id(marked or [("1", passage) for passage in passages])


def given_sources(value: JsonValue) -> dict[str, str] | None:
    """Return the sources that a field of the row holds.

    Args:
        value: A text; a list of texts, which are called `1`, `2` and so on; a list of objects with the id under `id`,
            `doc_id` or `name` (else their place) and the text under `text`, `content` or `passage`; or an object of ids
            and texts.

    Returns:
        Id in lower case -> text, or None when the field holds something else.
    """
    if isinstance(value, str):
        value = [value]
    if isinstance(value, dict):
        named = list(value.items())
    elif isinstance(value, list):
        named = [_named(item, place) for place, item in enumerate(value, start=1)]
    else:
        return None
    texts = [(name, text) for name, text in named if isinstance(text, str)]
    return _by_id(texts) if len(texts) == len(named) else None


def is_tag_name(name: str) -> bool:
    """Whether a tag may be called so."""
    return _TAG_NAME.fullmatch(name) is not None


def _named(item: JsonValue, place: int) -> tuple[str, JsonValue]:
    """Return the id and the text of a list's item."""
    if not isinstance(item, dict):
        return str(place), item
    name = next((item[key] for key in _ID_KEYS if isinstance(item.get(key), (str, int))), place)
    return str(name), next((item[key] for key in _TEXT_KEYS if key in item), None)


def _by_id(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return sources by id, those of one id joined, without blank ones."""
    texts: dict[str, list[str]] = {}
    for name, text in named:
        if text.strip():
            texts.setdefault(name.lower(), []).append(text)
    return {name: "\n\n".join(parts) for name, parts in texts.items()}


def _is_given(turn: Mapping[str, JsonValue]) -> bool:
    """Whether a turn is not the model's own."""
    return turn.get("role") not in ("assistant", "nova_assistant")


def _text_of(content: JsonValue) -> str:
    """Return a turn's text: a string as it is, text parts joined."""
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    return "".join(text for text in texts if isinstance(text, str))


def _between(text: str, tag: str) -> list[str]:
    """Return what stands between a tag and its end."""
    found = []
    start = text.find(f"<{tag}>")
    while start >= 0:
        start += len(tag) + 2
        end = text.find(f"</{tag}>", start)
        if end < 0:
            break
        found.append(text[start:end])
        start = text.find(f"<{tag}>", end)
    return found

"""What `format` demands: texts, headings and tags."""

import re
from collections.abc import Sequence

from rft_contract.json_value import JsonObject, JsonValue
from rft_rewards.sections import heading_name
from rft_runtime.alignment.pattern_text import plain_texts
from rft_runtime.alignment.prompt import Mention
from rft_runtime.alignment.requirement import Mentioned, Requirement
from rft_runtime.alignment.wording import literal, words_in_a_row

_ANSWER_TAG = re.compile(
    r"<(?:think|thinking|thought|reasoning|rationale|scratchpad|analysis|explanation|answer|final_answer|solution|result|"
    r"output|response)>",
    re.IGNORECASE,
)


def format_requirements(options: JsonObject) -> list[Requirement]:
    """Return what `format` wants to be told. What it forbids need not be told: nobody is asked for it.

    Args:
        options: Its options.
    """
    required, blocks = _texts(options.get("required")), _texts(options.get("blocks"))
    found: list[Requirement] = []
    patterns = {f"`{texts[0]}`": _any(texts, pattern) for pattern in required if (texts := _told_texts(pattern))}
    if patterns:
        found.append(Mentioned("the texts that its answer must have", patterns))
    if sections := _texts(options.get("sections")):
        found.append(headings(sections))
    if blocks:
        tags = {f"<{name}>": literal(f"<{name}>", case_sensitive=False) for name in blocks}
        found.append(Mentioned("the tags that its answer must have", tags, _other_tag))
    return found


def headings(names: Sequence[str]) -> Requirement:
    """Return that every one of some headings is named."""
    items = {f"`{name}`": words_in_a_row(heading_name(name)) for name in names}
    return Mentioned("the headings that its answer must have", items)


def _told_texts(pattern: str) -> list[str]:
    """Return the texts of which a prompt must show one; the longest alone where all of them must be there."""
    texts = plain_texts(pattern)
    return texts if "|" in pattern else sorted(texts, key=len, reverse=True)[:1]


def _any(texts: Sequence[str], pattern: str) -> Mention:
    """Return a mention of one of some texts."""
    mentions = [literal(text, case_sensitive=not re.match(r"\(\?[msU]*i", pattern)) for text in texts]
    return lambda text: any(mention(text) for mention in mentions)


def _other_tag(text: str) -> str | None:
    """Name a tag for reasoning or answers that a text asks for."""
    found = _ANSWER_TAG.search(text) if "<" in text else None
    return None if found is None else found[0].lower()


def _texts(value: JsonValue) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []

"""The form in which a prompt asks for its answer: a reward that does not read it pays for disobedience."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_HASHES = re.compile(
    r"(?<=[^\s#] )####(?!#)|(?<!#)####(?!#)\s*(?:[\"'`.<\[{(]|$|\d|(?:answer|your|and|then|followed|number)\b)",
    re.MULTILINE | re.IGNORECASE,
)
"""Four of them within a line, where no heading begins, or before what can only be an answer."""

_WORD_ENDS = (
    "answer",
    "result",
    "label",
    "category",
    "class",
    "gement",
    "gment",
    "verdict",
    "output",
    "solution",
    "response",
)
_WORD = r"(?:final[ _]?)?(?:answer|result|label|category|class|judge?ment|verdict|output|solution|response)"
_LONGEST_WORD = 20
_TAG = re.compile(rf"<({_WORD})>", re.IGNORECASE)
_MARKER = re.compile(rf"(?<![\w<])({_WORD}:)\s*(?=[<\[{{\"'`]|your\b|\.\.\.|…|$)", re.MULTILINE | re.IGNORECASE)
_JSON_KEY = re.compile(rf"\{{[^{{}}]{{0,200}}\"({_WORD})\"\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AskedForm:
    r"""A form.

    Args:
        name: How people call it, such as `\boxed{}`.
        before: What stands before an answer in it.
        after: What stands behind.
        is_json: Whether the answer is a JSON text between them.
    """

    name: str
    before: str
    after: str = ""
    is_json: bool = False

    def write(self, answer: str) -> str:
        """Return an answer in this form."""
        return f"{self.before}{json.dumps(answer, ensure_ascii=False) if self.is_json else answer}{self.after}"


def asked_forms(instructions: str) -> Iterator[AskedForm]:
    """Yield the forms that a prompt names.

    Args:
        instructions: What the prompt says outside of assistants' turns.
    """
    hashes = instructions.find("####")
    if hashes >= 0 and _HASHES.search(instructions, hashes):
        yield AskedForm("####", "Step by step.\n#### ")
    if "\\boxed" in instructions:
        yield AskedForm("\\boxed{}", "Step by step. \\boxed{", "}")
    for tag in dict.fromkeys(_TAG.findall(instructions) if "<" in instructions else ()):
        if f"</{tag}>" in instructions or f"<{tag}> tag" in instructions:
            yield AskedForm(f"<{tag}>", f"<{tag}>", f"</{tag}>")
    first = _first_word_with_a_colon(instructions)
    for marker in dict.fromkeys(_MARKER.findall(instructions, max(0, first - _LONGEST_WORD)) if first >= 0 else ()):
        yield AskedForm(marker, f"Step by step.\n{marker} ")
    for key in dict.fromkeys(_JSON_KEY.findall(instructions) if "{" in instructions else ()):
        yield AskedForm(f'{{"{key}": ...}}', f'{{"{key}": ', "}", is_json=True)


def _first_word_with_a_colon(instructions: str) -> int:
    """Return about where one stands first, or -1; to look for plain text is a hundred times faster than a search."""
    if ":" not in instructions:
        return -1
    lowered = instructions.lower()
    return min((place for end in _WORD_ENDS if (place := lowered.find(f"{end}:")) >= 0), default=-1)

"""A prompt, as far as it can tell the model a form."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import msgspec

from rft_contract.json_value import JsonValue
from rft_dataset.records import Row

Answer = TypeVar("Answer")

LONGEST_END = 20_000
"""Characters at each end of the system's, the user's and the assistant's text that are looked at."""

Mention = Callable[[str], object]
"""Tells whether a text mentions something: a truthy value. Made once and kept, since answers are remembered by it."""

Rival = Callable[[str], str | None]
"""Names the form that a text asks for; None when it asks for none. It quotes nothing but words that it looks for."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a row tells the model.

    Args:
        system: The system turn.
        user: The user's turns. What tools returned is data, and is left out.
        shown: The assistant's turns, which show by example how it answers.
        tools: Names of the tools that the row offers; None when it has no `tools`.
        raw_reference: The row's `reference_answer`, as JSON; empty when absent.
    """

    system: str
    user: str
    shown: str
    tools: tuple[str, ...] | None
    raw_reference: bytes

    @classmethod
    def of(cls, row: Row) -> "Prompt":
        """Return the prompt of a sound row."""
        texts: dict[str, list[str]] = {"system": [], "user": [], "assistant": [], "tool": []}
        for message in row.messages:
            texts["system" if message.role == "developer" else message.role].append(message.text())
        return cls(
            system=_ends("\n".join(texts["system"])),
            user=_ends("\n".join(texts["user"])),
            shown=_ends("\n".join(texts["assistant"])),
            tools=None if row.tools is None else tuple(tool.function.name for tool in row.tools),
            raw_reference=bytes(row.reference_answer),
        )

    @property
    def reference(self) -> JsonValue:
        """The reference answer; None when there is none, or it is beyond reading."""
        try:
            value: JsonValue = msgspec.json.decode(self.raw_reference) if self.raw_reference else None
        except (msgspec.DecodeError, RecursionError):
            return None
        return value

    def mentions(self, mention: Mention) -> bool:
        """Whether something is said in it, or shown by an example."""
        said = _answer(mention, self.system) or mention(self.user)
        return bool(said or (self.shown and mention(self.shown)))

    def asks(self, rival: Rival) -> str | None:
        """Return the form that it asks for; examples ask for nothing."""
        return _answer(rival, self.system) or rival(self.user)


def _ends(text: str) -> str:
    """Return a text without the middle of a long one: instructions stand before or after a document."""
    return text if len(text) <= 2 * LONGEST_END else f"{text[:LONGEST_END]}\n{text[-LONGEST_END:]}"


@lru_cache(maxsize=256)  # most rows of a dataset share their system turn
def _answer(question: Callable[[str], Answer], text: str) -> Answer:
    """Return what a question says of a text."""
    return question(text)

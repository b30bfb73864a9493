"""The tickets: messages to a shop, each written separately, sorted by the department that should answer."""

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

LABELS = ("billing", "delivery", "account", "returns", "technical", "sales")

Split: TypeAlias = Literal["train", "validation", "held_out"]

SPLITS: tuple[Split, ...] = ("train", "validation", "held_out")


class Ticket(msgspec.Struct, frozen=True):
    """One message and where it belongs.

    Args:
        label: The department.
        text: The message.
    """

    label: str
    text: str


def tickets(split: Split) -> list[Ticket]:
    """Return a split's tickets, the labels taking turns, so that every batch in file order is balanced."""
    columns = [_messages(label)[split] for label in LABELS]
    return [Ticket(label, text) for row in zip(*columns, strict=True) for label, text in zip(LABELS, row, strict=True)]


def _messages(label: str) -> dict[Split, list[str]]:
    path = Path(__file__).parent / "tickets" / f"{label}.json"
    return msgspec.json.decode(path.read_bytes(), type=dict[Split, list[str]])

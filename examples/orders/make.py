"""Writes the orders datasets: `python -m examples.orders.make`, from the root of the repository."""

from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from examples.chat_row import ChatMessage, ChatRow, jsonl

FOLDER = Path(__file__).parent

SplitName: TypeAlias = Literal["train", "validation", "held_out"]


class Quantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many.

    Args:
        written: As the message says it, in words or digits.
        number: As the reference answer says it.
    """

    written: str
    number: int


class Split(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one split's messages are built of.

    Row n takes entry n of every list, and starts again where a list ends. The lengths of the lists, and of the
    quantities, have no common factor: so no combination repeats, and entries are used equally often, without chance.

    Args:
        rows: Messages to write.
        forms: Sentence forms with the slots name, city, qty and items.
        names: Of customers.
        items: As the message and the reference answer call them.
        cities: Where the order goes; the reference answer leaves them out.
    """

    rows: int
    forms: tuple[str, ...]
    names: tuple[str, ...]
    items: tuple[str, ...]
    cities: tuple[str, ...]


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `words.json`.

    Args:
        prompt: The instruction and one worked example, before every message.
        quantities: Shared by all splits.
        splits: Their forms, names, items and cities are disjoint.
    """

    prompt: tuple[ChatMessage, ...]
    quantities: tuple[Quantity, ...]
    splits: dict[SplitName, Split]


def words() -> Words:
    """Return the content of `words.json`."""
    return msgspec.json.decode((FOLDER / "words.json").read_bytes(), type=Words)


def rows(source: Words, split_name: SplitName) -> list[ChatRow]:
    """Return a split's rows: the prompt's turns, then the order as the user's message."""
    split = source.splits[split_name]
    return [_row(source, split, index, f"orders-{split_name}-{index + 1:03d}") for index in range(split.rows)]


def _row(source: Words, split: Split, index: int, row_id: str) -> ChatRow:
    name = split.names[index % len(split.names)]
    items = split.items[index % len(split.items)]
    city = split.cities[index % len(split.cities)]
    quantity = source.quantities[index % len(source.quantities)]
    form = split.forms[index % len(split.forms)]
    message = form.format(name=name, items=items, city=city, qty=quantity.written)
    return ChatRow(
        id=row_id,
        messages=(*source.prompt, ChatMessage(role="user", content=message)),
        reference_answer={"name": name, "item": items, "qty": quantity.number},
    )


def files() -> dict[str, bytes]:
    """Return each dataset's file name and content."""
    source = words()
    return {f"{name}.jsonl": jsonl(rows(source, name)) for name in source.splits}


def main() -> None:
    """Write the files beside this module."""
    for name, content in files().items():
        (FOLDER / name).write_bytes(content)
        print(f"{FOLDER / name}: {len(content.splitlines())} rows")


if __name__ == "__main__":
    main()

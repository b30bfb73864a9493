"""One line of a dataset for Amazon Bedrock RFT: the chat messages of a prompt and its reference answer."""

from collections.abc import Iterable
from typing import Literal

import msgspec


class ChatMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One turn.

    Args:
        role: Who speaks; the roles that Bedrock allows in a dataset.
        content: What is said.
    """

    role: Literal["system", "user", "assistant"]
    content: str


class ChatRow(msgspec.Struct, frozen=True):
    """One prompt (https://docs.aws.amazon.com/bedrock/latest/userguide/rft-prepare-data.html).

    Args:
        id: Unique within the file.
        messages: The conversation up to where the assistant shall speak.
        reference_answer: What the grader compares the answer with.
    """

    id: str
    messages: tuple[ChatMessage, ...]
    reference_answer: dict[str, str | int]


def jsonl(rows: Iterable[ChatRow]) -> bytes:
    """Return the rows as JSON lines, the same bytes for the same rows."""
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)

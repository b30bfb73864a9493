"""A row of a Bedrock RFT dataset, as types that the decoder checks.

Sources: Bedrock user guide, "Prepare your training data" (messages, roles, `reference_answer`, extra top-level fields
reach the reward function), and the checks of AWS's own Nova Forge SDK (no extra keys inside a message, shape of
`tools`).
"""

from typing import Literal

import msgspec

Role = Literal["system", "developer", "user", "assistant", "tool"]
"""Who speaks; `developer` is another name for `system`."""


class TextPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a turn. RFT is text only.

    Args:
        type: `text`.
        text: The text.
    """

    type: Literal["text"]
    text: str


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One turn of the prompt.

    Args:
        role: Who speaks.
        content: The text, whole or in parts; None only beside `tool_calls`.
        tool_calls: Calls that an assistant turn made.
        tool_call_id: The call that a tool turn answers.
    """

    role: Role
    content: str | list[TextPart] | None = None
    tool_calls: list[msgspec.Raw] | None = None
    tool_call_id: str | None = None

    def text(self) -> str:
        """Return the turn's text, parts joined."""
        if isinstance(self.content, list):
            return "".join(part.text for part in self.content)
        return self.content or ""


class Function(msgspec.Struct, frozen=True):
    """A function that the model may call.

    Args:
        name: Its name.
        description: What it does.
        parameters: JSON schema of its arguments.
    """

    name: str
    description: str
    parameters: dict[str, msgspec.Raw]


class Tool(msgspec.Struct, frozen=True):
    """A tool of a row.

    Args:
        type: `function`.
        function: The function.
    """

    type: Literal["function"]
    function: Function


class Row(msgspec.Struct, frozen=True):
    """One line of a dataset. Fields that are not named here are allowed.

    Args:
        messages: The prompt.
        reference_answer: Any JSON; what the reward function compares with. Empty when absent.
        id: The author's name for the row.
        tools: What the model may call.
        rft: The field that Freeze writes. Empty when absent.
        group: What rows of one source share (a document, a conversation), as JSON. Empty when absent.
        difficulty: How hard the row is, as JSON; `difficulty_level` is another name for it. Empty when absent.
        difficulty_level: As in AWS's examples.
    """

    messages: list[Message]
    reference_answer: msgspec.Raw = msgspec.Raw(b"")
    id: str | None = None
    tools: list[Tool] | None = None
    rft: msgspec.Raw = msgspec.Raw(b"")
    group: msgspec.Raw = msgspec.Raw(b"")
    difficulty: msgspec.Raw = msgspec.Raw(b"")
    difficulty_level: msgspec.Raw = msgspec.Raw(b"")

    def system(self) -> str:
        """Return the text of the system turn; empty when there is none."""
        first = self.messages[0]
        return first.text() if first.role in ("system", "developer") else ""

    def asked(self) -> str:
        """Return what makes the prompt this one: roles and texts of all turns but the system's, a line each."""
        turns = (turn for turn in self.messages if turn.role not in ("system", "developer"))
        return "\n".join(f"{turn.role}\n{turn.text()}" for turn in turns)

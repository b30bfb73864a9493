"""A row of a Bedrock RFT dataset, as types that the decoder checks.

Sources: Bedrock user guide, "Prepare your training data" (messages, roles, `reference_answer`, extra top-level fields
reach the reward function), and the checks of AWS's own Nova Forge SDK (no extra keys inside a message, shape of
`tools`). The guide names the roles user, system and assistant, in small letters; the SDK adds developer and tool, and
makes capitals small before it uploads, which Bedrock is not known to do, so capitals are refused here.

Structs without `gc` are left alone by Python's cycle collector, which would otherwise look at each row again and again.
"""

from typing import Literal

import msgspec

Role = Literal["system", "developer", "user", "assistant", "tool"]
"""Who speaks; `developer` is another name for `system`."""


class TextPart(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A part of a turn. RFT is text only.

    Args:
        type: `text`.
        text: The text.
    """

    type: Literal["text"]
    text: str


class Message(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
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
        content = self.content
        if isinstance(content, list):
            return "".join([part.text for part in content])
        return content or ""


class Parameters(msgspec.Struct, frozen=True):
    """JSON schema of a function's arguments, as far as it is checked.

    Args:
        type: `object`.
        properties: Argument -> its schema.
        required: Arguments that a call must have.
    """

    type: Literal["object"]
    properties: dict[str, msgspec.Raw]
    required: list[str] = []


class Function(msgspec.Struct, frozen=True):
    """A function that the model may call.

    Args:
        name: Its name.
        description: What it does.
        parameters: Its arguments.
    """

    name: str
    description: str
    parameters: Parameters


class Tool(msgspec.Struct, frozen=True):
    """A tool of a row.

    Args:
        type: `function`.
        function: The function.
    """

    type: Literal["function"]
    function: Function


_NO_GROUP = frozenset({b"", b"null", b'""'})


class Row(msgspec.Struct, frozen=True, gc=False):
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

    def has_group(self) -> bool:
        """Return whether it says what source it shares with other rows."""
        return bytes(self.group) not in _NO_GROUP

    def system(self) -> str:
        """Return the text of the system turn; empty when there is none."""
        first = self.messages[0]
        return first.text() if first.role in ("system", "developer") else ""

    def asked(self) -> str:
        """Return what makes the prompt this one: roles and texts of all turns but the system's, a line each."""
        turns = (turn for turn in self.messages if turn.role not in ("system", "developer"))
        return "\n".join(f"{turn.role}\n{turn.text()}" for turn in turns)


def folded(text: str) -> str:
    """Return a text without case, and with one space for any whitespace: what is the same then asks the same."""
    return " ".join(text.casefold().split())

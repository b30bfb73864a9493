"""What is sent in place of a model's completion."""

from dataclasses import dataclass

from rft_contract.json_value import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Turn:
    """A generated turn.

    Args:
        text: Its text.
        tool_calls: Its calls, in the form of chat completions.
    """

    text: str
    tool_calls: tuple[JsonObject, ...] = ()

    def to_message(self) -> JsonObject:
        """Return the message that ends an event's conversation."""
        message: JsonObject = {"role": "assistant", "content": self.text}
        if self.tool_calls:
            message["tool_calls"] = list(self.tool_calls)
        return message

    @classmethod
    def from_json(cls, value: JsonValue) -> "Turn":
        """Read a completion: a text, or a message with `content` and `tool_calls`.

        Raises:
            ValueError: When it is neither.
        """
        if isinstance(value, str):
            return cls(value)
        if isinstance(value, dict):
            content, calls = value.get("content", ""), value.get("tool_calls", [])
            if isinstance(content, str) and isinstance(calls, list) and (content or calls):
                return cls(content, tuple(call for call in calls if isinstance(call, dict)))
        raise ValueError("completion: wanted a text, or an object with `content` or `tool_calls`")


@dataclass(frozen=True, slots=True)
class Probe:
    """A named turn.

    Args:
        name: What it tries, in kebab case.
        turn: What is sent.
        quotable: Whether a certificate may quote it: not when it repeats the prompt.
        partly_right: Whether it may earn something, so that it need only score less than the gold.
    """

    name: str
    turn: Turn
    quotable: bool = True
    partly_right: bool = False


EMPTY = Probe("empty", Turn(""))
REFUSAL = Probe("refusal", Turn("I'm sorry, but I can't help with that."))
"""What every reward is tried with."""

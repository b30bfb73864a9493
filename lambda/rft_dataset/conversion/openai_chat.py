"""Rows of OpenAI's reinforcement fine-tuning.

Source: OpenAI API reference, "Reinforcement fine-tuning input" (`messages` and `tools` are the only reserved fields;
every other one is at hand for graders as `{{ item.FIELD }}`; input messages hold text or images).
"""

from dataclasses import dataclass

from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.conversion.chat import read_chat
from rft_dataset.conversion.record import Unconvertible
from rft_dataset.field_path import field_at

_RESERVED = frozenset(("messages", "tools"))


@dataclass(frozen=True, kw_only=True)
class OpenAiChat:
    """How rows of OpenAI become rows of Bedrock.

    `developer` turns become `system` ones, and a number that is an `id` a text. All fields stay where they are, so that
    what a grader read as `item.FIELD` reaches the reward function as `metadata.FIELD`.

    Args:
        reference: Path of the field that is the `reference_answer`, as in `item.reference.value` with or without
            `item.`. None: the rows have the field `reference_answer`.
        cut_answers: Whether a last turn of the assistant's is cut off, which is refused otherwise. Its text is the
            reference of a row that has no other.
    """

    reference: str | None = None
    cut_answers: bool = False

    def row(self, line: int, record: JsonObject) -> JsonObject:
        """Return the row of a record.

        Args:
            line: Its line number, from 1; not used.
            record: The record.

        Raises:
            Unconvertible: When it has no prompt that Bedrock RFT takes, or not the field that was named.
        """
        messages = record.get("messages")
        if not isinstance(messages, list):
            raise Unconvertible("no list in the field messages")
        answer: JsonValue = None
        if _is_answered(messages):
            if not self.cut_answers:
                raise Unconvertible("the last turn is the assistant's; --cut-answers cuts it off")
            messages, answer = messages[:-1], _text(messages[-1])
        chat = read_chat({"messages": messages, "tools": record.get("tools")})
        row: JsonObject = {name: value for name, value in record.items() if name not in _RESERVED}
        reference = self._reference(row)
        row["reference_answer"] = answer if reference is None else reference
        if row["reference_answer"] is None:
            raise Unconvertible(f"no field {self.reference or 'reference_answer; --reference names another one'}")
        if isinstance(number := row.get("id"), int):
            row["id"] = str(number)
        made: JsonObject = {"messages": list(chat.messages)}
        return {**made, **({"tools": chat.tools} if chat.tools else {}), **row}

    def _reference(self, row: JsonObject) -> JsonValue:
        """Return the reference; None when the row has none."""
        path = self.reference or "reference_answer"
        value = field_at(row, path)
        return field_at(row, path.removeprefix("item.")) if value is None else value


def _is_answered(messages: list[JsonValue]) -> bool:
    """Whether the last turn is the assistant's."""
    last = messages[-1] if messages else None
    return isinstance(last, dict) and last.get("role") == "assistant"


def _text(turn: JsonValue) -> JsonValue:
    """Return the text of a turn; None when it is not a text alone."""
    return turn.get("content") if isinstance(turn, dict) and isinstance(turn.get("content"), str) else None

"""A row of the dataset, and the events that are made of it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.rollout_mark import FIELD, RolloutMark
from rft_runtime.certification.probe import Turn
from rft_runtime.reward_events import text_of

GOLD_FIELD = "rft_gold"
"""Field of a row with a completion that its reward should call right; it is never sent along."""

PHASE = "certify"
_REFUSES = re.compile(
    r"\b(?:sorry|can(?:no|['’]?)t|unable|(?:won|don|shouldn)['’]?t|will not|must not|declin\w+|refus\w+|not able)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt.

    Args:
        line: Its line in the dataset, from 1.
        fields: The row.
        is_case: Whether it is a case of the author's, so that `line` is its number among them.
    """

    line: int
    fields: JsonObject
    is_case: bool = False

    @property
    def reference(self) -> JsonValue:
        """The reference answer as the reward gets it; None when there is none."""
        return self.fields.get("reference_answer")

    @property
    def turns(self) -> list[JsonObject]:
        """The prompt's turns."""
        messages = self.fields.get("messages")
        return [turn for turn in messages if isinstance(turn, dict)] if isinstance(messages, list) else []

    @property
    def prompt(self) -> str:
        """The text of all turns."""
        return "\n".join(text_of(turn.get("content")) for turn in self.turns)

    @property
    def instructions(self) -> str:
        """The text of what was not said by an assistant: where a prompt asks for a form."""
        return "\n".join(text_of(turn.get("content")) for turn in self.turns if turn.get("role") != "assistant")

    @property
    def written_gold(self) -> Turn | None:
        """The completion that the row itself brings as right; None when it brings none."""
        try:
            return Turn.from_json(self.fields.get(GOLD_FIELD))
        except ValueError:
            return None

    def item(self, identity: str, turn: Turn) -> JsonObject:
        """Return the element of an event that carries a completion of this prompt.

        Args:
            identity: Its id.
            turn: The completion.
        """
        metadata = {name: value for name, value in self.fields.items() if name not in ("messages", GOLD_FIELD)}
        mark = RolloutMark.from_json(metadata.get(FIELD)) or RolloutMark(run=PHASE, split="train", row=self.line - 1)
        metadata[FIELD] = RolloutMark(run=mark.run, split=mark.split, row=mark.row, phase=PHASE).to_json()
        return {"id": identity, "messages": [*self.turns, turn.to_message()], "metadata": metadata}


Rows = Callable[[], Iterator[Row]]
"""A dataset that can be read again and again."""


def refuses(turn: Turn) -> bool:
    """Whether a completion is itself a refusal, so that another one cannot be called wrong."""
    return len(turn.text) < 400 and _REFUSES.search(turn.text) is not None

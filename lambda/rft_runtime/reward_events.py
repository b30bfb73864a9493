"""The event that Bedrock sends to a reward function, and the response it expects.

Both are bare JSON arrays. Source: Bedrock user guide, "Setting up reward functions for Amazon Nova models"; where AWS's
own samples disagree about a place or a form, every one of them is read. Standard library only.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rft_contract.json_value import JsonObject, JsonValue, canonical
from rft_contract.rollout_mark import FIELD, RolloutMark
from rft_rewards.sample import Sample

_REFERENCE = "reference_answer"
_GENERATED_ROLES = ("assistant", "nova_assistant")
_THINKING = re.compile(r"<(?P<close>/?)think(?:ing)?>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EventItem:
    """One rollout of an event.

    Args:
        id: What the response must echo, as given; `sample-<position>` where the event has none.
        answered: Whether the item has a generated turn.
        mark: Where the rollout belongs; None when the row was not frozen by this platform.
        sample: What the grader sees; its completion is empty when there is none.
    """

    id: JsonValue
    answered: bool
    mark: RolloutMark | None
    sample: Sample

    def group(self) -> str:
        """Return a key that a prompt's rollouts share: run, split and row, else the prompt's text and reference."""
        if self.mark is not None:
            return f"{self.mark.run}/{self.mark.split}/{self.mark.row}"
        turns = [
            [str(turn.get("role")), text_of(turn.get("content"))]
            for turn in self.sample.prompt
            if isinstance(turn, dict)
        ]
        try:
            reference = canonical(self.sample.reference)
        except (ValueError, RecursionError):
            reference = "not canonical"
        return canonical([turns, reference])


def read_event(event: JsonValue) -> list[EventItem]:
    """Read an event; each item is read in its place, whatever its form.

    Args:
        event: A list of `{"id", "messages", "metadata"}`.

    Raises:
        ValueError: When the event is not a list.
    """
    if not isinstance(event, list):
        raise ValueError(f"event: got {type(event).__name__}, wanted Bedrock's list of samples")
    return [_item(item if isinstance(item, dict) else {}, position) for position, item in enumerate(event)]


def text_of(content: JsonValue) -> str:
    """Return a turn's text: a string as it is, text parts joined, anything else left out."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return ""
    texts = [part.get("text") if isinstance(part, dict) else part for part in content]
    return "".join(text for text in texts if isinstance(text, str))


def without_reasoning(text: str) -> str:
    """Return a completion without its `<think>` or `<thinking>` blocks.

    An unclosed block runs to the end, and a closing tag alone ends a block that began in the prompt.
    """
    if "<" not in text:
        return text
    kept: list[str] = []
    position = 0
    inside = False
    for tag in _THINKING.finditer(text):
        if tag["close"]:
            if not inside:
                kept.clear()
            inside, position = False, tag.end()
        elif not inside:
            kept.append(text[position : tag.start()])
            inside = True
    if not inside:
        kept.append(text[position:])
    return "".join(kept).strip() if position or inside else text


def _item(item: JsonObject, position: int) -> EventItem:
    """Read one item of an event."""
    messages = item.get("messages")
    turns = messages if isinstance(messages, list) else []
    last = turns[-1] if turns else None
    turn = last if isinstance(last, dict) and last.get("role") in _GENERATED_ROLES else None
    text = text_of(turn.get("content")) if turn is not None else ""
    calls = turn.get("tool_calls") if turn is not None else None
    metadata = item.get("metadata")
    fields = metadata if isinstance(metadata, dict) else {}
    identity = item.get("id")
    return EventItem(
        id=f"sample-{position}" if identity is None else identity,
        answered=turn is not None,
        mark=RolloutMark.from_json(fields.get(FIELD)) or RolloutMark.from_json(item.get(FIELD)),
        sample=Sample(
            completion=without_reasoning(text),
            reference=_unwrapped(fields[_REFERENCE] if _REFERENCE in fields else item.get(_REFERENCE)),
            prompt=turns if turn is None else turns[:-1],
            tool_calls=calls if isinstance(calls, list) else (),
            with_reasoning=text,
            metadata={name: value for name, value in fields.items() if name not in (_REFERENCE, FIELD)},
        ),
    )


def _unwrapped(reference: JsonValue) -> JsonValue:
    """Return the text of `{"text": ...}`, the form in which the service delivers a reference that is a string."""
    if isinstance(reference, dict) and len(reference) == 1 and isinstance(reference.get("text"), str):
        return reference["text"]
    return reference


def result(sample_id: JsonValue, reward: float, metrics: Sequence[tuple[str, float]]) -> JsonObject:
    """Return one item of the response.

    Args:
        sample_id: The sample's id.
        reward: The score.
        metrics: Named numbers that are shown beside it.
    """
    return {
        "id": sample_id,
        "aggregate_reward_score": reward,
        "metrics_list": [{"name": name, "value": value, "type": "Metric"} for name, value in metrics],
    }

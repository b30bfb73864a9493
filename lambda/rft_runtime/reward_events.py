"""The event that Bedrock sends to a reward function, and the response it expects.

Both are bare JSON arrays. Source: Bedrock user guide, "Setting up reward functions for Amazon Nova models"; where AWS's
own samples disagree about a place or a form, every one of them is read. Standard library only.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rft_contract.json_value import JsonObject, JsonValue, canonical
from rft_contract.rollout_mark import FIELD, RolloutMark

_GENERATED_ROLES = ("assistant", "nova_assistant")
_THINKING = re.compile(r"<(?P<close>/?)think(?:ing)?>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sample:
    """One rollout of an event.

    Args:
        id: What the response must echo, as given; `sample-<position>` where the event has none.
        completion: The generated turn without its reasoning; None when the event's item has no such turn.
        characters: Length of the generated turn with its reasoning.
        reference: The row's reference answer; None when it has none.
        mark: Where the rollout belongs; None when the row was not frozen by this platform.
        prompt: The turns before the generated one, as given.
    """

    id: JsonValue
    completion: str | None
    characters: int
    reference: JsonValue
    mark: RolloutMark | None
    prompt: list[JsonValue]

    def group(self) -> str:
        """Return a key that a prompt's rollouts share: run, split and row, else the prompt's text and reference."""
        if self.mark is not None:
            return f"{self.mark.run}/{self.mark.split}/{self.mark.row}"
        turns = [
            [str(turn.get("role")), text_of(turn.get("content"))] for turn in self.prompt if isinstance(turn, dict)
        ]
        try:
            reference = canonical(self.reference)
        except (ValueError, RecursionError):
            reference = "not canonical"
        return canonical([turns, reference])


def read_event(event: JsonValue) -> list[Sample]:
    """Read an event; each item becomes a sample in its place, whatever its form.

    Args:
        event: A list of `{"id", "messages", "metadata"}`.

    Raises:
        ValueError: When the event is not a list.
    """
    if not isinstance(event, list):
        raise ValueError(f"event: got {type(event).__name__}, wanted Bedrock's list of samples")
    return [_sample(item if isinstance(item, dict) else {}, position) for position, item in enumerate(event)]


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


def _sample(item: JsonObject, position: int) -> Sample:
    """Read one item of an event."""
    messages = item.get("messages")
    turns = messages if isinstance(messages, list) else []
    last = turns[-1] if turns else None
    generated = isinstance(last, dict) and last.get("role") in _GENERATED_ROLES
    text = text_of(last.get("content")) if generated and isinstance(last, dict) else ""
    metadata = item.get("metadata")
    fields = metadata if isinstance(metadata, dict) else {}
    identity = item.get("id")
    return Sample(
        id=f"sample-{position}" if identity is None else identity,
        completion=without_reasoning(text) if generated else None,
        characters=len(text),
        reference=_unwrapped(
            fields["reference_answer"] if "reference_answer" in fields else item.get("reference_answer")
        ),
        mark=RolloutMark.from_json(fields.get(FIELD)) or RolloutMark.from_json(item.get(FIELD)),
        prompt=turns[:-1] if generated else turns,
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

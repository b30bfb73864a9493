"""The event that Bedrock sends to a reward function, and the response it expects.

Both are bare JSON arrays. Source: Bedrock user guide, "Setting up reward functions for Amazon Nova models"; where AWS's
own samples disagree about a place or a form, every one of them is read. Standard library only.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rft_contract.json_value import JsonObject, JsonValue, canonical
from rft_contract.rollout_mark import FIELD, RolloutMark
from rft_rewards.sample import Sample

_REFERENCE = "reference_answer"
_FRAME = frozenset(("id", "messages", "metadata", _REFERENCE, FIELD))
_WRAPPER = "trajectories"
_GENERATED_ROLES = ("assistant", "nova_assistant")
_TEXT_PARTS = (None, "text", "input_text", "output_text")
_THINKING = re.compile(r"<(?P<close>/?)think(?:ing)?>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EventItem:
    """One rollout of an event.

    Args:
        id: What the response must echo, as given; `sample-<position>` where the event has none that a response can
            carry.
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
            [text_of(turn.get("role")), text_of(turn.get("content"))]
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
        event: A list of `{"id", "messages", "metadata"}`; also `{"trajectories": [...]}`, which no document mentions,
            but AWS's sample graders for open-weight models are ready for it.

    Raises:
        ValueError: When there is no list.
    """
    samples = event.get(_WRAPPER) if isinstance(event, dict) else event
    if not isinstance(samples, list):
        raise ValueError(f"event: got {type(event).__name__}, wanted Bedrock's list of samples")
    return [_item(item if isinstance(item, dict) else {}, position) for position, item in enumerate(samples)]


def text_of(content: JsonValue) -> str:
    """Return a turn's text: a string as it is, text parts joined, anything else (reasoning parts too) left out."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return ""
    texts = [_part_text(part) if isinstance(part, dict) else part for part in content]
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


def _part_text(part: JsonObject) -> JsonValue:
    """Return the text of a part that is text, also where its type is not said."""
    return part.get("text") if part.get("type") in _TEXT_PARTS else None


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
    reference = fields.get(_REFERENCE)
    return EventItem(
        id=_identity(item.get("id"), position),
        answered=turn is not None,
        mark=RolloutMark.from_json(fields.get(FIELD)) or RolloutMark.from_json(item.get(FIELD)),
        sample=Sample(
            completion=without_reasoning(text),
            reference=_unwrapped(item.get(_REFERENCE) if reference is None else reference),
            prompt=turns if turn is None else turns[:-1],
            tool_calls=calls if isinstance(calls, list) else (),
            with_reasoning=text,
            metadata={name: value for name, value in item.items() if name not in _FRAME}
            | {name: value for name, value in fields.items() if name not in (_REFERENCE, FIELD)},
        ),
    )


def _identity(given: JsonValue, position: int) -> JsonValue:
    """Return what the response says of whom it speaks.

    Lambda's Python runtimes write responses as UTF-8 from 3.12 on (awslambdaric, `lambda_runtime_marshaller`), where
    half a surrogate pair would cost the whole event; NaN would be no JSON.
    """
    if given is not None and not isinstance(given, (list, dict)):
        try:
            canonical(given).encode()
        except ValueError:
            return f"sample-{position}"
        return given
    return f"sample-{position}"


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


def check_response(response: Sequence[JsonObject], items: Sequence[EventItem]) -> None:
    """Hold a response against its event before it leaves: every sample has one result, in order, of finite numbers.

    What a wrong response does to a job is not documented, so none is ever sent.

    Args:
        response: Results.
        items: The event's items.

    Raises:
        ValueError: When it is not so; the call then fails as a whole, and the service may retry it.
    """
    if len(response) != len(items):
        raise ValueError(f"response: got {len(response)} results for {len(items)} samples")
    for position, (entry, item) in enumerate(zip(response, items, strict=True)):
        if entry.get("id") != item.id:
            raise ValueError(f"response: result {position} has another sample's id")
        metrics = entry.get("metrics_list")
        listed = metrics if isinstance(metrics, list) else []
        numbers = [metric.get("value") for metric in listed if isinstance(metric, dict)]
        if not all(map(_is_finite, [entry.get("aggregate_reward_score"), *numbers])):
            raise ValueError(f"response: result {position} holds a number that is not finite")


def _is_finite(value: JsonValue) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)

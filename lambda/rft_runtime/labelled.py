"""Completions that people have labelled: one by one with a number, or in pairs with the better one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from rft_contract.json_value import JsonObject, JsonValue

_SIDES = {"first": 1, "second": -1, "tie": 0}
_ANNOTATORS = ("annotator1", "annotator2", "annotator3")
_ANNOTATIONS = {1: 1, 2: -1, 0: 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledItem:
    """A completion with a label.

    Args:
        prompt: The turns before it.
        completion: The text.
        label: How good people found it; more is better, on any scale.
        reference: What the judge is given besides.
    """

    prompt: Sequence[JsonValue]
    completion: str
    label: float
    reference: JsonValue = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPair:
    """Two completions of one prompt.

    Args:
        prompt: The turns before them.
        first: One text.
        second: The other.
        label: 1 when people found the first one better, -1 the second one, 0 neither.
        reference: What the judge is given besides.
    """

    prompt: Sequence[JsonValue]
    first: str
    second: str
    label: int
    reference: JsonValue = None


def read_labelled(text: str) -> list[LabelledItem] | list[LabelledPair]:
    """Read labelled completions.

    Args:
        text: JSON Lines, each either `{"prompt", "completion", "label": number, "reference_answer"?}` or
            `{"prompt", "first", "second", "label": "first" | "second" | "tie", "reference_answer"?}`, where a prompt is
            a text or a list of turns; or PandaLM's JSON array of pairs with three annotators each, whose majority
            counts (github.com/WeOpenML/PandaLM; without one it is a tie).

    Raises:
        ValueError: One line with the place, when a row has another form, or both forms appear.
    """
    if text.lstrip().startswith("["):
        array = _json(text, "file")
        rows = [(f"row {number}", row) for number, row in enumerate(array if isinstance(array, list) else [], start=1)]
    else:
        lines = enumerate(text.splitlines(), start=1)
        rows = [(f"line {number}", _json(line, f"line {number}")) for number, line in lines if line.strip()]
    read = [_read(row, place) for place, row in rows]
    items = [one for one in read if isinstance(one, LabelledItem)]
    pairs = [one for one in read if isinstance(one, LabelledPair)]
    if items and pairs:
        raise ValueError(f"got {len(items)} single completions and {len(pairs)} pairs, wanted one kind")
    return items or pairs


def _read(row: JsonValue, place: str) -> LabelledItem | LabelledPair:
    if not isinstance(row, dict):
        raise ValueError(f"{place}: got {type(row).__name__}, wanted an object")
    if "annotator1" in row:
        return _pandalm(row, place)
    prompt, label = _prompt(row.get("prompt"), place), row.get("label")
    reference = row.get("reference_answer")
    if "completion" in row:
        if isinstance(label, bool) or not isinstance(label, (int, float)):
            raise ValueError(f"{place}: label: got {label!r}, wanted a number")
        completion = _text(row, "completion", place)
        return LabelledItem(prompt=prompt, completion=completion, label=float(label), reference=reference)
    if not isinstance(label, str) or label not in _SIDES:
        raise ValueError(f"{place}: label: got {label!r}, wanted {', '.join(_SIDES)}")
    first, second = _text(row, "first", place), _text(row, "second", place)
    return LabelledPair(prompt=prompt, first=first, second=second, label=_SIDES[label], reference=reference)


def _pandalm(row: JsonObject, place: str) -> LabelledPair:
    """Read a row of PandaLM's test set, where the answer `True` is a boolean."""
    row = {name: str(value) if isinstance(value, bool) else value for name, value in row.items()}
    votes = [_ANNOTATIONS.get(vote) if isinstance(vote := row.get(name), int) else None for name in _ANNOTATORS]
    if None in votes:
        raise ValueError(f"{place}: annotators: got {[row.get(name) for name in _ANNOTATORS]}, wanted 0, 1 or 2 each")
    majority = next((vote for vote in (1, -1, 0) if votes.count(vote) > 1), 0)
    request = "\n\n".join(part for part in (_text(row, "instruction", place), str(row.get("input") or "")) if part)
    return LabelledPair(
        prompt=_prompt(request, place),
        first=_text(row, "response1", place),
        second=_text(row, "response2", place),
        label=majority,
    )


def _prompt(prompt: JsonValue, place: str) -> list[JsonValue]:
    if isinstance(prompt, str) and prompt.strip():
        return [{"role": "user", "content": prompt}]
    if isinstance(prompt, list) and prompt and all(isinstance(turn, dict) for turn in prompt):
        return prompt
    raise ValueError(f"{place}: prompt: wanted a text or a list of turns")


def _text(row: JsonObject, name: str, place: str) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{place}: {name}: got {type(value).__name__}, wanted a text")
    return value


def _json(text: str, place: str) -> JsonValue:
    try:
        value: JsonValue = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{place}: not JSON: {error}") from None
    return value

"""The grader `json_fields`: a JSON object, with partial credit."""

import json
from collections.abc import Iterator, Sequence

from rft_contract.json_value import JsonObject, JsonValue, canonical
from rft_rewards.json_text import UnreadableJson, read_object
from rft_runtime.certification.kind import BARE, Frame, Kind
from rft_runtime.certification.own_grader import OwnGrader
from rft_runtime.certification.probe import Probe, Turn

_FRAMES = (
    BARE,
    Frame("fenced", "```json\n", "\n```"),
    Frame("after-prose", "Here is the object that you asked for:\n\n"),
    Frame("before-prose", "", "\n\nTell me if you need anything else."),
)
_MANY = 30


class FieldsKind(Kind):
    """An object, field by field."""

    pass_at = 0.9
    margin = 0.2
    needs_reference = True

    def __init__(self, name: str, options: JsonObject) -> None:
        super().__init__(name, options)
        self._grader = OwnGrader("json_fields", options)

    @property
    def frames(self) -> Sequence[Frame]:
        """Return where the grader finds an answer."""
        return _FRAMES

    def key(self, reference: JsonValue) -> str | None:
        """Return what references with the same answer share."""
        gold = self._gold(reference)
        return None if gold is None else canonical(gold)

    def distance(self, reference: JsonValue, other: JsonValue) -> float:
        """Return how much of the score an answer to `other` loses."""
        gold = self._gold(other)
        return 0.0 if gold is None else 1 - self._grader.worth(json.dumps(gold), reference)

    def says(self, text: str, reference: JsonValue) -> bool:
        """Whether a text gives the right answer by accident."""
        return self._grader.worth(text, reference) > 1 - self.margin

    def writings(self, reference: JsonValue) -> Sequence[tuple[str, str]]:
        """Return ways to write the right answer."""
        gold = self._gold(reference)
        if gold is None:
            return ()
        return [
            ("plain", json.dumps(gold, ensure_ascii=False)),
            ("indented", json.dumps(gold, ensure_ascii=False, indent=2)),
            ("compact", json.dumps(gold, ensure_ascii=False, separators=(",", ":"))),
            ("escaped", json.dumps(gold, ensure_ascii=True)),
            ("other-order", json.dumps(dict(reversed(gold.items())), ensure_ascii=False)),
            ("decimals", json.dumps({name: _decimal(value) for name, value in gold.items()}, ensure_ascii=False)),
        ]

    def mixtures(self, reference: JsonValue, others: Sequence[JsonValue], frame: Frame) -> Iterator[Probe]:
        """Yield the right answer beside wrong ones."""
        gold = self._gold(reference)
        wrong = [found for other in others if (found := self._gold(other)) is not None and found != gold]
        if gold is None or not wrong:
            return
        listed = [*wrong[:1], gold, *wrong[1:3]]
        lines = "\n".join(frame.around(json.dumps(one, ensure_ascii=False)) for one in listed)
        yield Probe("hidden-gold", Turn(lines))
        merged: JsonObject = {
            name: list(dict.fromkeys(str(one.get(name)) for one in [gold, *wrong[:6]])) for name in gold
        }
        yield Probe("all-answers", Turn(frame.around(json.dumps(merged, ensure_ascii=False))))

    def hacks(self, reference: JsonValue, others: Sequence[JsonValue], frame: Frame) -> Iterator[Probe]:
        """Yield what has fooled such graders."""
        gold = self._gold(reference)
        if gold is None:
            return
        made: dict[str, JsonValue] = {
            "empty-object": {},
            "keys-alone": dict.fromkeys(gold, ""),
            "all-null": dict.fromkeys(gold),
            "schema-instead": {name: {"type": "string"} for name in gold},
            "array-of-it": [gold],
        }
        for name, value in made.items():
            text = json.dumps(value, ensure_ascii=False)
            if (
                name == "array-of-it" or self._grader.worth(text, reference) <= 1 - self.margin
            ):  # golds may be empty or null
                yield Probe(name, Turn(frame.around(text)))
        if self.options.get("extra") != "ignore":
            flood = {**gold, **{f"guess_{number}": number for number in range(_MANY * len(gold))}}
            yield Probe("guessed-fields", Turn(frame.around(json.dumps(flood, ensure_ascii=False))))
        text = json.dumps(gold, ensure_ascii=False)
        yield Probe("broken-json", Turn(frame.around(text[:-1])))
        yield Probe("values-in-prose", Turn(", ".join(str(value) for value in gold.values())))
        twice = text[:-1] + ", " + text[1:]
        yield Probe("every-key-twice", Turn(frame.around(twice)))

    def _gold(self, reference: JsonValue) -> JsonObject | None:
        """Return the reference's object, cut to the fields that count."""
        if isinstance(reference, str):
            try:
                read_object(reference)
                reference = json.loads(reference)
            except (UnreadableJson, ValueError):
                return None
        if not isinstance(reference, dict) or self._grader.worth(json.dumps(reference), reference) < 1:
            return None
        return reference


def _decimal(value: JsonValue) -> JsonValue:
    """Return a whole number as a decimal."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else value

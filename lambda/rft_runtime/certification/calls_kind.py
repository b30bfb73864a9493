"""The grader `tool_calls`: the next calls of an agent."""

import json
from collections.abc import Iterator, Sequence

from rft_contract.json_value import JsonObject, JsonValue, canonical
from rft_rewards.json_text import UnreadableJson, read_whole
from rft_runtime.certification.kind import Frame, Kind
from rft_runtime.certification.own_grader import OwnGrader
from rft_runtime.certification.probe import Probe, Turn

_IN_WORDS = "Everything is known already; no call is needed."
_REPEATED = 6


class CallsKind(Kind):
    """Calls, in the turn's own field, in tags, or in fences."""

    pass_at = 0.9
    margin = 0.2
    needs_reference = True

    def __init__(self, name: str, options: JsonObject) -> None:
        super().__init__(name, options)
        self._tag = str(options.get("tag", "tool_call"))
        self._grader = OwnGrader("tool_calls", options)

    def key(self, reference: JsonValue) -> str | None:
        """Return what references with the same answer share."""
        calls = self._calls(reference)
        return None if calls is None else canonical(calls)

    def gold(self, reference: JsonValue, frame: Frame) -> Turn | None:
        """Return a turn with the right calls in its own field."""
        calls = self._calls(reference)
        return None if calls is None else Turn("", structured(calls)) if calls else Turn(_IN_WORDS)

    def distance(self, reference: JsonValue, other: JsonValue) -> float:
        """Return how much of the score an answer to `other` loses."""
        calls = self._calls(other)
        return 0.0 if calls is None else 1 - self._grader.worth(self._tagged(calls) or _IN_WORDS, reference)

    def says(self, text: str, reference: JsonValue) -> bool:
        """Whether a text is right: any is, where no call is asked for."""
        return self._grader.worth(text, reference) > 1 - self.margin

    def writings(self, reference: JsonValue) -> Sequence[tuple[str, str]]:
        """Return ways to write the right answer into the text."""
        calls = self._calls(reference)
        if calls is None:
            return ()
        if not calls:
            return (("plain", _IN_WORDS),)
        return (("plain", self._tagged(calls)),)

    def renderings(self, reference: JsonValue, frame: Frame) -> Iterator[Probe]:
        """Yield the right calls in the text."""
        calls = self._calls(reference)
        if calls:
            listed = json.dumps(calls[0] if len(calls) == 1 else calls, ensure_ascii=False, indent=1)
            yield Probe("tags", Turn(self._tagged(calls)))
            yield Probe("tags-after-prose", Turn(f"Let me look.\n{self._tagged(calls)}"))
            yield Probe("fenced", Turn(f"```json\n{listed}\n```"))

    def mixtures(self, reference: JsonValue, others: Sequence[JsonValue], frame: Frame) -> Iterator[Probe]:
        """Yield the right calls among wrong ones."""
        calls = self._calls(reference)
        wrong = [call for other in others for call in self._calls(other) or []][:_REPEATED]
        if calls and wrong:
            yield Probe("all-answers", Turn("", structured([*wrong, *calls])), partly_right=len(wrong) < len(calls))
            text = self._tagged([*wrong[:3], *calls, *wrong[3:]])
            yield Probe("hidden-gold", Turn(text), partly_right=len(wrong) < len(calls))

    def hacks(self, reference: JsonValue, others: Sequence[JsonValue], frame: Frame) -> Iterator[Probe]:
        """Yield what has fooled such graders."""
        calls = self._calls(reference)
        if not calls:
            return
        bare: list[JsonValue] = [{"name": call["name"], "arguments": {}} for call in calls if isinstance(call, dict)]
        if self._grader.worth(self._tagged(bare), reference) <= 1 - self.margin:  # a tool may take no arguments
            yield Probe("names-alone", Turn("", structured(bare)))
        yield Probe("said-many-times", Turn("", structured([*calls] * _REPEATED)))
        yield Probe("no-such-tool", Turn("", structured([{"name": "answer", "arguments": {"text": "done"}}])))
        yield Probe("described-in-prose", Turn(f"I would call {', '.join(str(call) for call in calls)}."))

    def _calls(self, reference: JsonValue) -> list[JsonValue] | None:
        """Return the reference's calls in the plain form; None when it has none that can be read."""
        if isinstance(reference, str):
            try:
                read_whole(reference)
                reference = json.loads(reference)
            except (UnreadableJson, ValueError):
                return None
        calls = reference.get("tool_calls") if isinstance(reference, dict) else None
        if not isinstance(calls, list):
            return None
        plain = [_plain(call) for call in calls]
        return None if None in plain else [call for call in plain if call is not None]

    def _tagged(self, calls: Sequence[JsonValue]) -> str:
        return "\n".join(f"<{self._tag}>{json.dumps(call, ensure_ascii=False)}</{self._tag}>" for call in calls)


def structured(calls: Sequence[JsonValue]) -> tuple[JsonObject, ...]:
    """Return calls in the form of chat completions: arguments are a text there."""
    return tuple(
        {
            "id": f"call-{number}",
            "type": "function",
            "function": {"name": call["name"], "arguments": json.dumps(call["arguments"], ensure_ascii=False)},
        }
        for number, call in enumerate(calls)
        if isinstance(call, dict)
    )


def _plain(call: JsonValue) -> JsonObject | None:
    """Return a call as name and arguments."""
    if isinstance(call, dict) and isinstance(call.get("function"), dict):
        call = call["function"]
    if not isinstance(call, dict) or not isinstance(call.get("name"), str):
        return None
    arguments = call.get("arguments", {})
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except ValueError:
            return None
    return {"name": call["name"], "arguments": arguments} if isinstance(arguments, dict) else None

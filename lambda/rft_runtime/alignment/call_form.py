"""Tool calls: the tools of a row, or a form that is described in the prompt."""

import re
from collections.abc import Mapping

import msgspec

from rft_contract.json_value import JsonObject, JsonValue
from rft_runtime.alignment.prompt import Mention, Prompt
from rft_runtime.alignment.requirement import TOLD, Telling
from rft_runtime.alignment.wording import Wording, literal, word

_in_json = Wording(
    "arguments|tool_calls",
    r'"name"\s*:[^{}]{0,200}"arguments"\s*:|"arguments"\s*:[^{}]{0,200}"name"\s*:|"tool_calls"|'
    r"\bname and (?:its )?arguments\b",
    reach=240,
)
_CALL_IN_PYTHON = re.compile(r"\[\s*[\w.]+\(\s*[\w.]+\s*=[^\]\n]{0,200}\]")
_OTHER_CALLS: Mapping[str, Mention] = {
    "Action Input": Wording("action", r'\baction input\s*:|"action_input"\s*:'),
    **{
        f'"{key}" in a call': Wording(
            key, rf'"(?:name|tool|tool_name|function|action)"\s*:\s*[^{{}},]{{1,80}},\s*"{key}"\s*:', reach=120
        )
        for key in ("parameters", "args", "input", "params", "kwargs", "tool_input")
    },
    "calls as in Python": lambda text: "[" in text and _CALL_IN_PYTHON.search(text),
}


class CallForm:
    """How `tool_calls` wants a call to be written, and that the tools of the reference are on offer.

    Args:
        options: The grader's options.
    """

    what = "the tools that are called and a form of calls that is read"
    names_fields_of_rows = False

    def __init__(self, options: JsonObject) -> None:
        self._tag = str(options.get("tag", "tool_call"))
        self._tag_mention = literal(f"<{self._tag}>")

    def told_by(self, prompt: Prompt) -> Telling | None:
        """Return what a prompt leaves out; None where the right answer is no call."""
        called = _called(prompt.reference)
        if not called:
            return None
        is_described = prompt.mentions(self._tag_mention) or prompt.mentions(_in_json)
        if not is_described and (instead := prompt.asks(_other_calls)):
            return Telling((), instead)
        missing: list[str] = []
        # A row's tools reach the model in its own template, and with them the form of a call.
        if not is_described and prompt.tools is None:
            missing.append(f"tools in the row, or `<{self._tag}>` in the prompt")
        offered = prompt.tools or ()
        if any(name not in offered and not prompt.mentions(word(name)) for name in called):
            missing.append("a tool that the reference calls")
        return Telling(tuple(missing)) if missing else TOLD


def _other_calls(text: str) -> str | None:
    """Name the form of calls that a text asks for and that is never read."""
    return next((name for name, wording in _OTHER_CALLS.items() if wording(text)), None)


def _called(reference: JsonValue) -> set[str]:
    """Return the names of the tools that a reference calls."""
    if isinstance(reference, str):
        try:
            reference = msgspec.json.decode(reference)
        except (msgspec.DecodeError, RecursionError):
            return set()
    calls = reference.get("tool_calls") if isinstance(reference, dict) else None
    return {name for call in calls if (name := _name(call))} if isinstance(calls, list) else set()


def _name(call: JsonValue) -> str | None:
    if isinstance(call, dict) and isinstance(call.get("function"), dict):
        call = call["function"]
    name = call.get("name") if isinstance(call, dict) else None
    return name if isinstance(name, str) else None

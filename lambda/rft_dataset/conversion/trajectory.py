"""Recorded runs of an agent, one row for each step of them.

The service generates one turn a row and runs no tool, so a step is learned by itself: the prompt is everything before
it, as it was recorded, and the reference is what the agent did next.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import msgspec

from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.conversion.chat import read_chat
from rft_dataset.conversion.record import Unconvertible
from rft_dataset.field_path import field_at

NO_OUTPUT = "(no output)"
"""What stands for the result of a tool that returned nothing: Bedrock takes no blank turns."""

_CHAT = ("messages", "system", "tools", "toolConfig")
_END: JsonObject = {"role": "user", "content": "-"}


@dataclass(frozen=True)
class Step:
    """One step of an agent.

    Args:
        number: Which step of the run, from 1.
        text: What the agent said.
        calls: The tools that it called, in OpenAI's form.
        row: The row that asks for it.
        cut: Results of tools in the prompt that were cut.
    """

    number: int
    text: str
    calls: list[JsonValue]
    row: JsonObject
    cut: int


@dataclass(frozen=True, kw_only=True)
class Trajectories:
    """How recorded runs become rows that the grader `tool_calls` reads.

    A run is an object with `messages` in the form of OpenAI's chat completions or of Converse, and with `tools` or
    `toolConfig`, and `system`, where it has them. Turns of the assistant that follow each other are one step, and those
    before the first turn of the user are none.

    Args:
        name: What the ids of runs without one begin with; the line's number follows.
        id: Path of a run's id. Its rows share it as their `group`, so that `rft dataset split` keeps them together.
        last: Only so many steps of each run, the last ones; None: all.
        calls_only: Whether steps that call no tool are left out.
        longest_result: Characters of a tool's result in a prompt; of a longer one its two ends are kept. None: all.
        keep: Fields of a run that its rows have too.
    """

    name: str
    id: str = "id"
    last: int | None = None
    calls_only: bool = False
    longest_result: int | None = None
    keep: tuple[str, ...] = ()

    def steps(self, line: int, run: JsonObject) -> list[Step | Unconvertible]:
        """Return the steps of a run.

        The reference is `{"tool_calls": [{"name", "arguments"}, ...], "content": text}`; a step without calls has an
        empty list, which asks for an answer in words.

        Args:
            line: Its line number, from 1.
            run: The run.

        Returns:
            Those that are wanted, in their order, or why one cannot be asked for.

        Raises:
            Unconvertible: When it has no chat that Bedrock RFT takes, or no step.
        """
        if not isinstance(messages := run.get("messages"), list):
            raise Unconvertible("no list in the field messages")
        chat: JsonObject = {field: run[field] for field in _CHAT if field in run}
        turns, tools = read_chat({**chat, "messages": [*map(_with_output, messages), _END]})
        shown = [self._cut(turn) for turn in turns[:-1]]
        shared: JsonObject = {name: run[name] for name in self.keep if name in run}
        if tools:
            shared["tools"] = tools
        shared["group"] = self.group(line, run)
        steps: list[Step | Unconvertible] = []
        for number, (begin, end) in enumerate(_places(shown), 1):
            try:
                steps.append(_step(number, turns[begin:end], turns[:begin], shown[:begin], shared))
            except Unconvertible as error:
                steps.append(Unconvertible(f"step {number}: {error}"))
        if not steps:
            raise Unconvertible("no step: no turn of the assistant's after one of the user's")
        wanted = [step for step in steps if not self.calls_only or isinstance(step, Unconvertible) or step.calls]
        return wanted[-self.last :] if self.last else wanted

    def group(self, line: int, run: JsonObject) -> str:
        """Return the id of a run.

        Args:
            line: Its line number, from 1.
            run: The run.

        Raises:
            Unconvertible: When it is neither a text nor a whole number.
        """
        run_id = field_at(run, self.id)
        if run_id in (None, ""):
            return f"{self.name}-{line}"
        if not isinstance(run_id, str | int):
            raise Unconvertible(f"the field {self.id} is neither a text nor a whole number")
        return str(run_id)

    def _cut(self, turn: JsonObject) -> JsonObject:
        """Return a turn as prompts show it: a long result of a tool without its middle, any other as it is."""
        if self.longest_result is None or turn["role"] != "tool" or len(text := _text(turn)) <= self.longest_result:
            return turn
        end = self.longest_result // 2
        left_out = len(text) - self.longest_result
        middle = f"\n[{left_out:,} characters left out]\n"
        return turn | {"content": text[: self.longest_result - end] + middle + text[len(text) - end :]}


def was_successful(run: JsonObject, field: str | None = None) -> bool:
    """Return whether a run reached its goal.

    Args:
        run: The run.
        field: Path of the field that says so; None: `success`, or else `reward`.

    Raises:
        Unconvertible: When it has no such field, or another value than true, false or a number; 1 is success.
    """
    value = field_at(run, field or "success")
    if value is None and field is None:
        value = field_at(run, "reward")
    if not isinstance(value, bool | int | float):
        raise Unconvertible(f"the field {field or 'success or reward'} is neither true, false nor a number")
    return value >= 1


def _step(
    number: int, done: list[JsonObject], before: list[JsonObject], shown: list[JsonObject], shared: JsonObject
) -> Step:
    """Return a step, from its turns and those before it, as they were and as the prompt shows them."""
    text = "\n".join(filter(None, map(_text, done)))
    calls = [call for turn in done for call in _list(turn.get("tool_calls"))]
    row: JsonObject = {
        **shared,
        "id": f"{shared['group']}-step-{number}",
        "messages": list(shown),
        "reference_answer": {"tool_calls": [_call(call) for call in calls], "content": text},
    }
    cut = sum(one is not whole for one, whole in zip(shown, before, strict=True))
    return Step(number, text, calls, row, cut)


def _places(turns: list[JsonObject]) -> Iterator[tuple[int, int]]:
    """Yield where each step begins and ends."""
    begin, asked = 0, False
    for is_step, group in groupby(turns, key=lambda turn: turn["role"] == "assistant"):
        own = list(group)
        if is_step and asked:
            yield begin, begin + len(own)
        asked = asked or any(turn["role"] == "user" for turn in own)
        begin += len(own)


def _call(call: JsonValue) -> JsonObject:
    """Return a call as the grader's reference has it."""
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(name := function.get("name"), str):
        raise Unconvertible("a call that is no call of a function")
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = msgspec.json.decode(arguments or "{}")
        except (msgspec.DecodeError, RecursionError):
            raise Unconvertible("a call whose arguments are no JSON") from None
    if not isinstance(arguments, dict):
        raise Unconvertible("a call whose arguments are no JSON object")
    return {"name": name, "arguments": arguments}


def _with_output(message: JsonValue) -> JsonValue:
    """Return a message in which results of tools are not blank."""
    if not isinstance(message, dict):
        return message
    content = message.get("content")
    if message.get("role") == "tool" and _is_blank(content):
        return message | {"content": NO_OUTPUT}
    if isinstance(content, list):
        return message | {"content": [_block_with_output(block) for block in content]}
    return message


def _block_with_output(block: JsonValue) -> JsonValue:
    """Return a block of content in which a tool's result, in Converse's form or Anthropic's, is not blank."""
    if isinstance(block, dict):
        result = block.get("toolResult")
        if isinstance(result, dict) and _is_blank(result.get("content")):
            return block | {"toolResult": result | {"content": [{"text": NO_OUTPUT}]}}
        if block.get("type") == "tool_result" and _is_blank(block.get("content")):
            return block | {"content": NO_OUTPUT}
    return block


def _is_blank(content: JsonValue) -> bool:
    """Whether a content has nothing but blank texts."""
    if content is None or isinstance(content, str):
        return not (content or "").strip()
    return isinstance(content, list) and all(
        isinstance(part, dict) and isinstance(text := part.get("text"), str) and not text.strip() for part in content
    )


def _text(turn: JsonObject) -> str:
    """Return the text of a turn that `read_chat` made."""
    content = turn.get("content")
    if isinstance(content, list):
        return "".join(str(part["text"]) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _list(value: JsonValue) -> list[JsonValue]:
    """Return a list, empty for what is none."""
    return value if isinstance(value, list) else []

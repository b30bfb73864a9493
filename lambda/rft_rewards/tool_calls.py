"""The `tool_calls` grader: the next calls of an agent."""

import re

from rft_contract.json_value import JsonValue
from rft_rewards.assignment import best_in_any_order, best_in_order
from rft_rewards.grade import Grade, Grader, Invalid, Score
from rft_rewards.json_comparison import comparison
from rft_rewards.json_text import UnreadableJson, exact, read_whole
from rft_rewards.options import check_choice
from rft_rewards.sample import Sample
from rft_rewards.tool_call import ToolCall, UnreadableCalls, calls_of, read_calls

_TAG = re.compile(r"[A-Za-z][\w.-]{0,63}")


def tool_calls(
    *,
    order: str = "sequence",
    arguments: str = "partial",
    lists: str = "sequence",
    strings: str = "loose",
    extra: str = "penalty",
    tag: str = "tool_call",
) -> Grader:
    """Return a grader that compares the calls of the generated turn with the reference's.

    The service generates ONE turn and runs no tool, so what is graded is the next call, or the next calls, given the
    history in the prompt. Where and how calls are written is said in `rft_rewards.tool_call`; text beside them is not
    looked at.

    Each call of the reference is a step. A step is worth the share of its arguments that match, as in
    `rft_rewards.json_comparison`, and 0 when the tool is another one: naming the right tool alone earns nothing, except
    where it takes no arguments. The score is the sum over the steps in their best alignment with the turn's calls,
    divided by the number of the reference's calls or of the turn's, whichever is more; so every call too many costs a
    share, and calling two tools where one is asked earns at most half.

    Refused, that is scored 0 as a whole: no call where one is asked; a call where none is; neither a call nor a text;
    broken JSON, a duplicate key or other text in a tag; a call with other keys (`parameters`, `args`, `input`) or
    without a name; arguments that are no object; more than 32 calls; NaN, nesting deeper than 32, numbers beyond 200
    digits.

    Args:
        order: `sequence`: the steps must come in the reference's order. `set`: in any order.
        arguments: `partial`: a step is worth the share of its arguments that match. `exact`: all of them or nothing.
        lists: Inside arguments, `sequence` or `set`.
        strings: Inside arguments, `loose` or `exact`.
        extra: What arguments cost that the reference does not have: `penalty` or `ignore`. With `ignore`, leave out of
            the reference what may be worded freely.
        tag: Name of the tags around calls in the text, without brackets.

    Returns:
        A grader for references that are `{"tool_calls": [{"name", "arguments"}, ...]}`, or the JSON text of one; calls
        may also be in OpenAI's form. An empty list asks for an answer in words, without a call. Anything else, and more
        than 32 calls, is invalid.

    Raises:
        ValueError: When an option has the wrong form.
    """
    check_choice("order", order, ("sequence", "set"))
    check_choice("arguments", arguments, ("partial", "exact"))
    if not isinstance(tag, str) or not _TAG.fullmatch(tag):
        raise ValueError(f"tag: got {tag!r}, wanted a tag's name such as tool_call")
    compare = comparison(lists=lists, strings=strings, extra=extra)
    best = best_in_order if order == "sequence" else best_in_any_order

    def step(gold: ToolCall, call: ToolCall) -> float:
        share = compare(gold.arguments, call.arguments) if gold.name == call.name else 0.0
        return share if arguments == "partial" else float(share == 1)

    def grade(sample: Sample) -> Grade:
        if sample.reference is None:
            return Invalid("reference-missing")
        gold = _gold(sample.reference)
        if gold is None:
            return Invalid("reference-not-tool-calls")
        try:
            calls = read_calls(sample.completion, sample.tool_calls, tag=tag)
        except UnreadableCalls as error:
            return Score(0.0, f"unreadable calls: {error}", {"readable": 0.0})
        components = {"readable": 1.0, "calls": float(len(calls))}
        if not gold:
            answered = not calls and bool(sample.completion.strip())
            return Score(float(answered), f"{len(calls)} calls where none is asked", components)
        if not calls:
            return Score(0.0, "no call", components)
        longest = max(len(gold), len(calls))
        tools = best([[float(wanted.name == call.name) for call in calls] for wanted in gold])
        value = best([[step(wanted, call) for call in calls] for wanted in gold]) / longest
        components["tools"] = tools / longest
        return Score(value, f"{len(calls)} calls, {tools:.0f} of {len(gold)} tools right", components)

    return grade


def _gold(reference: JsonValue) -> list[ToolCall] | None:
    """Return the reference's calls, or None when it has no list of them."""
    try:
        value = read_whole(reference) if isinstance(reference, str) else exact(reference)
        calls = value.get("tool_calls") if isinstance(value, dict) else None
        return calls_of(calls) if isinstance(calls, list) else None
    except (UnreadableJson, UnreadableCalls):
        return None

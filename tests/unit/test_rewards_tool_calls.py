"""The tool_calls grader: a table of forms and mistakes, and properties over plans."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_rewards.assignment import best_in_any_order, best_in_order
from rft_rewards.grade import Invalid, Score
from rft_rewards.sample import Sample
from rft_rewards.tool_calls import tool_calls

CASES = json.loads((Path(__file__).parents[1] / "cases" / "tool_calls.json").read_text(encoding="utf-8"))
QUICK = settings(max_examples=100, deadline=None, derandomize=True)

SCALARS = st.none() | st.booleans() | st.integers(-1000, 1000) | st.floats(-1e6, 1e6) | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
CALLS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["search", "open", "book", "ping"]),
        "arguments": st.dictionaries(st.text(max_size=5), VALUES, max_size=4),
    }
)
PLANS = st.lists(CALLS, min_size=1, max_size=4)
SINGLE: dict[str, Any] = {"name": "search", "arguments": {"query": "hotels", "page": 1}}


def grade(text: str, gold: list[Any], structured: list[Any] | None = None, **options: Any) -> float:
    score = tool_calls(**options)(Sample(text, {"tool_calls": gold}, tool_calls=structured or ()))
    assert isinstance(score, Score)
    assert 0 <= score.value <= 1
    return score.value


def openai(call: dict[str, Any]) -> dict[str, Any]:
    function = {"name": call["name"], "arguments": json.dumps(call["arguments"])}
    return {"id": "call_1", "type": "function", "function": function}


def renderings(plan: list[dict[str, Any]]) -> list[tuple[str, list[Any]]]:
    """Write a plan in every way that is read, as a text and structured calls."""
    one_by_one = [json.dumps(call, indent=1) for call in plan]
    return [
        ("", [openai(call) for call in plan]),
        ("I will.", list(plan)),
        ("I will.\n" + "\n".join(f"<tool_call>\n{call}\n</tool_call>" for call in one_by_one), []),
        (f"<tool_call>{json.dumps(plan)}</tool_call>", []),
        ("\n".join(f"<tool_call>{json.dumps(openai(call))}" for call in plan), []),
        (f"Plan:\n```json\n{json.dumps(plan, indent=2)}\n```\nDone.", []),
        ("\nthen\n".join(f"```json\n{call}\n```" for call in one_by_one), []),
        (json.dumps({"tool_calls": [openai(call) for call in plan]}), []),
        ("I will call " + " and ".join(json.dumps(call, ensure_ascii=False) for call in plan), []),
    ]


@pytest.mark.parametrize("case", CASES["graded"], ids=lambda case: f"{case['why']}: {case['completion'][:40]!r}")
def test_turns_of_the_table(case: dict[str, Any]) -> None:
    sample = Sample(case["completion"], case["reference"], tool_calls=case.get("tool_calls", ()))
    score = tool_calls(**case.get("options", {}))(sample)
    assert isinstance(score, Score)
    assert score.value == pytest.approx(case["score"]), score.explanation


@pytest.mark.parametrize("case", CASES["invalid"], ids=lambda case: repr(case["reference"])[:60])
def test_bad_references_are_invalid_not_wrong(case: dict[str, Any]) -> None:
    assert tool_calls()(Sample(json.dumps(SINGLE), case["reference"])) == Invalid(case["reason"])


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("order", "any"),
        ("order", None),
        ("arguments", True),
        ("lists", "bag"),
        ("strings", "fuzzy"),
        ("extra", False),
        ("tag", ""),
        ("tag", "<tool_call>"),
        ("tag", None),
    ],
)
def test_illegal_options_are_named(option: str, value: object) -> None:
    options: dict[str, Any] = {option: value}
    with pytest.raises(ValueError, match=f"^{option}: "):
        tool_calls(**options)


def test_components_tell_tools_from_arguments() -> None:
    score = tool_calls()(Sample(json.dumps([SINGLE, {"name": "open"}]), {"tool_calls": [SINGLE]}))
    assert isinstance(score, Score)
    assert score.components == {"readable": 1, "calls": 2, "tools": 0.5}


@QUICK
@given(PLANS, st.data())
def test_the_reference_itself_is_perfect_in_every_rendering(plan: list[dict[str, Any]], data: st.DataObject) -> None:
    text, structured = data.draw(st.sampled_from(renderings(plan)))
    options = {
        "order": data.draw(st.sampled_from(["sequence", "set"])),
        "arguments": data.draw(st.sampled_from(["partial", "exact"])),
        "lists": data.draw(st.sampled_from(["sequence", "set"])),
        "strings": data.draw(st.sampled_from(["loose", "exact"])),
        "extra": data.draw(st.sampled_from(["penalty", "ignore"])),
    }
    assert grade(text, plan, structured, **options) == 1


@QUICK
@given(PLANS, st.randoms(use_true_random=False), st.sampled_from(["penalty", "ignore"]))
def test_a_set_has_no_order(plan: list[dict[str, Any]], chance: Any, extra: str) -> None:
    shuffled = list(plan)
    chance.shuffle(shuffled)
    assert grade(json.dumps(shuffled), plan, order="set", extra=extra) == 1


@QUICK
@given(PLANS, CALLS, st.integers(0, 4), st.sampled_from(["sequence", "set"]))
def test_a_call_too_many_always_costs(plan: list[dict[str, Any]], more: dict[str, Any], place: int, order: str) -> None:
    longer = [*plan[:place], more, *plan[place:]]
    assert grade(json.dumps(longer), plan, order=order) == pytest.approx(len(plan) / (len(plan) + 1))


@QUICK
@given(CALLS, st.lists(CALLS, min_size=2, max_size=6), st.sampled_from(["sequence", "set"]))
def test_hedging_pays_no_more_than_the_mean_guess(gold: Any, guesses: list[Any], order: str) -> None:
    single = [grade(json.dumps(guess), [gold], order=order) for guess in guesses]
    assert grade(json.dumps(guesses), [gold], order=order) <= max(single) / len(guesses) + 1e-9


@QUICK
@given(PLANS, PLANS)
def test_the_order_can_only_cost(gold: list[Any], answer: list[Any]) -> None:
    text = json.dumps(answer)
    assert grade(text, gold, order="sequence") <= grade(text, gold, order="set") + 1e-9


@QUICK
@given(PLANS, st.text(min_size=6, max_size=9), SCALARS)
def test_a_guessed_argument_never_pays(plan: list[dict[str, Any]], name: str, value: object) -> None:
    guessed = [{**call, "arguments": {**call["arguments"], name: value}} for call in plan]
    assert grade(json.dumps(guessed), plan) < 1


@QUICK
@given(PLANS)
def test_naming_the_tools_alone_never_pays(plan: list[dict[str, Any]]) -> None:
    asked = [call for call in plan if call["arguments"]]
    names = [{"name": call["name"], "arguments": {}} for call in asked]
    assert not asked or grade(json.dumps(names), asked) == 0


@QUICK
@given(PLANS)
def test_a_call_never_pays_where_none_is_asked(plan: list[dict[str, Any]]) -> None:
    assert all(grade(text, [], structured) == 0 for text, structured in renderings(plan))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.text(alphabet=st.characters() | st.sampled_from('{}[]":,`\n<>/'), max_size=40),
    st.lists(
        st.sampled_from(["<tool_call>", "</tool_call>", "```json\n", "```", json.dumps(SINGLE), '{"name": ']),
        max_size=6,
    ),
    st.lists(VALUES, max_size=3),
)
def test_any_turn_is_graded(text: str, pieces: list[str], structured: list[Any]) -> None:
    for gold in ([SINGLE], []):
        grade(text.join(["", *pieces, ""]), gold, structured)


FLOODS = [
    "<tool_call>",
    "<tool_call>{}</tool_call>",
    "<tool_call>[",
    "<tool_call>[[]",
    "```json\n",
    "```json\n{",
    "```\n[]\n",
]
FLOODS += [
    '{"name":',
    '{"name":"a"}',
    '{"name":"a"',
    '[{"name":',
    "[ ",
    "{",
    '{"arguments":{"a":',
    '<tool_call>"',
    "<tool_call> ",
]


@pytest.mark.parametrize("unit", FLOODS)
def test_work_stays_linear_in_the_text(unit: str) -> None:
    """A quadratic reading of a million characters would take hours, so finishing is the assertion."""
    assert grade(unit * (1_000_000 // len(unit)), [SINGLE]) == 0


def test_work_is_bounded_in_the_calls() -> None:
    plan = [{"name": "open", "arguments": {"page": page}} for page in range(32)]
    assert grade(json.dumps(plan[::-1]), plan, order="set") == 1
    assert grade(json.dumps(plan[::-1]), plan) == 1 / 32
    assert grade("", plan, [SINGLE] * 1_000_000) == 0


SCORES = st.integers(1, 4).flatmap(
    lambda columns: st.lists(
        st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1), min_size=columns, max_size=columns),
        min_size=1,
        max_size=4,
    )
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(SCORES)
def test_assignments_are_the_best_there_are(scores: list[list[float]]) -> None:
    rows, columns = range(len(scores)), range(len(scores[0]))
    size = min(len(rows), len(columns))
    pairings = [
        list(zip(chosen, places, strict=True))
        for chosen in itertools.combinations(rows, size)
        for places in itertools.permutations(columns, size)
    ]
    best = max(sum(scores[row][column] for row, column in pairs) for pairs in pairings)
    assert best_in_any_order(scores) == pytest.approx(best)
    in_order = max(
        sum(scores[row][column] for row, column in zip(chosen, places, strict=True))
        for count in range(size + 1)
        for chosen in itertools.combinations(rows, count)
        for places in itertools.combinations(columns, count)
    )
    assert best_in_order(scores) == pytest.approx(in_order)


def test_nothing_to_assign_is_worth_nothing() -> None:
    assert best_in_any_order([]) == best_in_any_order([[]]) == best_in_order([]) == best_in_order([[]]) == 0

"""Bedrock's event, in every layout that AWS's documents and samples show."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.rollout_mark import RolloutMark
from rft_runtime.reward_events import check_response, read_event, result, text_of, without_reasoning

CASES = json.loads((Path(__file__).parents[1] / "cases" / "reward_events.json").read_text(encoding="utf-8"))
QUICK = settings(max_examples=60, deadline=None, derandomize=True)

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["id", "messages", "metadata", "role", "content", "text", "rft", "reference_answer", "run"]
            ),
            inner | st.sampled_from(["assistant", "user"]),
            max_size=5,
        )
    ),
    max_leaves=15,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_layouts_of_the_table(case: dict[str, Any]) -> None:
    (item,) = read_event([case["item"]])
    assert item.id == case["id"]
    assert (item.sample.completion if item.answered else None) == case["completion"]
    assert item.sample.reference == case["reference"]
    assert type(item.sample.reference) is type(case["reference"])
    assert item.mark == RolloutMark.from_json(case["mark"])
    assert item.sample.metadata == case.get("metadata", item.sample.metadata)


@QUICK
@given(st.lists(ANY_JSON, max_size=4))
def test_every_item_is_read_in_its_place(event: list[JsonValue]) -> None:
    items = read_event(event)
    assert len(items) == len(event)
    for given_item, item in zip(event, items, strict=True):
        given_id = given_item.get("id") if isinstance(given_item, dict) else None
        assert item.id is given_id or (
            item.id == f"sample-{items.index(item)}" and not isinstance(given_id, (str, int))
        )
        assert item.group() == read_event([given_item])[0].group()


@pytest.mark.parametrize("event", [None, {}, {"trajectories": {}}, {"samples": []}, "[]", 7])
def test_an_event_that_is_no_list_is_refused_in_one_line(event: JsonValue) -> None:
    with pytest.raises(ValueError, match=r"^event: got \w+, wanted Bedrock's list of samples$"):
        read_event(event)


def test_an_event_in_the_wrapper_of_awss_open_weight_samples_is_read() -> None:
    assert read_event({"trajectories": [CASES[0]["item"]]}) == read_event([CASES[0]["item"]])


def deep() -> JsonValue:
    value: JsonValue = 0
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize("strange", [deep(), 10**400, math.nan, "\ud800"], ids=["deep", "huge", "nan", "half"])
def test_a_strange_value_anywhere_is_read(strange: JsonValue) -> None:
    mark: JsonObject = {"run": "r", "split": "train", "row": 1, "base": strange}
    turn: JsonObject = {"role": strange, "content": strange}
    for item in read_event(
        [
            {"id": strange, "messages": [turn, {"role": "assistant", "content": "x"}], "reference_answer": strange},
            {"messages": [turn], "metadata": {"rft": mark, "more": strange}},
            {"rft": {**mark, "base": None, "row": strange}, "metadata": strange},
            strange,
        ]
    ):
        assert item.group()
        json.dumps(item.id, ensure_ascii=False, allow_nan=False).encode()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("plain < text > 3", "plain < text > 3"),
        ("  kept as it is ", "  kept as it is "),
        ("<think>a</think>b", "b"),
        ("<thinking>a</thinking>\n\nb", "b"),
        ("<THINK>a</Think>b", "b"),
        ("a<think>x</think>b<think>y</think>c", "abc"),
        ("began in the prompt</think>b", "b"),
        ("b<think>cut off", "b"),
        ("<think>a<think>b</think>c", "c"),
        ("</think></think>b", "b"),
        ("<think></think>", ""),
        ("<think", "<think"),
    ],
)
def test_reasoning_is_no_answer(text: str, answer: str) -> None:
    assert without_reasoning(text) == answer


@pytest.mark.parametrize("unit", ["<think>", "</think>", "<think></think>", "<", "<think"])
def test_reasoning_is_removed_in_linear_time(unit: str) -> None:
    """A quadratic reading of a million characters would take hours, so finishing is the assertion."""
    assert len(without_reasoning(unit * (1_000_000 // len(unit)))) <= 1_000_000


@QUICK
@given(st.lists(st.text(max_size=5), max_size=4))
def test_parts_are_one_text(texts: list[str]) -> None:
    assert text_of([{"type": "text", "text": text} for text in texts]) == "".join(texts)


def test_the_group_follows_text_and_reference_and_nothing_else() -> None:
    def group(prompt: JsonValue, answer: str, reference: JsonValue, **extra: JsonValue) -> str:
        turns: list[JsonValue] = [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]
        (item,) = read_event([{"messages": turns, "metadata": {"reference_answer": reference, **extra}}])
        return item.group()

    first = group("How many?", "1", "72")
    assert group([{"type": "text", "text": "How many?"}], "2", "72", other=1) == first
    assert group("How much?", "1", "72") != first
    assert group("How many?", "1", "73") != first


def test_rollouts_of_one_row_are_one_group() -> None:
    def group(**mark: JsonValue) -> str:
        (item,) = read_event([{"rft": {"run": "r", "split": "train", "row": 1, **mark}}])
        return item.group()

    assert group() == group(base=0.5)
    assert len({group(), group(row=2), group(split="validation"), group(run="s")}) == 4


def test_a_result_has_bedrocks_form() -> None:
    assert result("r1", 0.85, [("accuracy", 0.9)]) == {
        "id": "r1",
        "aggregate_reward_score": 0.85,
        "metrics_list": [{"name": "accuracy", "value": 0.9, "type": "Metric"}],
    }


ITEMS = read_event([{"id": "a"}, {"id": "b"}])


def test_a_right_response_may_leave() -> None:
    check_response([result("a", 0.5, [("x", 1)]), result("b", -1, [])], ITEMS)


@pytest.mark.parametrize(
    ("response", "fault"),
    [
        ([result("a", 0, [])], "got 1 results for 2 samples"),
        ([result("a", 0, []), result("b", 0, []), result("b", 0, [])], "got 3 results for 2 samples"),
        ([result("b", 0, []), result("a", 0, [])], "result 0 has another sample's id"),
        ([result("a", 0, []), result("a", 0, [])], "result 1 has another sample's id"),
        ([result("a", 0, []), result("b", math.nan, [])], "result 1 holds a number that is not finite"),
        ([result("a", -math.inf, []), result("b", 0, [])], "result 0 holds a number that is not finite"),
        ([result("a", True, []), result("b", 0, [])], "result 0 holds a number that is not finite"),
        ([result("a", 0, []), result("b", 0, [("x", 1), ("y", math.inf)])], "result 1 holds a number"),
    ],
)
def test_a_wrong_response_never_leaves(response: list[JsonObject], fault: str) -> None:
    with pytest.raises(ValueError, match=f"^response: {fault}"):
        check_response(response, ITEMS)

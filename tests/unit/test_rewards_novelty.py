"""The novelty grader."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_rewards.batch import grade_all
from rft_rewards.grade import BatchGrader, Score
from rft_rewards.novelty import novelty
from rft_rewards.sample import Sample

CASES = json.loads((Path(__file__).parents[1] / "cases" / "novelty.json").read_text(encoding="utf-8"))
QUICK = settings(max_examples=100, deadline=None, derandomize=True)
MEGABYTE = 1_000_000


def scores(completions: list[str], prompts: list[Any] | None = None, **options: Any) -> list[float]:
    rows = prompts or ["Write a poem."] * len(completions)
    samples = [
        Sample(completion, prompt=[{"role": "user", "content": prompt}])
        for completion, prompt in zip(completions, rows, strict=True)
    ]
    grades = grade_all(novelty(**options), samples)
    assert all(isinstance(grade, Score) for grade in grades)
    return [grade.value for grade in grades if isinstance(grade, Score)]


def test_it_is_a_grader_of_whole_events() -> None:
    assert isinstance(novelty(), BatchGrader)
    assert scores([]) == []


@pytest.mark.parametrize("case", CASES["groups"], ids=lambda case: case["why"])
def test_groups_of_the_table(case: dict[str, Any]) -> None:
    assert scores(case["completions"], **case["options"]) == pytest.approx(case["scores"])


def test_only_rollouts_of_the_same_prompt_are_mates() -> None:
    assert scores(["same text here"] * 4, ["a", "b", "a", "c"]) == [0, 1, 0, 1]


def test_a_prompt_that_cannot_be_written_down_harms_nobody() -> None:
    endless: list[Any] = []
    endless.append(endless)
    prompts: list[Any] = [[object()], endless, [], []]
    samples = [Sample("same text here", prompt=prompt) for prompt in prompts]
    grades = grade_all(novelty(), samples)
    assert [grade.value for grade in grades if isinstance(grade, Score)] == [1, 1, 0, 0]


def test_mates_and_novelty_are_components() -> None:
    (first, *_) = grade_all(novelty(n=1), [Sample("red blue"), Sample("red green"), Sample("")])
    assert isinstance(first, Score)
    assert first.components == {"mates": 1, "novelty": 0.5}


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("n", {"n": 0}),
        ("n", {"n": 9}),
        ("n", {"n": "3"}),
        ("enough", {"enough": 0}),
        ("enough", {"enough": 1.1}),
        ("alone", {"alone": -1}),
        ("alone", {"alone": True}),
    ],
)
def test_illegal_options_are_named(option: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{option}: ") as caught:
        novelty(**options)
    assert "\n" not in str(caught.value)


TEXTS = st.lists(st.sampled_from(["red", "green", "blue", "mauve"]), max_size=8).map(" ".join)


@QUICK
@given(st.lists(TEXTS, min_size=2, max_size=8), st.integers(1, 3), st.randoms(use_true_random=False))
def test_the_order_of_an_event_does_not_matter(completions: list[str], n: int, random: Any) -> None:
    places = list(range(len(completions)))
    random.shuffle(places)
    shuffled = scores([completions[place] for place in places], n=n)
    assert shuffled == pytest.approx([scores(completions, n=n)[place] for place in places])


@QUICK
@given(st.lists(TEXTS.filter(bool), min_size=2, max_size=8))
def test_copying_a_mate_never_pays(completions: list[str]) -> None:
    own = [*completions[:-1], "something nobody else would ever have written"]
    copied = [*completions[:-1], completions[0]]
    assert scores(copied)[-1] <= scores(own)[-1]


def test_the_measure_does_not_depend_on_the_number_of_mates() -> None:
    """Of half a group the same is said as of all of it, so a group that arrives in parts is graded alike."""
    kinds = ["one text of this kind", "quite another kind of text"]
    assert scores(kinds[:1] * 3 + kinds[1:] * 2, enough=1)[:1] == pytest.approx([0.5])
    assert scores(kinds[:1] * 5 + kinds[1:] * 4, enough=1)[:1] == pytest.approx([0.5])


def test_a_huge_group_is_graded_in_parts() -> None:
    assert scores(["the very same text"] * 1000) == [0] * 1000
    assert scores([f"text {number} is {number} not {number}" for number in range(200)]) == [1] * 200


@QUICK
@given(st.lists(st.text(max_size=60), max_size=6))
def test_any_text_is_graded(completions: list[str]) -> None:
    assert all(0 <= value <= 1 for value in scores(completions))


@pytest.mark.parametrize("unit", ["a", "a ", "\u0301\u0327", "\ufdfa", "你", "!", "\n"])
def test_work_stays_linear_in_the_text(unit: str) -> None:
    """A quadratic reading of a megabyte would take hours, so finishing is the assertion."""
    assert scores([unit * (MEGABYTE // len(unit.encode("utf-8")))] * 4) == [0] * 4

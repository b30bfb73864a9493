"""The sample of a probe: in proportion, repeatable, and each prompt counts for what it stands for."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_runtime.probing.probe_sample import ProbeSample, Traits, allocate, draw_sample


def traits(rows: list[dict[str, Any]]) -> Traits:
    found = Traits()
    for row in rows:
        found.add(row)
    return found


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "x" * number}], **fields}


@settings(max_examples=100, derandomize=True)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=20), st.integers(1, 400))
def test_a_share_is_in_proportion_and_never_more_than_there_are(sizes: list[int], total: int) -> None:
    given_ = allocate(sizes, total)
    assert sum(given_) == min(total, sum(sizes))
    assert all(count <= size for count, size in zip(given_, sizes, strict=True))
    if total >= 2 * len(sizes):
        assert all(count >= min(2, size) for count, size in zip(given_, sizes, strict=True))
    for size, count in zip(sizes, given_, strict=True):
        assert count <= max(2, total * size / sum(sizes) + 1) or total > sum(sizes) / 2


def test_equal_strata_share_equally() -> None:
    assert allocate([100, 100, 100], 30) == [10, 10, 10]
    assert allocate([1000, 10], 20) == [18, 2]
    assert allocate([5, 5, 5], 2) == [1, 1, 0]


@pytest.mark.parametrize(
    ("rows", "by", "strata"),
    [
        (
            [row(5, reference_answer=index % 3, difficulty="easy" if index % 2 else "hard") for index in range(90)],
            "difficulty",
            2,
        ),
        ([row(5, reference_answer=index % 3, difficulty_level=index % 4) for index in range(90)], "difficulty", 4),
        ([row(5, reference_answer={"label": index % 3}) for index in range(90)], "reference", 3),
        ([row(index, reference_answer=index) for index in range(90)], "length", 1),
        ([row(5, reference_answer="same", difficulty=2) for _ in range(90)], "length", 1),
    ],
)
def test_strata(rows: list[dict[str, Any]], by: str, strata: int) -> None:
    sample = draw_sample(traits(rows), 30, "a-1")
    assert (sample.by, len(sample.strata)) == (by, strata)
    assert len(sample.rows) == sum(stratum.prompts for stratum in sample.strata) == 30
    assert sum(stratum.rows for stratum in sample.strata) == 90


def test_weights_add_up_to_the_training_set() -> None:
    rows = [row(5, reference_answer="rare" if index % 50 == 0 else "usual") for index in range(1000)]
    sample = draw_sample(traits(rows), 101, "a-1")
    weights = sample.weights()
    assert sum(weights.values()) == pytest.approx(1000)
    assert [stratum.prompts for stratum in sample.strata] == [2, 99]
    assert Counter(round(weight, 3) for weight in weights.values()) == {10.0: 2, round(980 / 99, 3): 99}


def test_lengths_are_balanced_within_every_answer() -> None:
    rows = [row(index // 2, reference_answer=index % 2) for index in range(400)]
    sample = draw_sample(traits(rows), 40, "a-1")
    tenths = Counter((number % 2, number // 40) for number in sample.rows)
    assert tenths == {(answer, tenth): 2 for answer in range(2) for tenth in range(10)}


def test_every_row_has_the_same_chance() -> None:
    """7 of 30, drawn 6,000 times: each 1,400 times on average, give or take 33."""
    rows = traits([row(index // 3) for index in range(30)])
    drawn = Counter(number for seed in range(6000) for number in draw_sample(rows, 7, str(seed)).rows)
    assert set(drawn) == set(range(30))
    assert max(abs(count - 1400) for count in drawn.values()) < 5 * 33


def test_the_same_run_draws_the_same_rows_and_another_run_others() -> None:
    rows = traits([row(index) for index in range(500)])
    first = draw_sample(rows, 50, "a-1")
    assert draw_sample(rows, 50, "a-1") == first
    assert draw_sample(rows, 50, "a-2").rows != first.rows
    assert first.rows == sorted(set(first.rows))


def test_a_small_training_set_is_probed_whole() -> None:
    sample = draw_sample(traits([row(index) for index in range(10)]), 200, "a-1")
    assert sample.rows == list(range(10))
    assert set(sample.weights().values()) == {1.0}


def test_the_sample_quotes_no_text() -> None:
    rows = [row(5, reference_answer="zanzibar" if index % 2 else "timbuktu") for index in range(90)]
    body = msgspec.json.encode(draw_sample(traits(rows), 30, "a-1"))
    assert b"zanzibar" not in body
    assert msgspec.json.decode(body, type=ProbeSample).by == "reference"


def test_rows_of_any_form_have_a_length() -> None:
    odd: list[dict[str, Any]] = [
        {},
        {"messages": [{"role": "user", "content": [{"text": "ab"}]}, "x"]},
        {"messages": [{}]},
    ]
    assert traits(odd).lengths == [0, 2, 0]

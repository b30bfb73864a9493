"""Rows in splits: what belongs together stays together, and nothing moves without a reason."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.json_value import JsonObject, JsonValue
from rft_dataset.field_path import field_at
from rft_dataset.row_groups import RowGroups
from rft_dataset.splitting import SplitSizes, Splitting, split

SYLLABLES = ["ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "qi", "ro", "su", "ta"]


def prompt(number: int, words: int = 24) -> str:
    """A text that no other number's resembles."""
    drawn = random.Random(number)
    return " ".join("".join(drawn.choices(SYLLABLES, k=4)) for _ in range(words))


def row(text: str, **more: JsonValue) -> JsonObject:
    return {"messages": [{"role": "user", "content": text}], "reference_answer": "1", **more}


def grouped(rows: Iterable[JsonObject], *, by: Sequence[str] = ("group",), stratify: str | None = None) -> RowGroups:
    groups = RowGroups(by=by, stratify=stratify)
    for one in rows:
        groups.see(json.dumps(one).encode())
    return groups


def splits(rows: Iterable[JsonObject], sizes: SplitSizes | None = None, *, seed: int = 0) -> Splitting:
    return split(grouped(rows), sizes or SplitSizes(), seed=seed)


KINDS = st.tuples(
    st.integers(0, 30),  # of the prompt
    st.one_of(st.none(), st.just(""), st.integers(0, 8), st.sampled_from(["a", "b"])),
    st.one_of(st.none(), st.sampled_from(["x", "y", "z"])),
)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.lists(KINDS, min_size=3, max_size=40), st.integers(0, 5), st.booleans())
def test_what_belongs_together_stays_together(
    kinds: list[tuple[int, JsonValue, str | None]], seed: int, exact: bool
) -> None:
    rows = [row(prompt(number), group=group, id=name) for number, group, name in kinds]
    found = split(grouped(rows), SplitSizes(validation=0.3, held_out=0.3), seed=seed, exact=exact)
    assert len(found.split_of) == len(rows)
    where: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for (number, group, name), place in zip(kinds, found.split_of, strict=True):
        where["prompt", str(number)].add(place)
        if group not in (None, ""):
            where["group", json.dumps(group)].add(place)
        if name is not None:
            where["id", name].add(place)
    assert all(len(places) == 1 for places in where.values())
    assert (
        found.split_of
        == split(grouped(rows), SplitSizes(validation=0.3, held_out=0.3), seed=seed, exact=exact).split_of
    )


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=3, max_size=60), st.integers(1, 59))
def test_rows_that_are_added_move_no_older_ones(names: list[int], count: int) -> None:
    rows = [row(prompt(1000 + place), group=name) for place, name in enumerate(names)]
    assert splits(rows[:count]).split_of == splits(rows).split_of[: min(count, len(rows))]


@pytest.mark.parametrize("exact", [False, True])
def test_a_larger_share_takes_from_training_alone(exact: bool) -> None:
    groups = grouped(row(prompt(number)) for number in range(600))
    small = split(groups, SplitSizes(validation=0.1, held_out=0.1), exact=exact).split_of
    large = split(groups, SplitSizes(validation=0.1, held_out=0.3), exact=exact).split_of
    moved = {(before, after) for before, after in zip(small, large, strict=True) if before != after}
    assert moved == {("train", "held_out")}


def test_sizes_are_near_to_what_was_asked_for_and_seeds_differ() -> None:
    rows = [row(prompt(number)) for number in range(1500)]
    found = splits(rows)
    for name in ("validation", "held_out"):
        assert 100 <= found.rows()[name] <= 200  # 150 give or take four standard deviations
    other = splits(rows, seed=1)
    assert found.split_of != other.split_of
    both = sum(a == b == "held_out" for a, b in zip(found.split_of, other.split_of, strict=True))
    assert both < 40  # 15 are expected


def test_exact_sizes_are_exact() -> None:
    groups = grouped(row(prompt(number)) for number in range(500))
    assert split(groups, SplitSizes(validation=37, held_out=0.25), exact=True).rows() == {
        "train": 338,
        "validation": 37,
        "held_out": 125,
    }


@pytest.mark.parametrize("seed", range(8))
def test_a_group_that_is_too_large_is_passed_over(seed: int) -> None:
    rows = [row(prompt(number), group="large" if number < 50 else number // 2) for number in range(100)]
    found = split(grouped(rows), SplitSizes(validation=0, held_out=5), seed=seed, exact=True)
    assert found.rows() == {"train": 96, "held_out": 4}
    assert set(found.split_of[:50]) == {"train"}


def test_every_stratum_gets_its_share() -> None:
    rows = [row(prompt(number), level={"of": "hard" if number % 10 == 0 else "easy"}) for number in range(400)]
    groups = grouped(rows, stratify="level.of")
    found = split(groups, SplitSizes(validation=0.1, held_out=0.25), exact=True)
    counts = Counter((where, field_at(one, "level.of")) for where, one in zip(found.split_of, rows, strict=True))
    assert counts["held_out", "hard"] == 10
    assert counts["held_out", "easy"] == 90
    assert counts["validation", "hard"] == 4
    assert counts["validation", "easy"] == 36


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.upper(),
        lambda text: "  ".join(text.split()),
        lambda text: text.replace(text.split()[7], "another", 1),
        lambda text: text + ".",
    ],
)
def test_nearly_the_same_prompt_stays_with_the_first(change: "object") -> None:
    assert callable(change)
    rows = [row(prompt(number)) for number in range(60)]
    copies = [row(change(prompt(number)), difficulty=number) for number in range(60)]
    groups = grouped([*rows, *copies])
    found = split(groups, SplitSizes(validation=0.3, held_out=0.3))
    assert found.split_of[:60] == found.split_of[60:]
    assert groups.alike == 60
    assert found.split_of[:60] == split(grouped(rows), SplitSizes(validation=0.3, held_out=0.3)).split_of


def test_a_prompt_between_two_others_keeps_both() -> None:
    changed = [
        [prompt(number).replace(prompt(number).split()[word], "another", 1) for word in (6, 18)] for number in range(40)
    ]
    rows = [row(text) for texts in changed for text in texts] + [row(prompt(number)) for number in range(40)]
    found = split(grouped(rows), SplitSizes(validation=0.3, held_out=0.3)).split_of
    assert found[0:80:2] == found[1:80:2] == found[80:]
    apart = split(grouped(rows[:80]), SplitSizes(validation=0.3, held_out=0.3)).split_of
    assert apart[0:80:2] != apart[1:80:2]


def test_a_row_can_show_that_two_groups_are_one() -> None:
    rows = [row(prompt(number), group=number) for number in range(40)]
    sizes = SplitSizes(validation=0.3, held_out=0.3)
    before = split(grouped(rows), sizes).split_of
    one = before.index("train")
    other = before.index("held_out")
    bridge = row(prompt(one), group=other)
    after = split(grouped([*rows, bridge]), sizes).split_of
    first, second = sorted((one, other))
    assert after[first] == after[second] == after[40] == before[first]
    assert [place for place in range(40) if after[place] != before[place]] == [second]


def test_another_field_can_group_and_none_need() -> None:
    rows = [row(prompt(number), task={"id": number // 10}, group=number) for number in range(100)]
    by_task = split(grouped(rows, by=("task.id", "group")), SplitSizes(validation=0.3, held_out=0.3)).split_of
    assert all(len(set(by_task[place : place + 10])) == 1 for place in range(0, 100, 10))
    alone = split(grouped(rows, by=()), SplitSizes(validation=0.3, held_out=0.3))
    assert alone.groups.total() == 100


def test_equal_values_are_one_group_however_they_are_written() -> None:
    groups = RowGroups()
    groups.see(b'{"messages": [{"role": "user", "content": "one two"}], "group": {"a": 1, "b": "\\u00e9"}}')
    groups.see('{"messages": [{"role": "user", "content": "three four"}], "group": {"b":"é","a":1.0}}'.encode())
    assert (groups.of(1), len(groups.sizes())) == (0, 1)


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b'{"messages": 1}', b"\xff", b'{"messages": [], "a": ' + b"[" * 5000 + b"]" * 5000 + b"}"],
)
def test_what_is_no_row_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="not a row"):
        RowGroups().see(line)


def test_something_must_be_left_for_training() -> None:
    groups = grouped(row(prompt(number)) for number in range(10))
    for sizes in (SplitSizes(validation=5, held_out=5), SplitSizes(validation=0.5, held_out=0.5)):
        with pytest.raises(ValueError, match="leave nothing of 10 rows for training"):
            split(groups, sizes)


def test_a_path_finds_fields_within_fields_and_names_with_full_stops() -> None:
    nested: JsonObject = {"a": {"b": {"c": 1}}, "a.b": 2, "n": None}
    assert [field_at(nested, path) for path in ("a.b.c", "a.b", "a.x", "n", "n.x", "")] == [
        1,
        2,
        None,
        None,
        None,
        None,
    ]

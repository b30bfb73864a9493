"""Stratified samples: parts merge to the whole, shares are fair, memory is bounded."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_dataset.allocation import allocate
from rft_dataset.sampling import OTHER, Entry, SampleTooLarge, StratifiedSample

Row = tuple[str, str, bytes]

few = settings(max_examples=100, derandomize=True, deadline=None)
row = st.tuples(
    st.sampled_from(["a", "b", "c", "d", "e", OTHER]),
    st.integers(0, 30).map(str),
    st.binary(max_size=2),
)


def sample(rows: list[Row], size: int, strata: int, seed: int = 7) -> StratifiedSample:
    made = StratifiedSample(size, seed=seed, strata=strata)
    for stratum, key, value in rows:
        made.offer(stratum, key, value)
    return made


@few
@given(st.data(), st.lists(row, max_size=120), st.integers(1, 12), st.integers(1, 6))
def test_shards_in_any_order_merge_to_the_sample_of_the_whole(
    data: st.DataObject, rows: list[Row], size: int, strata: int
) -> None:
    whole = sample(rows, size, strata)
    shuffled = data.draw(st.permutations(rows))
    owners = data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)))
    # A shard may keep more than is drawn in the end.
    shard_size = data.draw(st.integers(size, size + 3))
    parts = [
        sample([given for given, owner in zip(shuffled, owners, strict=True) if owner == part], shard_size, strata)
        for part in range(4)
    ]
    merged = StratifiedSample(size, seed=7, strata=strata)
    for part in data.draw(st.permutations(parts)):
        merged.merge(part.entries(), part.populations)
    assert merged.populations == whole.populations
    assert list(merged.entries()) == list(whole.entries())
    assert merged.draw() == whole.draw()


@few
@given(
    st.dictionaries(st.text(max_size=3), st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1),
    st.integers(1, 80),
)
def test_shares_are_as_near_to_proportional_as_their_bounds_allow(
    given_strata: dict[str, tuple[int, int]], size: int
) -> None:
    populations = {name: max(pair) for name, pair in given_strata.items()}
    held = {name: min(pair) for name, pair in given_strata.items()}
    shares = allocate(size, populations, held, tie_break=len)
    assert sum(shares.values()) == min(size, sum(held.values()))
    least = 1 if len(held) <= size else 0
    assert all(least <= shares[name] <= held[name] for name in held)
    # Where a stratum could have given one more and another one less, none is more than one row from its share.
    for more in held:
        for less in held:
            if shares[more] < held[more] and shares[less] > least:
                short = (shares[more] + 1) / populations[more]
                assert short > (shares[less] - 1) / populations[less]


@pytest.mark.parametrize(
    ("size", "populations", "wanted"),
    [
        (10, {"a": 90, "b": 10}, {"a": 9, "b": 1}),
        (10, {"a": 990, "b": 9, "c": 1}, {"a": 8, "b": 1, "c": 1}),
        (7, {"a": 50, "b": 30, "c": 20}, {"a": 4, "b": 2, "c": 1}),
        (2, {"a": 50, "b": 30, "c": 20}, {"a": 1, "b": 1, "c": 0}),
        (200, {"a": 50, "b": 30, "c": 20}, {"a": 50, "b": 30, "c": 20}),
    ],
)
def test_shares_by_largest_remainder(size: int, populations: dict[str, int], wanted: dict[str, int]) -> None:
    assert allocate(size, populations, populations, tie_break=len) == wanted


def test_a_stratum_of_repeats_leaves_its_share_to_the_others() -> None:
    drawn = sample([("same", "one", b"s")] * 900 + [("other-prompts", str(n), b"o") for n in range(100)], 50, 5).draw()
    assert Counter(drawn) == {b"s": 1, b"o": 49}


def test_every_key_is_as_likely_as_any_other() -> None:
    rows = [("a", str(key), str(key).encode()) for key in range(40)]
    counts = Counter(value for seed in range(1_000) for value in sample(rows, 10, 5, seed).draw())
    # Each key is drawn in a quarter of the draws: 250 of 1,000, with a standard deviation of 13.7.
    assert all(250 - 5 * 13.7 < counts[value] < 250 + 5 * 13.7 for _, _, value in rows)


def test_seeds_differ_and_repeat() -> None:
    rows = [("a", str(key), str(key).encode()) for key in range(100)]
    assert sample(rows, 10, 5, 1).draw() == sample(rows[::-1], 10, 5, 1).draw() != sample(rows, 10, 5, 2).draw()


def test_strata_without_a_place_are_other_in_their_share() -> None:
    made = sample([(f"s{n % 100}", str(n), b"x") for n in range(10_000)], 20, 9)
    assert len(made.populations) == 10
    assert made.populations[OTHER] == 9_100
    assert Counter(entry.stratum for entry in made.entries()) == dict.fromkeys(made.populations, 20)


def test_a_sample_refuses_to_outgrow_its_memory() -> None:
    made = StratifiedSample(100, seed=0, max_bytes=1 << 20)
    for key in range(300):
        made.offer("a", str(key), bytes(10_000))  # replaced rows are not held any longer
    with pytest.raises(SampleTooLarge, match="more than 1 MiB"):
        made.offer("b", "large", bytes(1 << 20))


@pytest.mark.parametrize(
    "wrong", [{"size": 0, "seed": 0}, {"size": 1, "seed": 1 << 63}, {"size": 1, "seed": 0, "strata": 0}]
)
def test_refuses_what_cannot_be_drawn(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="wanted"):
        StratifiedSample(wrong.pop("size"), **wrong)


def test_an_entry_names_its_parts() -> None:
    made = sample([("a", "k", b"v")], 1, 1)
    assert list(made.entries()) == [Entry(stratum="a", key="k", value=b"v")]
    assert StratifiedSample(3, seed=0).draw() == []

"""Shards cut the held-out set into whole lines, the same way for every model."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft_contract.rollout_mark import PHASES
from rft_runtime.shards import (
    BASE,
    CANDIDATE,
    GREEDY,
    HELD_OUT,
    LIVE,
    PROBE,
    SAMPLED,
    decode_shards,
    encode_shards,
    shards_of,
)


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(1, 25), st.integers(0, 4), st.booleans())
def test_shards_cover_every_byte_once(lengths: list[int], rows_per_shard: int, samples: int, live: bool) -> None:
    subjects = [BASE, CANDIDATE, LIVE] if live else [BASE, CANDIDATE]
    shards = list(
        shards_of(
            lengths,
            data=HELD_OUT,
            subjects=subjects,
            rows_per_shard=rows_per_shard,
            samples=samples,
            temperature=0.7,
        )
    )
    assert decode_shards(encode_shards(shards)) == shards
    arms = {(shard.subject, shard.mode, shard.samples, shard.temperature) for shard in shards}
    modes = {(GREEDY, 1, 0.0)} | ({(SAMPLED, samples, 0.7)} if samples else set())
    assert arms == ({(subject, *mode) for subject in subjects for mode in modes} if lengths else set())
    for subject, mode, *_ in arms:
        own = [shard for shard in shards if (shard.subject, shard.mode) == (subject, mode)]
        assert [shard.shard for shard in own] == list(range(len(own)))
        assert [shard.start for shard in own] == [0, *(shard.end for shard in own[:-1])]
        assert own[-1].end == sum(lengths)
        assert sum(shard.rows for shard in own) == len(lengths)
        assert all(shard.rows == rows_per_shard for shard in own[:-1])


@pytest.mark.parametrize(
    ("data", "subject", "phase"),
    [
        (HELD_OUT, BASE, "base"),
        (HELD_OUT, CANDIDATE, "candidate"),
        (HELD_OUT, LIVE, "live"),
        ("guard-safety", CANDIDATE, "guard"),
        (PROBE, BASE, "probe"),
    ],
)
def test_the_reward_function_is_told_who_asks(data: str, subject: str, phase: str) -> None:
    (shard,) = shards_of([1], data=data, subjects=[subject], rows_per_shard=1, samples=1, temperature=1.0, greedy=False)
    assert shard.phase == phase
    assert phase in PHASES

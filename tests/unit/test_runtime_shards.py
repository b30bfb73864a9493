"""Shards cut the held-out set into whole lines, the same way for both models."""

from hypothesis import given
from hypothesis import strategies as st

from rft_runtime.shards import decode_shards, encode_shards, shards_of


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(1, 25), st.booleans())
def test_shards_cover_every_byte_once(lengths: list[int], rows_per_shard: int, sampled: bool) -> None:
    shards = list(shards_of(lengths, rows_per_shard=rows_per_shard, sampled=sampled))
    assert decode_shards(encode_shards(iter(shards))) == shards
    arms = {(shard.subject, shard.mode) for shard in shards}
    assert len(arms) == (0 if not lengths else 4 if sampled else 2)
    for arm in arms:
        own = [shard for shard in shards if (shard.subject, shard.mode) == arm]
        assert [shard.shard for shard in own] == list(range(len(own)))
        assert [shard.start for shard in own] == [0, *(shard.end for shard in own[:-1])]
        assert own[-1].end == sum(lengths)
        assert sum(shard.rows for shard in own) == len(lengths)
        assert all(shard.rows == rows_per_shard for shard in own[:-1])

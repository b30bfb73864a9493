"""Freeze: the run's own, write-once copies of exactly what was validated."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, cast

from rft_contract.outcomes import InvalidDataset, RunFailed
from rft_contract.recipe_sections import GUARD
from rft_contract.rollout_mark import FIELD, RolloutMark
from rft_dataset.reading import rows
from rft_runtime.data_bucket import DataBucket
from rft_runtime.hashed_stream import HashedStream
from rft_runtime.platform import Platform
from rft_runtime.run_record import DatasetUse, RunRecord
from rft_runtime.shards import BASE, CANDIDATE, HELD_OUT, LIVE, Shard, encode_shards, shards_of

_JSONL = "application/jsonl"
_IN_MEMORY = 64 << 20


def marked_line(line: bytes, run_id: str, split: str, row: int) -> bytes:
    """Return a row's line with the field `rft` that says where its rollouts belong.

    Args:
        line: The row as validated.
        run_id: The run.
        split: `train`, `validation`, `held_out` or `guard-<name>`.
        row: Its number, from 0.
    """
    value = json.loads(line)
    value[FIELD] = RolloutMark(run=run_id, split=split, row=row).to_json()
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def freeze(platform: Platform, run_id: str) -> RunRecord:
    """Copy the validated datasets into the run and write the manifest of its evaluation.

    Raises:
        InvalidDataset: When a dataset is not the one that was validated.
        RunFailed: When the run already has other copies.
    """
    record = platform.runs.enter(run_id, "Freeze")
    lengths: dict[str, list[int]] = {}
    for split, use in record.datasets.items():
        lengths[split] = _freeze_split(platform.bucket, record, split, use)
    platform.bucket.write(record.keys.shards, encode_shards(_shards(record, lengths)), content_type=_JSONL)
    return record


def _shards(record: RunRecord, lengths: Mapping[str, Sequence[int]]) -> Iterator[Shard]:
    """Cut the held-out set for base, candidate and the live release, and each guard set for base and candidate."""
    gate, rows_per_shard = record.parsed_recipe().gate, record.parsed_settings().rows_per_shard
    live = [] if record.live is None else [LIVE]
    for data in lengths:
        if data == HELD_OUT or data.startswith(GUARD):
            yield from shards_of(
                lengths[data],
                data=data,
                subjects=[BASE, CANDIDATE, *(live if data == HELD_OUT else [])],
                rows_per_shard=rows_per_shard,
                samples=gate.samples_per_prompt,
                temperature=gate.temperature,
            )


def _freeze_split(bucket: DataBucket, record: RunRecord, split: str, use: DatasetUse) -> list[int]:
    """Write one split and return the length of each of its lines, in bytes."""
    source = HashedStream(bucket.open(bucket.key_of(use.address)))
    lengths = []
    copy = hashlib.sha256()
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        for row, (_, text, _) in enumerate(rows(cast(BinaryIO, source))):
            line = marked_line(text, record.run_id, split, row)
            lengths.append(len(line))
            copy.update(line)
            file.write(line)
        if source.sha256() != use.sha256:
            raise InvalidDataset(f"datasets.{split}: {use.address} changed after it was validated; start again")
        _write_once(bucket, record.keys.data(split), file, copy.hexdigest())
    return lengths


def _write_once(bucket: DataBucket, key: str, file: IO[bytes], sha256: str) -> None:
    """Write an object that must not exist; one with the same content is what a former attempt wrote."""
    file.seek(0)
    if bucket.create(key, file, content_type=_JSONL):
        return
    if HashedStream(bucket.open(key)).sha256() != sha256:
        raise RunFailed(f"{bucket.address(key)} exists with other content; start again with another run id")

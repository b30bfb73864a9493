"""Freeze: the run's own, write-once copies of exactly what was validated."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
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

JSONL = "application/jsonl"
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
    record, bucket = platform.runs.enter(run_id, "Freeze"), platform.bucket
    lengths = {
        split: write_lines_once(bucket, record.keys.data(split), _marked_lines(bucket, run_id, split, use))
        for split, use in record.datasets.items()
    }
    bucket.write(record.keys.shards, encode_shards(_shards(record, lengths)), content_type=JSONL)
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


def write_lines_once(bucket: DataBucket, key: str, lines: Iterable[bytes]) -> list[int]:
    """Write a dataset that must not exist yet; one with the same content is what a former attempt wrote.

    Args:
        bucket: The data bucket.
        key: The dataset's.
        lines: Its lines, each with its line feed. An error that they raise leaves nothing behind.

    Returns:
        The length of each line, in bytes.

    Raises:
        RunFailed: When there is one with other content.
    """
    lengths, content = [], hashlib.sha256()
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        for line in lines:
            lengths.append(len(line))
            content.update(line)
            file.write(line)
        file.seek(0)
        written = bucket.create(key, cast(IO[bytes], file), content_type=JSONL)
    if not written and HashedStream(bucket.open(key)).sha256() != content.hexdigest():
        raise RunFailed(f"{bucket.address(key)} exists with other content; start again with another run id")
    return lengths


def _marked_lines(bucket: DataBucket, run_id: str, split: str, use: DatasetUse) -> Iterator[bytes]:
    """Yield a dataset's lines with their marks, as long as they are those that were validated."""
    source = HashedStream(bucket.open(bucket.key_of(use.address)))
    for row, (_, text, _) in enumerate(rows(cast(BinaryIO, source))):
        yield marked_line(text, run_id, split, row)
    if source.sha256() != use.sha256:
        raise InvalidDataset(f"datasets.{split}: {use.address} changed after it was validated; start again")

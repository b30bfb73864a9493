"""The training set as the job reads it after Probe: its rows know how the base model did on them."""

import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace

from rft_contract.rollout_mark import FIELD, RolloutMark
from rft_dataset.reading import open_lines
from rft_runtime.data_bucket import DataBucket
from rft_runtime.frozen_data import write_lines_once
from rft_runtime.run_record import RunRecord

TRAIN = "train"
TRAIN_PROBED = "train.probed"


def write_probed_data(
    bucket: DataBucket, record: RunRecord, means: Mapping[int, float], without: Container[int] = ()
) -> int:
    """Write `train.probed.jsonl` and return how many rows it has.

    Args:
        bucket: The data bucket.
        record: The run.
        means: Row -> mean reward under the base model, for the probed rows.
        without: Rows to leave out. The others keep their numbers.

    Raises:
        RunFailed: When the run already has another one.
    """
    return len(write_lines_once(bucket, record.keys.data(TRAIN_PROBED), _lines(bucket, record, means, without)))


def line_with_base(line: bytes, base: float) -> bytes:
    """Return a frozen row's line with the row's mean reward under the base model, `rft.base`.

    Args:
        line: The line, without its end; it has a mark.
        base: The mean.
    """
    row = json.loads(line)
    mark = RolloutMark.from_json(row[FIELD])
    if mark is not None:
        row[FIELD] = replace(mark, base=base).to_json()
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _lines(
    bucket: DataBucket, record: RunRecord, means: Mapping[int, float], without: Container[int]
) -> Iterator[bytes]:
    for row, line in enumerate(open_lines(bucket.open(record.keys.data(TRAIN)))[0]):
        if row not in without:
            yield line_with_base(line, means[row]) if row in means else line + b"\n"

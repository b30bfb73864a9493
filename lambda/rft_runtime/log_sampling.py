"""One machine's part of a sample of production's logs: some log objects in, one shard out."""

import hashlib
import io
import time
from collections import Counter
from collections.abc import Sequence

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from rft_contract.layout import log_shards
from rft_contract.outcomes import RunFailed, Transient
from rft_dataset.invocation_log import LoggedPrompt, is_log, read_log
from rft_dataset.log_selection import LogFilter, check_stratify, prompt_key, stratum
from rft_dataset.sample_shard import ShardHeader, write_shard
from rft_dataset.sampling import SampleTooLarge, StratifiedSample
from rft_runtime.data_bucket import DataBucket
from rft_runtime.failures import explain, is_transient
from rft_runtime.platform import Platform

MOST_ROWS = 100_000
"""Rows of a sample at most: five times the most that a training job takes."""
_MOST_BYTES = 640 * 2**20
"""Of the function's memory, what a sample may take; the rest is for its shard, the code and the object being read."""


class Sampling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How logs are sampled.

    Args:
        size: Rows to draw in the end, 1 to 100,000. `rft dataset from-logs` wants three for each prompt, since it drops
            near copies.
        seed: Of the draw.
        by: What strata are made by (`check_stratify`); None: one stratum.
        wanted: Which prompts may be drawn.
        distinct: Whether equal prompts count once; else every call counts.
    """

    size: int
    seed: int = 0
    by: str | None = None
    wanted: LogFilter = LogFilter()
    distinct: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.size <= MOST_ROWS:
            raise ValueError(f"size: got {self.size:,}, wanted 1 to {MOST_ROWS:,}")
        if self.by is not None:
            check_stratify(self.by)

    def key(self, prompt: LoggedPrompt) -> str:
        """Return what a prompt is: prompts that share a key count once."""
        return prompt_key(prompt) if self.distinct else prompt.request_id


class SampledShard(msgspec.Struct, frozen=True, kw_only=True):
    """What became of some log objects: numbers and a place, no text.

    Args:
        shard: Key of the shard.
        objects: Log objects that were read.
        prompts: Prompts in them.
        wanted: Those that the filter accepted.
        kept: Those that the shard holds.
        left_out: Reason -> records that are no prompts.
    """

    shard: str
    objects: int
    prompts: int
    wanted: int
    kept: int
    left_out: dict[str, int]


def sample_objects(
    platform: Platform, logs: str, keys: Sequence[str], sampling: Sampling, *, name: str, seconds: float
) -> SampledShard:
    """Sample some log objects and write the shard, whose key follows from theirs: a retry replaces it.

    Args:
        platform: Where this runs; the shard goes to its data bucket.
        logs: Name of the bucket of the logs.
        keys: The objects'. Those that hold no records are passed over.
        sampling: How they are sampled.
        name: Of the sample of all logs.
        seconds: Time for reading them.

    Raises:
        RunFailed: When an object cannot be read, the sample outgrows the function's memory, or the time is too short.
        Transient: When the same call may succeed later.
    """
    end = time.monotonic() + seconds
    sample = StratifiedSample(sampling.size, seed=sampling.seed, max_bytes=_MOST_BYTES)
    left_out, prompts = Counter[str](), 0
    logged = [key for key in keys if is_log(key)]
    bucket = DataBucket(platform.clients.s3, logs)
    try:
        for number, key in enumerate(logged):
            if time.monotonic() > end:
                raise RunFailed(
                    f"read {number} of {len(logged)} log objects in {seconds:.0f} s: deploy InvocationLogSampler with "
                    "fewer objects_per_shard"
                )
            prompts += _offer(bucket, key, sampling, sample, left_out)
    except SampleTooLarge as error:
        raise RunFailed(str(error)) from error
    shard = f"{log_shards(name)}{_name_of(keys)}.jsonl.gz"
    kept = _write(platform.bucket, shard, sampling, sample, objects=len(logged), prompts=prompts, left_out=left_out)
    return SampledShard(
        shard=shard,
        objects=len(logged),
        prompts=prompts,
        wanted=sum(sample.populations.values()),
        kept=kept,
        left_out=dict(left_out),
    )


def _offer(bucket: DataBucket, key: str, sampling: Sampling, sample: StratifiedSample, left_out: Counter[str]) -> int:
    """Offer the wanted prompts of one log object; return how many prompts it holds."""
    prompts = 0
    try:
        for prompt in read_log(bucket.open(key), tally=left_out):
            prompts += 1
            if sampling.wanted.accepts(prompt):
                sample.offer(stratum(prompt, sampling.by), sampling.key(prompt), msgspec.json.encode(prompt.row()))
    except (ClientError, BotoCoreError, HTTPError) as error:
        kind = Transient if is_transient(error) else RunFailed
        raise kind(f"{bucket.address(key)}: {explain(error)}") from error
    return prompts


def _name_of(keys: Sequence[str]) -> str:
    """Return what names a batch of keys."""
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:32]


def _write(
    bucket: DataBucket,
    key: str,
    sampling: Sampling,
    sample: StratifiedSample,
    *,
    objects: int,
    prompts: int,
    left_out: Counter[str],
) -> int:
    """Write a sample as a shard; return how many rows it holds."""
    entries, packed = list(sample.entries()), io.BytesIO()
    header = ShardHeader(
        size=sampling.size,
        seed=sampling.seed,
        by=sampling.by,
        wanted=sampling.wanted,
        distinct=sampling.distinct,
        populations=sample.populations,
        objects=objects,
        prompts=prompts,
        left_out=dict(left_out),
    )
    write_shard(packed, header, entries)
    packed.seek(0)
    bucket.write(key, packed, content_type="application/gzip")
    return len(entries)

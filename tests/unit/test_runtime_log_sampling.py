"""Batches of log objects become shards that merge to the sample of all logs."""

import gzip
import json
from collections import Counter
from typing import Any, cast

import msgspec
import pytest

from rft_contract.layout import log_shards
from rft_contract.outcomes import RunFailed, Transient
from rft_dataset.invocation_log import read_log
from rft_dataset.log_selection import Condition, LogFilter, stratum
from rft_dataset.reading import open_lines
from rft_dataset.sample_shard import shard_entries, shard_header
from rft_dataset.sampling import StratifiedSample
from rft_handlers import sample_logs
from rft_runtime import log_sampling
from rft_runtime.log_sampling import Sampling, sample_objects
from rft_runtime.platform import Platform
from tests.unit.fakes.account import BUCKET
from tests.unit.fakes.s3 import FakeS3
from tests.unit.fakes.service_models import aws_error

PREFIX = "AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1/2026/11/25/"
CANARY = "zanzibarine"
SAMPLING = Sampling(size=12, seed=3, by="metadata:team")


class OneBucket(FakeS3):
    """S3 with one bucket, whatever it is called: logs and shards lie together."""

    broken: dict[str, Exception]

    def __init__(self) -> None:
        super().__init__()
        self.broken = {}

    def get_object(self, *, Bucket: str, Key: str, Range: str | None = None) -> dict[str, Any]:
        if Key in self.broken:
            raise self.broken[Key]
        return super().get_object(Bucket=BUCKET, Key=Key, Range=Range)


class Clients:
    def __init__(self) -> None:
        self.s3 = OneBucket()


@pytest.fixture
def platform() -> Platform:
    """An environment whose bucket holds six log objects of ten records each, and what lies beside logs."""
    made = Platform(environment="dev", bucket_name=BUCKET, clients=cast(Any, Clients()))
    s3 = cast(OneBucket, made.clients.s3)
    for part in range(6):
        lines = [json.dumps(record(10 * part + number)) for number in range(10)]
        s3.put(f"{PREFIX}{part:02d}.json.gz", gzip.compress("\n".join([*lines, "{"]).encode()))
    s3.put(f"{PREFIX}data/body.json.gz", b"a large body")
    s3.put("AWSLogs/123456789012/BedrockModelInvocationLogs/amazon-bedrock-logs-permission-check", b"")
    return made


def record(number: int) -> dict[str, Any]:
    """A record; every fifth prompt is asked twice, and team `b` asks a fifth of them."""
    text = f"{CANARY} {number - number % 5 if number % 5 == 1 else number}?"
    return {
        "schemaType": "ModelInvocationLog",
        "requestId": f"r-{number:03d}",
        "operation": "Converse",
        "modelId": "us.amazon.nova-2-lite-v1:0",
        "input": {"inputBodyJson": {"messages": [{"role": "user", "content": [{"text": text}]}]}},
        "requestMetadata": {"team": "b" if number % 5 == 4 else "a"},
    }


def logged(platform: Platform) -> list[str]:
    return sorted(cast(OneBucket, platform.clients.s3).objects)


def merged(platform: Platform, name: str = "day") -> StratifiedSample:
    """Merge the shards that were written."""
    sample = StratifiedSample(SAMPLING.size, seed=SAMPLING.seed)
    for key in logged(platform):
        if key.startswith(log_shards(name)):
            lines, _ = open_lines(platform.bucket.open(key))
            header = shard_header(next(lines))
            assert header is not None
            sample.merge(shard_entries(lines), header.populations)
    return sample


def at_once(platform: Platform, sampling: Sampling) -> StratifiedSample:
    """Sample all logs in one pass."""
    sample = StratifiedSample(sampling.size, seed=sampling.seed)
    for part in range(6):
        for prompt in read_log(platform.bucket.open(f"{PREFIX}{part:02d}.json.gz"), tally=Counter()):
            if sampling.wanted.accepts(prompt):
                sample.offer(stratum(prompt, sampling.by), sampling.key(prompt), msgspec.json.encode(prompt.row()))
    return sample


@pytest.mark.parametrize(
    "sampling",
    [
        SAMPLING,
        Sampling(size=12, seed=3, distinct=False),
        Sampling(size=12, seed=3, wanted=LogFilter(conditions=(Condition("team", "b", equals=False),))),
    ],
)
@pytest.mark.parametrize("batch", [1, 2, 6, 100])
def test_shards_merge_to_the_sample_of_one_pass(platform: Platform, sampling: Sampling, batch: int) -> None:
    keys = logged(platform)
    for first in range(0, len(keys), batch):
        sample_objects(platform, BUCKET, keys[first : first + batch], sampling, name="day", seconds=60)
    whole = at_once(platform, sampling)
    assert len(whole.draw()) == 12
    assert merged(platform).draw() == whole.draw()
    assert merged(platform).populations == whole.populations


def test_a_repeated_attempt_replaces_its_shard(platform: Platform) -> None:
    keys = logged(platform)
    first = sample_objects(platform, BUCKET, keys, SAMPLING, name="day", seconds=60)
    body = platform.bucket.read(first.shard)
    assert sample_objects(platform, BUCKET, keys, SAMPLING, name="day", seconds=60) == first
    assert (platform.bucket.read(first.shard), len(logged(platform))) == (body, len(keys) + 1)
    other = sample_objects(platform, BUCKET, keys[:2], SAMPLING, name="day", seconds=60)
    assert other.shard != first.shard


def test_the_shard_says_what_it_was_drawn_from(platform: Platform) -> None:
    made = sample_objects(platform, BUCKET, logged(platform), SAMPLING, name="day", seconds=60)
    header = shard_header(gzip.decompress(platform.bucket.read(made.shard)).split(b"\n")[0])
    assert header is not None
    assert (header.objects, header.prompts, header.left_out) == (6, 60, {"not-json": 6})
    assert header.populations == {"a": 48, "b": 12}
    assert (made.objects, made.prompts, made.wanted, made.kept) == (6, 60, 60, 24)
    assert (header.size, header.seed, header.by, header.distinct) == (12, 3, "metadata:team", True)


class Context:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


def event(keys: list[str], **sample: Any) -> dict[str, Any]:
    items = [{"Key": key} for key in keys]
    return {"BatchInput": {"logs": BUCKET, "name": "day", "sample": {"size": 12, **sample}}, "Items": items}


@pytest.fixture
def handler(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(sample_logs, "here", lambda: platform)
    return sample_logs.handler


def test_the_answer_and_the_log_hold_no_text(platform: Platform, handler: Any, capsys: Any) -> None:
    answer = handler(event(logged(platform), by="length"), Context(600))
    line = capsys.readouterr().out
    assert json.loads(line) == answer
    assert answer["shard"].startswith("log-samples/day/shards/")
    assert CANARY not in line
    assert CANARY.encode() in gzip.decompress(platform.bucket.read(answer["shard"]))


@pytest.mark.parametrize(
    ("sample", "wanted"),
    [
        ({"size": 0}, "size: got 0, wanted 1 to 100,000"),
        ({"by": "weather"}, "stratify: got 'weather'"),
        ({"sead": 1}, "unknown field `sead`"),
        ({"wanted": {"conditions": [["team"]]}}, r"\$.BatchInput.sample.wanted"),
    ],
)
def test_an_input_that_cannot_be_is_named(handler: Any, sample: dict[str, Any], wanted: str) -> None:
    with pytest.raises(RunFailed, match=wanted):
        handler(event([], **sample), Context(600))


def test_a_batch_that_takes_too_long_says_what_to_do(platform: Platform, handler: Any) -> None:
    with pytest.raises(RunFailed, match=r"read 0 of 6 log objects in .* fewer objects_per_shard"):
        handler(event(logged(platform)), Context(1))


@pytest.mark.parametrize(("code", "ending"), [("AccessDenied", RunFailed), ("SlowDown", Transient)])
def test_an_object_that_cannot_be_read_is_named(
    platform: Platform, handler: Any, code: str, ending: type[Exception]
) -> None:
    key = f"{PREFIX}03.json.gz"
    cast(OneBucket, platform.clients.s3).broken[key] = aws_error(code, "GetObject")
    with pytest.raises(ending, match=f"s3://{BUCKET}/{key}: GetObject: {code}"):
        handler(event(logged(platform)), Context(600))
    assert not [key for key in logged(platform) if key.startswith("log-samples/")]


def test_a_sample_that_outgrows_the_memory_is_refused(
    platform: Platform, handler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_sampling, "_MOST_BYTES", 2000)
    with pytest.raises(RunFailed, match="ask for fewer rows or strata"):
        handler(event(logged(platform)), Context(600))

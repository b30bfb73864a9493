"""One item of Probe's or Evaluate's map: `{"BatchInput":{"run_id"},"Items":[shard,...]}` -> `{"graded"}`."""

from typing import Protocol

import msgspec

from rft_contract.json_value import JsonObject
from rft_runtime.failures import named_failures
from rft_runtime.platform import here
from rft_runtime.shard_evaluation import evaluate_shard
from rft_runtime.shards import Shard

_RESERVE_SECONDS = 20


class LambdaContext(Protocol):
    """The part of Lambda's context object that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds before Lambda stops the function."""


class _Batch(msgspec.Struct):
    BatchInput: dict[str, str]
    Items: list[Shard]


@named_failures
def handler(event: JsonObject, context: LambdaContext) -> JsonObject:
    """Draw and grade the completions of each shard."""
    batch = msgspec.convert(event, _Batch)
    graded = 0
    for shard in batch.Items:
        seconds = context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS
        graded += evaluate_shard(here(), batch.BatchInput["run_id"], shard, seconds)
    return {"graded": graded}

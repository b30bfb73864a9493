"""One item of a map over log objects: `{"BatchInput":{"logs","name","sample"},"Items":[{"Key"},...]}` -> pointers."""

import json
from typing import Protocol

import msgspec

from rft_contract.json_value import JsonObject
from rft_contract.outcomes import RunFailed
from rft_runtime.failures import explain, named_failures
from rft_runtime.log_sampling import SampledShard, Sampling, sample_objects
from rft_runtime.platform import here

_RESERVE_SECONDS = 90
"""For the object being read when time is up, and for writing the shard."""


class LambdaContext(Protocol):
    """The part of Lambda's context object that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds before Lambda stops the function."""


class _Input(msgspec.Struct):
    logs: str
    name: str
    sample: Sampling


class _Item(msgspec.Struct):
    """The part of a listed object that is used (Step Functions developer guide, "ItemReader (Map)")."""

    key: str = msgspec.field(name="Key")


class _Batch(msgspec.Struct):
    BatchInput: _Input
    Items: list[_Item]


@named_failures
def handler(event: JsonObject, context: LambdaContext) -> JsonObject:
    """Sample the log objects and log one line of counts."""
    try:
        batch = msgspec.convert(event, _Batch)
    except msgspec.ValidationError as error:
        raise RunFailed(f"input of the execution: {explain(error)}") from error
    given = batch.BatchInput
    seconds = context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS
    keys = [item.key for item in batch.Items]
    sampled: SampledShard = sample_objects(here(), given.logs, keys, given.sample, name=given.name, seconds=seconds)
    told: JsonObject = msgspec.to_builtins(sampled)
    print(json.dumps(told, separators=(",", ":")))
    return told

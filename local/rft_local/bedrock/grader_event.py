"""The events of a reward function: which rollouts go together, and what each one looks like.

Source of the payload: user guide, "Setting up reward functions for Amazon Nova models". How many rollouts an event has
and whether it keeps groups together is undocumented; `GraderSettings` says which way to behave.
"""

import itertools
import json
import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rft_contract.json_value import JsonObject, JsonValue
from rft_local.bedrock.endpoint_settings import Delivery, FieldPlace, GraderSettings, Nested
from rft_local.bedrock.engine import Rollout

MOST_BYTES = 6 * 1024 * 1024
"""Largest payload of a synchronous invocation (Lambda quotas)."""


@dataclass(frozen=True)
class Sample:
    """One rollout on its way to the reward function.

    Args:
        position: Its place among the rollouts of the call.
        group: Its group.
        id: The id the reward function has to answer with.
        payload: What it sees, as JSON text.
    """

    position: int
    group: int
    id: str
    payload: str


@dataclass(frozen=True)
class Event:
    """One invocation of the reward function."""

    samples: tuple[Sample, ...]

    @property
    def payload(self) -> bytes:
        """The bare JSON array that the function gets."""
        return f"[{','.join(sample.payload for sample in self.samples)}]".encode()


def arrange(rollouts: Sequence[Rollout], settings: GraderSettings, seed: int) -> list[Event]:
    """Put rollouts into events.

    Args:
        rollouts: The rollouts of one step.
        settings: How to arrange them.
        seed: Seed of the mixing, for `Delivery.SHUFFLED`.

    Returns:
        Events within the size limits; every rollout is in exactly one.
    """
    samples = [_sample(position, rollout, settings) for position, rollout in enumerate(rollouts)]
    by_group = sorted(samples, key=lambda sample: (sample.group, sample.position))
    groups = [list(members) for _, members in itertools.groupby(by_group, key=lambda sample: sample.group)]
    match settings.delivery:
        case Delivery.WHOLE:
            units, most = groups, settings.event_size
        case Delivery.SPLIT:
            rounds = itertools.zip_longest(*groups)
            spread = [[sample for sample in members if sample is not None] for members in rounds]
            return [event for members in spread for event in _pack(_alone(members), settings.event_size)]
        case Delivery.SHUFFLED:
            units, most = _alone(random.Random(seed).sample(samples, len(samples))), settings.event_size
        case Delivery.SINGLE:
            units, most = _alone(samples), 1
    return list(_pack(units, most))


def _alone(samples: Iterable[Sample]) -> list[list[Sample]]:
    return [[sample] for sample in samples]


def _pack(units: Iterable[list[Sample]], most: int) -> Iterator[Event]:
    """Fill events with units, which stay together unless one alone is too many bytes."""
    samples: list[Sample] = []
    size = 2
    for unit in units:
        bytes_of_unit = sum(len(sample.payload.encode()) + 1 for sample in unit)
        if samples and (len(samples) + len(unit) > most or size + bytes_of_unit > MOST_BYTES):
            yield Event(tuple(samples))
            samples, size = [], 2
        if len(unit) > 1 and bytes_of_unit > MOST_BYTES:
            yield from _pack(_alone(unit), most)
            continue
        samples += unit
        size += bytes_of_unit
    if samples:
        yield Event(tuple(samples))


def _sample(position: int, rollout: Rollout, settings: GraderSettings) -> Sample:
    reference = rollout.row.fields.get("reference_answer")
    fields = _delivered(rollout.row.fields, settings.nested)
    if settings.wrap_text and isinstance(reference, str):
        fields["reference_answer"] = {"text": reference}
    turns: list[JsonValue] = [{"role": turn["role"], "content": turn["content"]} for turn in rollout.row.messages]
    turns.append({"role": settings.assistant_role, "content": rollout.completion})
    sample_id = uuid.uuid4().hex
    own: JsonObject = {"id": sample_id, "messages": turns}
    payload = {**fields, **own} if settings.fields is FieldPlace.TOP_LEVEL else {**own, "metadata": fields}
    return Sample(position, rollout.group, sample_id, json.dumps(payload, ensure_ascii=False))


def _delivered(fields: JsonObject, nested: Nested) -> JsonObject:
    """Return the extra fields that arrive; the reference answer is documented, and arrives as it is."""
    found: JsonObject = {}
    for name, value in fields.items():
        if not isinstance(value, dict | list) or name == "reference_answer" or nested is Nested.KEPT:
            found[name] = value
        elif nested is Nested.TEXT:
            found[name] = json.dumps(value, ensure_ascii=False)
    return found

"""Validate: every line of the run's datasets, what they share, and whether their prompts suit the reward."""

import math
from collections.abc import Callable, Sequence
from typing import BinaryIO, cast

import msgspec

from rft_contract.layout import promised_sha256
from rft_contract.naming import reward_alias
from rft_contract.outcomes import InvalidDataset
from rft_contract.recipe import Recipe
from rft_dataset.checking import Check, Source, check
from rft_dataset.findings import Severity
from rft_dataset.row_reader import RowReader
from rft_runtime.certification.deployed_reward import deployed_subject
from rft_runtime.dataset_stream import DatasetStream
from rft_runtime.failures import one_line
from rft_runtime.platform import Platform
from rft_runtime.prompt_alignment import aligned_to
from rft_runtime.run_record import DatasetUse, RunRecord

_SHOWN = 3


def validate(platform: Platform, run_id: str, *, seconds: float = math.inf) -> RunRecord:
    """Check the run's datasets, write `findings.json`, and note what was read.

    Args:
        platform: Where this runs.
        run_id: The run.
        seconds: Time for reading the datasets.

    Raises:
        InvalidDataset: With the first errors: files, lines and codes, never text of the data. Also when a dataset is
            gone, archived, or too long for the time that is left.
        RunFailed: When S3 or KMS refuse to hand a dataset out.
        Transient: When reading broke off, or the reward's code could not be read for a while.
    """
    record = platform.runs.enter(run_id, "Validate")
    recipe, bucket = record.parsed_recipe(), platform.bucket
    addresses = dict(recipe.datasets.items())
    streams = {
        split: DatasetStream(bucket, bucket.key_of(address), name=f"datasets.{split}", seconds=seconds)
        for split, address in addresses.items()
    }
    found = check(
        [
            Source(split, address.rsplit("/", 1)[-1], cast(BinaryIO, streams[split]))
            for split, address in addresses.items()
        ],
        hyperparameters=recipe.hyperparameters,
        readers=_alignment(platform, record, recipe),
    )
    bucket.write(record.keys.findings, msgspec.json.format(msgspec.json.encode(found.to_json()), indent=2))
    if found.count(Severity.ERROR):
        raise InvalidDataset(_summary(found, bucket.address(record.keys.findings)))
    uses = {
        split: DatasetUse(address=address, sha256=streams[split].sha256(), rows=found.reports[split].rows)
        for split, address in addresses.items()
    }
    for split, use in uses.items():
        _require_promised(split, use, bucket.key_of(use.address))
    return platform.runs.set(run_id, datasets=uses)


def _require_promised(split: str, use: DatasetUse, key: str) -> None:
    """Refuse a dataset that was replaced where it lay: its key names the hash of what was uploaded there.

    Raises:
        InvalidDataset: When it has another hash.
    """
    if promised_sha256(key) not in (None, use.sha256):
        raise InvalidDataset(
            f"datasets.{split}: {use.address} was replaced: its key names other content, and what lies there has the "
            f"SHA-256 {use.sha256}; put the first version back, or upload the dataset under another name"
        )


def _alignment(platform: Platform, record: RunRecord, recipe: Recipe) -> Callable[[Source], Sequence[RowReader]]:
    """Return what sees whether prompts tell the form that the run's reward reads."""
    subject = deployed_subject(
        platform.clients.functions,
        record.parsed_resources().rewards[recipe.reward],
        reward_alias(record.run_id),
        reward=recipe.reward,
        environment=record.environment,
    )
    try:
        return aligned_to(subject.spec)
    except ValueError:  # Certify refuses this reward, and says why
        return lambda source: ()


def _summary(found: Check, address: str) -> str:
    errors = [finding for finding in found.findings if finding.severity is Severity.ERROR]
    shown = " | ".join(one_line(str(error)) for error in errors[:_SHOWN])
    more = found.count(Severity.ERROR) - _SHOWN
    return f"{shown} | and {more} more in {address}" if more > 0 else shown

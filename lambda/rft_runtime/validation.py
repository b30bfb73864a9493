"""Validate: every line of the run's datasets, and what they share with each other."""

from typing import BinaryIO, cast

import msgspec

from rft_contract.outcomes import InvalidDataset
from rft_dataset.checking import Check, Source, check
from rft_dataset.findings import Severity
from rft_dataset.validation import Split
from rft_runtime.hashed_stream import HashedStream
from rft_runtime.platform import Platform
from rft_runtime.run_record import DatasetUse, RunRecord

_SHOWN = 3


def validate(platform: Platform, run_id: str) -> RunRecord:
    """Check the run's datasets, write `findings.json`, and note what was read.

    Raises:
        InvalidDataset: With the first errors: files, lines and codes, never text of the data.
    """
    record = platform.runs.enter(run_id, "Validate")
    recipe, bucket = record.parsed_recipe(), platform.bucket
    addresses = dict(recipe.datasets.items())
    streams = {split: HashedStream(bucket.open(bucket.key_of(address))) for split, address in addresses.items()}
    found = check(
        [
            Source(cast(Split, split), address.rsplit("/", 1)[-1], cast(BinaryIO, streams[split]))
            for split, address in addresses.items()
        ],
        hyperparameters=recipe.hyperparameters,
    )
    bucket.write(record.keys.findings, msgspec.json.format(msgspec.json.encode(found.to_json()), indent=2))
    if found.count(Severity.ERROR):
        raise InvalidDataset(_summary(found, bucket.address(record.keys.findings)))
    uses = {
        split: DatasetUse(address=address, sha256=streams[split].sha256(), rows=found.reports[cast(Split, split)].rows)
        for split, address in addresses.items()
    }
    return platform.runs.set(run_id, datasets=uses)


def _summary(found: Check, address: str) -> str:
    errors = [finding for finding in found.findings if finding.severity is Severity.ERROR]
    shown = " | ".join(str(error) for error in errors[:_SHOWN])
    more = found.count(Severity.ERROR) - _SHOWN
    return f"{shown} | and {more} more in {address}" if more > 0 else shown

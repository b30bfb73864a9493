"""Validate: every line of the run's datasets, and what they share with each other."""

from collections.abc import Sequence
from typing import Any, BinaryIO, cast

import msgspec

from rft_contract.outcomes import InvalidDataset
from rft_dataset.findings import Finding, Report, Severity
from rft_dataset.validation import Split, compare
from rft_dataset.validation import validate as check
from rft_runtime.data_bucket import DataBucket
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
    reports: dict[Split, Report] = {}
    uses: dict[str, DatasetUse] = {}
    for split, address in record.parsed_recipe().datasets.items():
        report, uses[split] = _read(platform.bucket, cast(Split, split), address)
        reports[cast(Split, split)] = report
    shared = compare(reports)
    errors = [error for report in reports.values() for error in report.errors()]
    errors += [finding for finding in shared if finding.severity is Severity.ERROR]
    findings: dict[str, Any] = {
        "valid": not errors,
        "datasets": {split: report.to_json() for split, report in reports.items()},
        "shared": shared,
    }
    platform.bucket.write(record.keys.findings, msgspec.json.format(msgspec.json.encode(findings), indent=2))
    if errors:
        count = sum(report.severities[Severity.ERROR] for report in reports.values())
        count += sum(finding.severity is Severity.ERROR for finding in shared)
        raise InvalidDataset(_summary(errors, count, platform.bucket.address(record.keys.findings)))
    return platform.runs.set(run_id, datasets=uses)


def _read(bucket: DataBucket, split: Split, address: str) -> tuple[Report, DatasetUse]:
    """Check one dataset in one pass, which also takes its hash."""
    stream = HashedStream(bucket.open(bucket.key_of(address)))
    report = check(cast(BinaryIO, stream), address.rsplit("/", 1)[-1], split=split)
    return report, DatasetUse(address=address, sha256=stream.sha256(), rows=report.rows)


def _summary(errors: Sequence[Finding], count: int, address: str) -> str:
    shown = " | ".join(str(error) for error in errors[:_SHOWN])
    more = f" | and {count - _SHOWN} more in {address}" if count > _SHOWN else ""
    return f"{shown}{more}"

"""A dataset that was put into the bucket, checked by itself: its report appears beside it.

Events of S3 may come twice, late, or in another order than the writes (S3 user guide, "Event ordering and duplicate
events"). So an event only says where to look: the newest version is read, and its report is written only while it still
is the newest. A version that was replaced meanwhile has an event of its own.
"""

import math
from datetime import UTC, datetime
from typing import Any, BinaryIO, cast

import msgspec

from rft_contract.layout import SPLIT_METADATA, report_key
from rft_contract.outcomes import InvalidDataset, Transient
from rft_contract.recipe_sections import GUARD
from rft_contract.version import VERSION
from rft_dataset.checking import Source, check
from rft_dataset.findings import Finding, Severity
from rft_dataset.validation import Split
from rft_runtime.data_bucket import DataBucket, StoredObject
from rft_runtime.dataset_stream import DatasetStream, named_reads
from rft_runtime.platform import Platform

SCHEMA_VERSION = 1
_ATTEMPTS = 10
_NAME = "upload"

_NOT_CHECKED = (
    "leakage: a run's other datasets are not known here; Validate and `rft validate` compare them",
    "steps: a run's hyperparameters are not known here",
)
_SPLIT_UNKNOWN = f"split: the object's metadata {SPLIT_METADATA} names none; it was held to the limits of training data"


class UploadReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in an uploaded dataset: `<key>.report.json`, a public schema.

    Args:
        address: The dataset, `s3://...`.
        etag: ETag of the version that was read.
        version: Its version id; None in a bucket without versions.
        size: Its bytes.
        split: `train`, `validation`, `held_out` or `guard-<name>`, as its metadata say; None: unknown.
        valid: Whether a run would take it: it was read to its end and has no error.
        problem: Why it was not read to its end; None: it was.
        rows: Lines that hold a row, good or bad.
        severities: Severity -> number of findings.
        counts: Code -> number of findings.
        findings: The first 1,000 of each code.
        facts: What else is worth knowing: lengths, labels, difficulties.
        not_checked: What this check leaves out.
        environment: Where it was checked.
        platform_version: Version of the platform that checked.
        checked: When, ISO 8601, UTC.
        schema_version: Version of this schema.
    """

    address: str
    etag: str
    version: str | None
    size: int
    split: str | None
    valid: bool
    problem: str | None = None
    rows: int = 0
    severities: dict[Severity, int] = {}
    counts: dict[str, int] = {}
    findings: list[Finding] = []
    facts: dict[str, Any] = {}
    not_checked: list[str] = []
    environment: str
    platform_version: str = VERSION
    checked: datetime
    schema_version: int = SCHEMA_VERSION


def check_upload(platform: Platform, key: str, *, seconds: float = math.inf) -> UploadReport | None:
    """Check the newest version of a dataset and write its report beside it.

    Args:
        platform: Where this runs.
        key: The dataset's.
        seconds: Time for reading it.

    Returns:
        The report; None when there is nothing to say: the object is gone or replaced, or this version has its report.

    Raises:
        RunFailed: When S3 or KMS refuse to hand the object out.
        Transient: When reading broke off, or others kept writing the report for ten attempts.
    """
    bucket = platform.bucket
    with named_reads(f"{_NAME}: {bucket.address(key)}"):
        stored = bucket.describe(key)
    if stored is None or _is_reported(bucket, key, stored):
        return None
    report = _report(platform, key, stored, seconds)
    return report if _write(bucket, key, stored, report) else None


def _is_reported(bucket: DataBucket, key: str, stored: StoredObject) -> bool:
    """Whether this version has a report of this version of the platform already, as after an event that came twice."""
    found = bucket.find(report_key(key))
    if found is None:
        return False
    try:
        report = msgspec.json.decode(found[0], type=UploadReport)
    except msgspec.MsgspecError:  # written by another version of the platform
        return False
    return (report.etag, report.version, report.platform_version) == (stored.etag, stored.version, VERSION)


def _report(platform: Platform, key: str, stored: StoredObject, seconds: float) -> UploadReport:
    bucket = platform.bucket
    split = stored.metadata.get(SPLIT_METADATA)
    known = _is_known(split)
    report = UploadReport(
        address=bucket.address(key),
        etag=stored.etag,
        version=stored.version,
        size=stored.size,
        split=split if known else None,
        valid=False,
        not_checked=[*_NOT_CHECKED, *([] if known else [_SPLIT_UNKNOWN])],
        environment=platform.environment,
        checked=datetime.now(UTC),
    )
    held_to: Split = split if known and split else "train"
    stream = DatasetStream(bucket, key, name=_NAME, seconds=seconds)
    try:
        checked = check([Source(held_to, key.rsplit("/", 1)[-1], cast(BinaryIO, stream))])
    except InvalidDataset as error:
        return msgspec.structs.replace(report, problem=str(error))
    found = checked.reports[held_to]
    return msgspec.structs.replace(
        report,
        valid=found.is_valid,
        rows=found.rows,
        severities={severity: found.findings.severities[severity] for severity in Severity},
        counts=dict(found.findings.counts),
        findings=found.findings.stored,
        facts=checked.facts[held_to],
    )


def _is_known(split: str | None) -> bool:
    """Say whether an object's metadata name a split."""
    return split is not None and (split in ("train", "validation", "held_out") or split.startswith(GUARD))


def _write(bucket: DataBucket, key: str, stored: StoredObject, report: UploadReport) -> bool:
    """Write a report while its version is the newest; return whether it was written.

    The object is looked at after the report that stands there: whoever reports on a later version in between makes the
    conditional write fail.
    """
    place, body = report_key(key), msgspec.json.format(msgspec.json.encode(report), indent=2)
    for _ in range(_ATTEMPTS):
        found = bucket.find(place)
        if bucket.describe(key) != stored:
            return False
        if bucket.create(place, body) if found is None else bucket.replace(place, body, found[1]):
            return True
    raise Transient(f"{bucket.address(place)} changed {_ATTEMPTS} times while it was being written")

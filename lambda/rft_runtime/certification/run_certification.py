"""Certify: every dataset of a run, with the reward that the run has pinned."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from rft_contract.layout import certificate_key
from rft_contract.naming import reward_alias
from rft_contract.outcomes import RunFailed, UncertifiedReward
from rft_dataset.reading import rows
from rft_runtime.certificate import Certificate, Verdict
from rft_runtime.certification.certificate_store import CertificateStore
from rft_runtime.certification.deployed_reward import DeployedReward, deployed_subject
from rft_runtime.certification.evidence import Evidence
from rft_runtime.certification.examination import examine
from rft_runtime.certification.row import Row, Rows
from rft_runtime.certification.subject import Demands, Subject
from rft_runtime.data_bucket import DataBucket
from rft_runtime.patience import Patience
from rft_runtime.platform import Platform
from rft_runtime.run_record import RunRecord

_AT_ONCE = 4
_TIMED = "train"
_ROWS_SHARE = 0.6
"""Share of the time left that the rows of a dataset may take; samples and repetitions need the rest."""


def certify_run(platform: Platform, run_id: str, seconds: float) -> RunRecord:
    """Find or make the certificate of each of a run's datasets.

    Args:
        platform: Where this runs.
        run_id: The run.
        seconds: Time left.

    Raises:
        UncertifiedReward: When one of them is not accepted here.
        Transient: When the reward could not be called for a cause that a retry may cure.
    """
    record = platform.runs.enter(run_id, "Certify")
    if record.reward_arn is None:
        raise RunFailed(f"run {run_id}: the record has no reward alias; Plan did not finish")
    deadline = time.monotonic() + seconds
    recipe, store = record.parsed_recipe(), CertificateStore(platform.bucket)
    subject = deployed_subject(
        platform.clients.functions,
        record.parsed_resources().rewards[recipe.reward],
        reward_alias(run_id),
        reward=recipe.reward,
        environment=record.environment,
    )
    evidence = _evidence(store, subject)
    record = platform.runs.set(run_id, reward_hash=subject.reward_hash)
    for split in record.datasets:
        certificate = _certificate(platform, record, split, subject, evidence, deadline)
        record = platform.runs.set(run_id, certificates={**record.certificates, split: certificate.verdict.value})
        if not _is_accepted(certificate, record):
            address = store.bucket.address(certificate_key(certificate.reward_hash, certificate.dataset_sha256))
            raise UncertifiedReward(f"datasets.{split}: {certificate.reason()}; all of it in {address}")
    return record


def _certificate(
    platform: Platform, record: RunRecord, split: str, subject: Subject, evidence: Evidence, deadline: float
) -> Certificate:
    """Return the stored certificate of a dataset where it still holds, else a new one."""
    recipe, store = record.parsed_recipe(), CertificateStore(platform.bucket)
    sha256 = record.datasets[split].sha256
    demands = Demands(
        pass_at=recipe.certify.pass_at,
        margin=recipe.certify.margin,
        budget=recipe.certify.budget,
        timed=split == _TIMED,  # the function's time is the same for all
    )
    try:
        thresholds = demands.thresholds(subject.kind())
    except ValueError as error:
        raise UncertifiedReward(f"reward {subject.reward}: {error}") from None
    found = store.find(subject.reward_hash, sha256)
    holds = found is not None and found.holds(
        environment=subject.environment,
        reward_hash=subject.reward_hash,
        code_sha256=subject.code_sha256,
        dataset_sha256=sha256,
        evidence_sha256=evidence.sha256,
        thresholds=thresholds,
        now=datetime.now(UTC),
        most_days=record.parsed_settings().certificate_days,
    )
    if found is not None and holds and _is_accepted(found, record):
        return found
    assert record.reward_arn is not None
    reward = DeployedReward(platform.clients.grading, record.reward_arn, Patience(deadline=deadline))
    certificate = examine(
        subject,
        reward,
        _rows(platform.bucket, record.keys.data(split)),
        dataset_sha256=sha256,
        evidence=evidence,
        demands=demands,
        at_once=_AT_ONCE,
        seconds=_ROWS_SHARE * (deadline - time.monotonic()),
    )
    store.save(certificate)
    return certificate


def _is_accepted(certificate: Certificate, record: RunRecord) -> bool:
    if certificate.verdict is Verdict.INCOMPLETE:
        return record.parsed_settings().incomplete_certificates
    return certificate.verdict is Verdict.PASSED


def _evidence(store: CertificateStore, subject: Subject) -> Evidence:
    try:
        return store.find_evidence(subject.reward_hash)
    except ValueError as error:
        raise UncertifiedReward(f"reward {subject.reward}: {error}") from None


def _rows(bucket: DataBucket, key: str) -> Rows:
    """Return a frozen dataset's rows."""

    def read() -> Iterator[Row]:
        for line, _, fields in rows(bucket.open(key)):
            yield Row(line, fields)

    return read

"""Certificates for datasets in memory, without the minute that certifying them in earnest takes."""

import hashlib
from datetime import UTC, datetime

from rft_runtime.certificate import Certificate, Verdict
from rft_runtime.certification.certificate_store import CertificateStore
from rft_runtime.certification.deployed_reward import deployed_subject
from rft_runtime.certification.subject import Demands
from tests.unit.fakes.account import REWARD_FUNCTION
from tests.unit.fakes.aws import FakeAws


def accept(aws: FakeAws, body: bytes) -> None:
    """Keep a certificate that says that the deployed reward passed on a dataset.

    Args:
        aws: Where.
        body: The dataset.
    """
    subject = deployed_subject(
        aws.platform().clients.functions, REWARD_FUNCTION, "live", reward="tickets", environment="dev"
    )
    certificate = Certificate(
        reward="tickets",
        kind="label",
        environment="dev",
        reward_hash=subject.reward_hash,
        code_sha256=subject.code_sha256,
        dataset_sha256=hashlib.sha256(body).hexdigest(),
        rows=len(body.splitlines()),
        thresholds=Demands().thresholds(subject.kind()),
        evidence_sha256=None,
        made=datetime.now(UTC),
        seconds=0.0,
        verdict=Verdict.PASSED,
        checks=(),
        latency=(),
        grades=0,
    )
    CertificateStore(aws.platform().bucket).save(certificate)

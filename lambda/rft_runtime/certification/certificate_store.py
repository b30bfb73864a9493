"""Certificates, and what they rest on, in the data bucket."""

from collections.abc import Sequence
from dataclasses import dataclass

from rft_contract.layout import calibrations_key, cases_key, certificate_key
from rft_runtime.calibration import Calibration
from rft_runtime.certificate import Certificate, decode_certificate, encode_certificate
from rft_runtime.certification.cases import read_cases
from rft_runtime.certification.evidence import Evidence, decode_calibrations, encode_calibrations
from rft_runtime.data_bucket import DataBucket


@dataclass(frozen=True, slots=True)
class CertificateStore:
    """What is known of rewards.

    Args:
        bucket: The data bucket.
    """

    bucket: DataBucket

    def find(self, reward_hash: str, dataset_sha256: str) -> Certificate | None:
        """Return the certificate of a reward on a dataset, or None; it may be out of date."""
        found = self.bucket.find(certificate_key(reward_hash, dataset_sha256))
        return None if found is None else decode_certificate(found[0])

    def save(self, certificate: Certificate) -> str:
        """Keep a certificate in place of an earlier one, and return its address."""
        key = certificate_key(certificate.reward_hash, certificate.dataset_sha256)
        self.bucket.write(key, encode_certificate(certificate))
        return self.bucket.address(key)

    def find_evidence(self, reward_hash: str) -> Evidence:
        """Return what a reward's author brought.

        Raises:
            ValueError: When the cases cannot be read.
        """
        cases = self.bucket.find(cases_key(reward_hash))
        calibrations = self.bucket.find(calibrations_key(reward_hash))
        return Evidence(
            None if cases is None else read_cases(cases[0]),
            () if calibrations is None else decode_calibrations(calibrations[0]),
        )

    def save_cases(self, reward_hash: str, body: bytes) -> None:
        """Keep the author's cases, so that a run can certify the reward on other datasets too."""
        self.bucket.write(cases_key(reward_hash), body)

    def save_calibrations(self, reward_hash: str, calibrations: Sequence[Calibration]) -> None:
        """Keep the calibrations of a reward's judges."""
        self.bucket.write(calibrations_key(reward_hash), encode_calibrations(calibrations))

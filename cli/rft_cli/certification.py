"""A certificate made from this machine, of a reward as it is deployed."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_dataset.reading import rows
from rft_runtime.calibration import Calibration, decode_calibration
from rft_runtime.certificate import Certificate
from rft_runtime.certification.cases import read_cases
from rft_runtime.certification.certificate_store import CertificateStore
from rft_runtime.certification.deployed_reward import DeployedReward, deployed_subject
from rft_runtime.certification.examination import Tell, examine
from rft_runtime.certification.row import Row, Rows
from rft_runtime.certification.subject import Demands
from rft_runtime.patience import Patience
from rft_runtime.reward_alias import LIVE

_AT_ONCE = 4
_MOST_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Brought:
    """An author's files.

    Args:
        cases: Good and bad completions.
        calibrations: Of the reward's judges.
    """

    cases: Path | None = None
    calibrations: Sequence[Path] = ()


@dataclass(frozen=True)
class Certified:
    """A certificate and where it is kept.

    Args:
        certificate: The certificate.
        address: Its `s3://` address, where runs find it.
    """

    certificate: Certificate
    address: str


def certify(
    environment: Environment, reward: str, dataset: Path, brought: Brought, demands: Demands, tell: Tell
) -> Certified:
    """Certify a deployed reward on a dataset, and keep the certificate and what it rests on in the environment.

    Args:
        environment: Where the reward is deployed.
        reward: Its name.
        dataset: A file of JSON Lines.
        brought: The author's files; what is not among them is as it was kept the last time.
        demands: How strictly.
        tell: Told what is being done.

    Raises:
        CliError: When there is no such reward, or a file cannot be read.
    """
    functions = environment.outputs.rewards
    if reward not in functions:
        known = ", ".join(sorted(functions))
        raise CliError(f"reward {reward}: unknown in environment {environment.name}; it has {known}")
    sha256 = _sha256(dataset)
    tell(f"looking at the code of {functions[reward]}")
    subject = deployed_subject(
        environment.aws.functions,
        functions[reward],
        LIVE,
        reward=reward,
        environment=environment.name,
        direct=environment.is_local,
    )
    store = CertificateStore(environment.bucket)
    _keep(store, subject.reward_hash, brought)
    patience = Patience(deadline=time.monotonic() + _MOST_SECONDS, attempts=10)
    certificate = examine(
        subject,
        DeployedReward(environment.aws.grading, f"{functions[reward]}:{LIVE}", patience),
        _rows(dataset),
        dataset_sha256=sha256,
        evidence=store.find_evidence(subject.reward_hash),
        demands=demands,
        at_once=_AT_ONCE,
        tell=tell,
    )
    return Certified(certificate, store.save(certificate))


def _keep(store: CertificateStore, reward_hash: str, brought: Brought) -> None:
    """Read the author's files and keep them, all or none."""
    cases = None if brought.cases is None else _read("cases", brought.cases)
    if cases is not None:
        try:
            read_cases(cases)
        except ValueError as error:
            raise CliError(f"{brought.cases}: {error}") from None
    calibrations: list[Calibration] = []
    for path in brought.calibrations:
        found = decode_calibration(_read("calibration", path))
        if found is None:
            raise CliError(f"calibration {path}: not what `rft judge calibrate` writes")
        calibrations.append(found)
    if cases is not None:
        store.save_cases(reward_hash, cases)
    if calibrations:
        store.save_calibrations(reward_hash, calibrations)


def _read(what: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CliError(f"{what} {path}: {error.strerror or error}") from None


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CliError(f"dataset {path}: {error.strerror or error}") from None


def _rows(path: Path) -> Rows:
    def read() -> Iterator[Row]:
        with path.open("rb") as stream:
            try:
                for line, _, fields in rows(stream):
                    yield Row(line, fields)
            except ValueError as error:
                raise CliError(f"dataset {path}: {error}; `rft validate {path}` shows all of it") from None

    return read

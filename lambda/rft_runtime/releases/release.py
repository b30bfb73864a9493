"""The manifest of a release: what it was made of and judged by, written once."""

from datetime import datetime
from typing import Any

import msgspec

from rft_contract.json_value import canonical
from rft_runtime.gate import Decision
from rft_runtime.measures import Gain, Measures
from rft_runtime.run_record import DatasetUse


class RewardUse(msgspec.Struct, frozen=True, kw_only=True):
    """The reward that a release was trained with.

    Args:
        name: What the recipe calls it.
        sha256: Of its sources, lock file and options; None: Certify did not note it.
        version: The Lambda function's version.
        certificates: Split -> verdict of the certificate.
    """

    name: str
    sha256: str | None
    version: str | None
    certificates: dict[str, str]


class HeldOutUse(msgspec.Struct, frozen=True, kw_only=True):
    """The held-out set that a release was judged on.

    Args:
        sha256: Hex digest of its bytes.
        looks: Candidates that were judged on it so far, this one among them.
    """

    sha256: str
    looks: int


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured on the held-out set, as in the run's report.

    Args:
        arms: `base`, `candidate` and, where there was one, `live`.
        gain: Candidate against base in greedy accuracy.
    """

    arms: dict[str, Measures]
    gain: Gain


class Previous(msgspec.Struct, frozen=True, kw_only=True):
    """The release that another one replaced.

    Args:
        number: Of the release.
        sha256: Of its manifest.
    """

    number: int
    sha256: str


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """The manifest of a release: everything that it was made of and judged by.

    Args:
        line: The model line.
        number: From 1; numbers of promotions that came to nothing are left out.
        environment: Where it was trained and judged.
        run_id: The run.
        promoted: When its promotion began, UTC.
        model_arn: The custom model.
        base_model: Customization id of the base model.
        job_arn: The customization job.
        recipe: The recipe as given.
        datasets: Split -> what was read.
        reward: What it was trained with.
        held_out: What it was judged on.
        decision: What the gate decided.
        metrics: What was measured.
        previous: The release that it replaced; None: it was the line's first.
        schema: Version of this format.
    """

    line: str
    number: int
    environment: str
    run_id: str
    promoted: datetime
    model_arn: str
    base_model: str
    job_arn: str | None
    recipe: dict[str, Any]
    datasets: dict[str, DatasetUse]
    reward: RewardUse
    held_out: HeldOutUse
    decision: Decision
    metrics: Metrics
    previous: Previous | None = None
    schema: int = 1


def encode_release(release: Release) -> bytes:
    """Return a manifest as canonical JSON, so that the SHA-256 of the file is that of what it says."""
    return canonical(msgspec.to_builtins(release)).encode()

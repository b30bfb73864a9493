"""A model line's releases: what each was made of, written once, and which of them is live."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

import msgspec

from rft_contract.json_value import canonical
from rft_contract.layout import RELEASES, current_release_key, release_key
from rft_contract.outcomes import RunFailed
from rft_runtime.data_bucket import DataBucket
from rft_runtime.gate import Decision
from rft_runtime.platform import Platform
from rft_runtime.releases.envelope import Envelope
from rft_runtime.report import Gain, Measures
from rft_runtime.run_record import DatasetUse, LiveRelease

_CURRENT = re.compile(re.escape(RELEASES) + r"([^/]+)/current\.json")


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


class ChangeKind(StrEnum):
    """Why a line's deployment is being changed."""

    PROMOTION = "PROMOTION"
    ROLLBACK = "ROLLBACK"
    RESTORE = "RESTORE"
    """A promotion or rollback came to nothing: what is live is put back."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change of what is live, from its claim to its end. A line has at most one at a time.

    Args:
        kind: Why.
        id: Who made it: the run's id, or the token of a rollback.
        since: When it was claimed, UTC.
        release: The release that shall be live; None: none, for a first promotion that is taken back.
        model_arn: Its model.
        reason: In the words of whoever made it.
        asked: Whether Bedrock was asked for it, so that a failed update is this change's own.
        switched: Whether the release is live: the rest only tells of it.
        envelope: The signed statement about a promotion's release, made before anything is put in place and published
            once it is committed.
    """

    kind: ChangeKind
    id: str
    since: datetime
    release: int | None
    model_arn: str | None
    reason: str = ""
    asked: bool = False
    switched: bool = False
    envelope: Envelope | None = None


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """When a release went live, and why.

    Args:
        release: Its number.
        since: UTC.
        kind: Promotion or rollback.
        id: The run's id, or the token of the rollback.
        reason: In the words of whoever did it.
    """

    release: int
    since: datetime
    kind: ChangeKind
    id: str
    reason: str = ""


class Current(msgspec.Struct, frozen=True, kw_only=True):
    """What is live on a model line: `releases/<line>/current.json`.

    Args:
        line: The model line.
        environment: The environment.
        release: The live release; None: there is none yet.
        model_arn: Its model.
        deployment_arn: The line's deployment.
        manifest_sha256: Of the release's manifest.
        newest: The highest number that was given to a release.
        change: What is under way; None: nothing.
        history: Every release that went live, in order; the last one is live.
        schema: Version of this format.
    """

    line: str
    environment: str
    release: int | None = None
    model_arn: str | None = None
    deployment_arn: str | None = None
    manifest_sha256: str | None = None
    newest: int = 0
    change: Change | None = None
    history: list[Turn] = []
    schema: int = 1

    @property
    def live(self) -> LiveRelease | None:
        """What a candidate is compared with; None: there is nothing yet."""
        if self.release is None or self.model_arn is None or self.deployment_arn is None:
            return None
        return LiveRelease(
            release=self.release,
            model_arn=self.model_arn,
            deployment_arn=self.deployment_arn,
            turns=sum(1 for _ in groupby(turn.release for turn in self.history)),
        )


class KeptRelease(msgspec.Struct, frozen=True, kw_only=True):
    """A release whose model must not be deleted.

    Args:
        number: Its number.
        model_arn: Its model.
    """

    number: int
    model_arn: str


def encode_release(release: Release) -> bytes:
    """Return a manifest as canonical JSON, so that the SHA-256 of the file is that of what it says."""
    return canonical(msgspec.to_builtins(release)).encode()


@dataclass(frozen=True)
class ReleaseStore:
    """The releases of an environment's lines, in its data bucket.

    Args:
        bucket: The data bucket.
        environment: Name of the environment.
    """

    bucket: DataBucket
    environment: str

    def current(self, line: str) -> Current:
        """Return what is live on a line; a line that nothing was ever promoted on is empty."""
        found = self.bucket.find(current_release_key(line))
        return self._decode(line, None if found is None else found[0])

    def update(self, line: str, change: Callable[[Current], Current]) -> Current:
        """Apply a change to the newest state of a line, by a conditional write, and return the result.

        Args:
            line: The model line.
            change: Pure function; it may be called more than once, and may raise to leave the line as it is.

        Raises:
            Transient: When others kept writing for ten attempts.
        """
        return self.bucket.update(
            current_release_key(line),
            change,
            decode=lambda body: self._decode(line, body),
            encode=lambda current: msgspec.json.format(msgspec.json.encode(current), indent=2),
        )

    def create(self, line: str, number: int, body: bytes) -> str:
        """Write a manifest, once, and return its hex digest.

        Args:
            line: The model line.
            number: Of the release.
            body: What `encode_release` returned.

        Raises:
            RunFailed: When the number has another manifest.
        """
        key = release_key(line, number)
        if not self.bucket.create(key, body) and self.bucket.read(key) != body:
            raise RunFailed(f"{self.bucket.address(key)} exists and says something else; manifests are written once")
        return hashlib.sha256(body).hexdigest()

    def digest(self, line: str, number: int) -> str:
        """Return the hex digest of a manifest."""
        return hashlib.sha256(self.bucket.read(release_key(line, number))).hexdigest()

    def find(self, line: str, number: int) -> Release | None:
        """Return a release's manifest, or None."""
        found = self.bucket.find(release_key(line, number))
        return None if found is None else msgspec.json.decode(found[0], type=Release)

    def load(self, line: str, number: int) -> Release:
        """Return a release's manifest.

        Raises:
            RunFailed: When there is none.
        """
        release = self.find(line, number)
        if release is None:
            raise RunFailed(f"line {line}: there is no release {number}")
        return release

    def lines(self) -> Iterator[str]:
        """List the lines that something was promoted on, or is being."""
        for key in self.bucket.keys(RELEASES):
            if (found := _CURRENT.fullmatch(key)) is not None:
                yield found[1]

    def releases_kept(self, line: str, keep: int) -> tuple[KeptRelease, ...]:
        """Return the releases whose models must stay: the last ones that went live, and what is being put in place.

        Args:
            line: The model line.
            keep: How many of the last releases that went live, at least the live one.
        """
        current = self.current(line)
        numbers = list(dict.fromkeys(turn.release for turn in reversed(current.history)))[: max(1, keep)]
        models = {number: self.load(line, number).model_arn for number in numbers}
        change = current.change
        if change is not None and change.release is not None and change.model_arn is not None:
            models[change.release] = change.model_arn
        return tuple(KeptRelease(number=number, model_arn=model) for number, model in sorted(models.items()))

    def _decode(self, line: str, body: bytes | None) -> Current:
        if body is None:
            return Current(line=line, environment=self.environment)
        return msgspec.json.decode(body, type=Current)


def release_store(platform: Platform) -> ReleaseStore:
    """Return the releases of an environment."""
    return ReleaseStore(platform.bucket, platform.environment)

"""A certificate: what was found when a deployed reward was tried on a dataset, before anything is paid for.

It is bound to the reward's platform-free hash, the dataset's hash, the environment and the version of the checks. It
holds row numbers, scores and short reasons, and quotes only completions that the platform itself wrote.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

SCHEMA_VERSION = 1
"""Version of this form."""

CHECKS_VERSION = 1
"""Version of what is checked; a certificate of another one says nothing about today's checks."""

MOST_FINDINGS = 20
"""Findings that a check keeps; all are counted."""


class Verdict(StrEnum):
    """What a check, or the whole certificate, came to."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    INCOMPLETE = "INCOMPLETE"
    """Nothing is wrong, but too little could be tried."""


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is not as it should be.

    Args:
        what: The reason in words.
        row: Line of the dataset, from 1. None: it is no matter of one row.
        probe: What was sent, by name, such as `other-gold`.
        score: What the reward gave, 0 (floor) to 1 (ceiling).
        completion: The head of what was sent, when the platform wrote it.
    """

    what: str
    row: int | None = None
    probe: str | None = None
    score: float | None = None
    completion: str | None = None


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One question and its answer.

    Args:
        name: Of the check, such as `gold`.
        verdict: Its answer.
        summary: One line.
        tried: How often it was tried.
        failed: How often it failed.
        findings: At most 20 of the failures.
    """

    name: str
    verdict: Verdict
    summary: str
    tried: int = 0
    failed: int = 0
    findings: tuple[Finding, ...] = ()


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """How long the function took for events of one size.

    Args:
        samples: Completions an event.
        bytes: Size of the largest of these events.
        calls: How many were sent.
        p50_ms: Median, milliseconds, as the caller sees it.
        p99_ms: 99th percentile.
    """

    samples: int
    bytes: int
    calls: int
    p50_ms: float
    p99_ms: float


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """What was demanded.

    Args:
        pass_at: The least that a right completion must score, from 0 (floor) to 1 (ceiling).
        margin: The least by which it must beat a wrong one.
    """

    pass_at: float
    margin: float


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A reward, tried on a dataset.

    Args:
        reward: Name of the reward.
        kind: Its grader, or `own` for code of its author's.
        environment: Where the function is deployed; the certificate holds there alone.
        reward_hash: Of sources, lock file and options, the same on every platform.
        code_sha256: Of the deployed code, as Lambda reports it.
        dataset_sha256: Of the dataset's bytes.
        rows: Rows of the dataset.
        thresholds: What was demanded.
        evidence_sha256: Of what its author brought, cases and calibrations; None: nothing.
        made: When, UTC.
        seconds: How long it took.
        verdict: FAILED when a check failed, else INCOMPLETE when one was incomplete, else PASSED.
        checks: What was asked, in order.
        latency: By size of event; the last one is the largest that fits Lambda's 6 MB.
        grades: Completions that were graded.
        stand_in: Model that answered in a judge's place. None: none did.
        component_shares: Component -> share of the reward's variance among the probes of one prompt, the largest first;
            see `rft_runtime.certification.component_shares`. Empty where the reward reports no components.
        schema_version: Of this form.
        checks_version: Of what was checked.
    """

    reward: str
    kind: str
    environment: str
    reward_hash: str
    code_sha256: str
    dataset_sha256: str
    rows: int
    thresholds: Thresholds
    evidence_sha256: str | None
    made: datetime
    seconds: float
    verdict: Verdict
    checks: tuple[Check, ...]
    latency: tuple[Latency, ...]
    grades: int
    stand_in: str | None = None
    component_shares: Mapping[str, float] = msgspec.field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION
    checks_version: int = CHECKS_VERSION

    def holds(
        self,
        *,
        environment: str,
        reward_hash: str,
        code_sha256: str,
        dataset_sha256: str,
        evidence_sha256: str | None,
        thresholds: Thresholds,
        now: datetime,
        most_days: float,
    ) -> bool:
        """Whether this certificate answers for a reward and a dataset, so that no new one is needed.

        A failed one never does: its cause may be mended outside of what the hashes cover. An incomplete one does as
        long as its author brings nothing new.

        Args:
            environment: Where the reward is to be used.
            reward_hash: Of the deployed reward.
            code_sha256: Of the deployed code: whoever changes a function past the deployment has no certificate.
            dataset_sha256: Of the dataset.
            evidence_sha256: Of what its author has brought by now.
            thresholds: What is demanded at least.
            now: UTC.
            most_days: How old a certificate may be.
        """
        return (
            self.verdict is not Verdict.FAILED
            and (self.verdict is Verdict.PASSED or self.evidence_sha256 == evidence_sha256)
            and (self.schema_version, self.checks_version) == (SCHEMA_VERSION, CHECKS_VERSION)
            and (self.environment, self.dataset_sha256) == (environment, dataset_sha256)
            and (self.reward_hash, self.code_sha256) == (reward_hash, code_sha256)
            and self.thresholds.pass_at >= thresholds.pass_at
            and self.thresholds.margin >= thresholds.margin
            and now - self.made <= timedelta(days=most_days)
        )

    def reason(self) -> str:
        """Return the verdict in one line, without a completion: what failed first, how often, and on which row."""
        wanted = [check for check in self.checks if check.verdict is self.verdict]
        if self.verdict is Verdict.PASSED or not wanted:
            return f"reward {self.reward}: certificate {self.verdict}"
        more = f" (and {len(wanted) - 1} more: {', '.join(check.name for check in wanted[1:])})" if wanted[1:] else ""
        rows = [str(finding.row) for finding in wanted[0].findings if finding.row is not None][:3]
        where = f", line {', '.join(rows)}" if rows else ""
        return f"reward {self.reward}: certificate {self.verdict}: {wanted[0].name}: {wanted[0].summary}{where}{more}"


def verdict_of(checks: Sequence[Check]) -> Verdict:
    """Return the verdict of a certificate with these checks."""
    verdicts = {check.verdict for check in checks}
    return next((verdict for verdict in (Verdict.FAILED, Verdict.INCOMPLETE) if verdict in verdicts), Verdict.PASSED)


def encode_certificate(certificate: Certificate) -> bytes:
    """Return the certificate's file."""
    return msgspec.json.format(msgspec.json.encode(certificate), indent=2)


def decode_certificate(body: bytes) -> Certificate | None:
    """Read a certificate's file; None when it is of another schema."""
    try:
        versions = msgspec.json.decode(body, type=Mapping[str, object])
        if versions.get("schema_version") != SCHEMA_VERSION:
            return None
        return msgspec.json.decode(body, type=Certificate)
    except msgspec.DecodeError:
        return None

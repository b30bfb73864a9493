"""When a certificate answers for a reward, and what it says in one line."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from rft_runtime.certificate import (
    Certificate,
    Check,
    Finding,
    Thresholds,
    Verdict,
    decode_certificate,
    encode_certificate,
    verdict_of,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
WANTED = Thresholds(pass_at=0.9, margin=0.2)
GOOD = Check(name="gold", verdict=Verdict.PASSED, summary="all 100", tried=100)
BAD = Check(
    name="beats-empty",
    verdict=Verdict.FAILED,
    summary="5 of 100 failed",
    tried=100,
    failed=5,
    findings=(Finding(what="empty scores 1", row=17, probe="empty", score=1.0, completion="secret"),),
)
THIN = Check(name="enough-cases", verdict=Verdict.INCOMPLETE, summary="got 3 and 4")


def certificate(**changes: Any) -> Certificate:
    facts: dict[str, Any] = {
        "reward": "tickets",
        "kind": "label",
        "environment": "dev",
        "reward_hash": "a" * 64,
        "code_sha256": "c",
        "dataset_sha256": "d" * 64,
        "rows": 100,
        "thresholds": WANTED,
        "evidence_sha256": None,
        "made": NOW - timedelta(days=1),
        "seconds": 1.0,
        "verdict": Verdict.PASSED,
        "checks": (GOOD,),
        "latency": (),
        "grades": 700,
    }
    return Certificate(**facts | changes)


def holds(found: Certificate, **changes: Any) -> bool:
    asked: dict[str, Any] = {
        "environment": "dev",
        "reward_hash": "a" * 64,
        "code_sha256": "c",
        "dataset_sha256": "d" * 64,
        "evidence_sha256": None,
        "thresholds": WANTED,
        "now": NOW,
        "most_days": 90,
    }
    return found.holds(**asked | changes)


def test_a_certificate_holds_for_what_it_was_made_of() -> None:
    assert holds(certificate())
    assert holds(certificate(), thresholds=Thresholds(pass_at=0.5, margin=0.1))
    assert holds(certificate(), evidence_sha256="new cases do not undo what was proved without any")


@pytest.mark.parametrize(
    ("made", "asked"),
    [
        ({"verdict": Verdict.FAILED}, {}),
        ({"schema_version": 0}, {}),
        ({"checks_version": 0}, {}),
        ({"environment": "local"}, {}),
        ({}, {"reward_hash": "b" * 64}),
        ({}, {"code_sha256": "changed past the deployment"}),
        ({}, {"dataset_sha256": "e" * 64}),
        ({}, {"thresholds": Thresholds(pass_at=1.0, margin=0.2)}),
        ({}, {"thresholds": Thresholds(pass_at=0.9, margin=0.3)}),
        ({}, {"now": NOW + timedelta(days=90)}),
        ({"verdict": Verdict.INCOMPLETE}, {"evidence_sha256": "the author brought some"}),
    ],
)
def test_a_certificate_does_not_hold_for_anything_else(made: dict[str, Any], asked: dict[str, Any]) -> None:
    assert not holds(certificate(**made), **asked)


def test_the_worst_check_decides() -> None:
    assert verdict_of([GOOD, BAD, THIN]) is Verdict.FAILED
    assert verdict_of([GOOD, THIN]) is Verdict.INCOMPLETE
    assert verdict_of([GOOD]) is Verdict.PASSED


def test_the_reason_names_check_and_line_and_quotes_nothing() -> None:
    reason = certificate(verdict=Verdict.FAILED, checks=(GOOD, BAD, THIN, BAD)).reason()
    assert reason == (
        "reward tickets: certificate FAILED: beats-empty: 5 of 100 failed, line 17 (and 1 more: beats-empty)"
    )
    assert "enough-cases: got 3 and 4" in certificate(verdict=Verdict.INCOMPLETE, checks=(GOOD, THIN)).reason()


def test_a_certificate_reads_back_and_one_of_another_schema_is_none() -> None:
    found = certificate(checks=(GOOD, BAD))
    body = encode_certificate(found)
    assert decode_certificate(body) == found
    other = json.loads(body) | {"schema_version": 2}
    assert decode_certificate(json.dumps(other).encode()) is None
    assert decode_certificate(b"{}") is None
    assert decode_certificate(b"[") is None
    assert msgspec.json.decode(body)["checks"][0]["name"] == "gold"

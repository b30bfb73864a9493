"""A release's evidence, whole and tampered with: what verifies, and which check fails."""

import base64
import json
from datetime import timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_cli.pinned_key import PinnedKey
from rft_cli.release_checks import Expected, Verdict, verify
from rft_contract.json_value import canonical
from rft_contract.recipe import Recipe
from rft_runtime.releases.envelope import PAYLOAD_TYPE, payload_of, signed_digest
from rft_runtime.releases.evidence import decode_evidence
from rft_runtime.releases.statement import decode_statement
from tests.unit.fakes.account import SIGNING_KEY
from tests.unit.fakes.kms import private_key
from tests.unit.test_runtime_promotion import LINE
from tests.unit.test_runtime_rollback import released

CASES = json.loads((Path(__file__).resolve().parents[1] / "cases" / "release_evidence.json").read_text())


@cache
def evidence() -> bytes:
    """Return the evidence of a line's second release, made once."""
    return released("second").s3.objects[f"releases/{LINE}/2/evidence.json"]


def key(**changes: Any) -> PinnedKey:
    arn = SIGNING_KEY.replace(*changes.get("arn", ("", "")))
    return PinnedKey(changes.get("environment", "dev"), arn, private_key(SIGNING_KEY).public_key())


def tampered(case: dict[str, Any]) -> bytes:
    """Return the evidence with a case's changes, in canonical form all the same."""
    found = json.loads(evidence())
    for part, (old, new) in case.get("edit", {}).items():
        text = canonical(found[part]) if part != "manifest" else found[part]
        assert old in text
        found[part] = text.replace(old, new) if part == "manifest" else json.loads(text.replace(old, new))
    envelope = found["envelope"]
    kind = case.get("payload_type", PAYLOAD_TYPE)
    if "statement" in case or "payload_type" in case:
        statement = json.loads(base64.b64decode(envelope["payload"])) | case.get("statement", {})
        payload = canonical(statement).encode()
        envelope["payload"] = base64.b64encode(payload).decode()
        envelope["payloadType"] = kind
        signer = case.get("signed_by", "the key" if "payload_type" in case else None)
        if signer is not None:
            arn = SIGNING_KEY.replace("99999999", "00000000") if signer == "another" else SIGNING_KEY
            private = private_key(SIGNING_KEY if signer == "the key" else signer)
            signature = private.sign(signed_digest(payload, kind), ec.ECDSA(Prehashed(SHA256())))
            envelope["signatures"] = [{"keyid": arn, "sig": base64.b64encode(signature).decode()}]
    if "signatures" in case:
        envelope["signatures"] = envelope["signatures"] * case["signatures"]
    return canonical(found).encode()


def expected(case: dict[str, Any]) -> Expected:
    """Return what a case's verifier knows."""
    values = dict(case.get("expected", {}))
    statement = decode_statement(payload_of(decode_evidence(evidence()).envelope))
    if "decided_after_seconds" in values:
        values["decided"] = statement.signed + timedelta(seconds=values.pop("decided_after_seconds"))
    if "recipe" in case:
        run = decode_evidence(evidence()).release.recipe
        values["recipe"] = Recipe.from_json(run | case["recipe"])
    if "data" in case:
        values["data"] = {split: digest or statement.datasets[split] for split, digest in case["data"].items()}
    return Expected(**{"key": key(**case.get("key", {})), "line": LINE, **values})


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_exactly_what_was_tampered_with_fails(case: dict[str, Any]) -> None:
    checks = verify(tampered(case), expected(case)).checks
    assert [check.name for check in checks if check.verdict is Verdict.FAILED] == case["fails"]
    assert all(bool(check.remedy) == (check.verdict is Verdict.FAILED) for check in checks)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(position=st.integers(0), mask=st.integers(1, 255))
def test_any_changed_byte_fails(position: int, mask: int) -> None:
    body = bytearray(evidence())
    body[position % len(body)] ^= mask
    assert Verdict.FAILED in {check.verdict for check in verify(bytes(body), Expected(key=key(), line=LINE)).checks}


@settings(max_examples=100, derandomize=True, deadline=None)
@given(start=st.integers(0), length=st.integers(1, 200))
def test_any_missing_part_fails(start: int, length: int) -> None:
    body = evidence()
    start %= len(body)
    cut = body[:start] + body[start + length :]
    assert Verdict.FAILED in {check.verdict for check in verify(cut, Expected(key=key(), line=LINE)).checks}


def test_other_spellings_of_the_same_evidence_fail() -> None:
    found = json.loads(evidence())
    for body in (json.dumps(found).encode(), evidence() + b"\n", evidence().replace(b'{"cert', b'{ "cert')):
        (check,) = verify(body, Expected(key=key(), line=LINE)).checks
        assert (check.name, check.verdict) == ("signature", Verdict.FAILED)
        assert "not in canonical form" in check.says


def test_a_statement_names_everything_that_a_release_rests_on_and_quotes_none_of_it() -> None:
    verified = verify(evidence(), Expected(key=key(), line=LINE))
    assert verified.statement is not None
    assert verified.evidence is not None
    statement, release = verified.statement, verified.evidence.release
    assert (statement.account, statement.region) == ("123456789012", "us-east-1")
    assert (statement.run_id, statement.model_arn, statement.job_arn) == ("second", release.model_arn, release.job_arn)
    assert statement.datasets == {split: use.sha256 for split, use in release.datasets.items()}
    assert set(statement.certificates) == {"train", "held_out"}
    assert (statement.signed, statement.deployment) == (release.promoted, f"dev-{LINE}-live")
    assert statement.previous is not None
    assert statement.previous.number == 1
    assert b"where is my money" not in msgspec.json.encode(statement)


def test_what_is_signed_is_dsse() -> None:
    # The test vector of secure-systems-lab/dsse, protocol.md.
    encoded = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert signed_digest(b"hello world", "http://example.com/HelloWorld") == sha256(encoded).digest()

"""What must hold of a release's evidence, each as a check that says what it found and what to do.

Nothing but the signature is looked at before the signature holds: unsigned words prove nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec

from rft_cli.pinned_key import PinnedKey
from rft_contract.recipe import Recipe
from rft_runtime.releases.envelope import payload_of, signature_of, signed_digest
from rft_runtime.releases.evidence import Evidence, decode_evidence
from rft_runtime.releases.statement import Statement, decode_statement, recipe_sha256, state


class Verdict(StrEnum):
    """What a check came to."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not checked"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One question about a release, and its answer.

    Args:
        name: What was looked at.
        verdict: The answer.
        says: What was found.
        remedy: What to do; empty unless it failed.
    """

    name: str
    verdict: Verdict
    says: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the verifier knows from elsewhere.

    Args:
        key: Whose signature is believed, for which environment.
        line: The model line.
        number: The release. None: any.
        newer_than: A release that is known already. None: none is.
        recipe: The recipe that was decided on. None: any.
        decided: When it was committed. None: unknown.
        data: Split -> hex digest of the datasets at hand.
        reward_sha256: Hash of the reward that was decided on. None: any.
    """

    key: PinnedKey
    line: str
    number: int | None = None
    newer_than: int | None = None
    recipe: Recipe | None = None
    decided: datetime | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    reward_sha256: str | None = None


@dataclass(frozen=True)
class Verified:
    """What came of looking at a release's evidence.

    Args:
        checks: In the order in which they were made.
        statement: What was signed. None: nothing that could be believed.
        evidence: The file that was read. None: as for `statement`.
    """

    checks: tuple[Check, ...]
    statement: Statement | None = None
    evidence: Evidence | None = None


def verify(body: bytes, expected: Expected) -> Verified:
    """Look at the evidence of a release.

    Args:
        body: The file.
        expected: What is known from elsewhere.
    """
    try:
        evidence = decode_evidence(body)
        arn, signature = signature_of(evidence.envelope)
        payload = payload_of(evidence.envelope)
    except ValueError as error:
        return Verified((failed("signature", f"the file is damaged: {error}", "export it again"),))
    signed = _check_signature(arn, signature, signed_digest(payload), expected.key)
    if signed.verdict is not Verdict.PASSED:
        return Verified((signed,))
    try:
        statement = decode_statement(payload)
    except ValueError as error:
        return Verified((signed, failed("statement", str(error), "verify with the version of `rft` that released it")))
    checks = (signed, *_check_identity(statement, expected), *_check_contents(statement, evidence, expected))
    return Verified(checks, statement, evidence)


def _check_signature(arn: str, signature: bytes, digest: bytes, key: PinnedKey) -> Check:
    if arn != key.arn:
        return failed(
            "signature",
            f"made with {arn}, and the key that is believed is {key.arn}",
            "verify with the public key of the environment that released it",
        )
    if not key.verifies(signature, digest):
        return failed("signature", "not one of the public key over these bytes", "believe nothing in this file")
    return passed("signature", f"of {key.arn}")


def _check_identity(statement: Statement, expected: Expected) -> Iterator[Check]:
    """Yield whether it is about the release that was asked for, and no other one that was signed as well."""
    key = expected.key
    here = (statement.environment, statement.account, statement.region)
    yield same(
        "environment",
        ", ".join(here),
        ", ".join((key.environment, key.account, key.region)),
        "it was released elsewhere: take the evidence of the right environment",
    )
    yield same("line", statement.line, expected.line, "take the evidence of that line")
    if expected.number is not None:
        yield same("release", str(statement.number), str(expected.number), "take the evidence of that release")
    if expected.newer_than is not None:
        says = f"release {statement.number}, wanted one after {expected.newer_than}"
        newer = statement.number > expected.newer_than
        yield passed("age", says) if newer else failed("age", says, "take the evidence of the newest release")


def _check_contents(statement: Statement, evidence: Evidence, expected: Expected) -> Iterator[Check]:
    """Yield whether what lies beside the statement, and what the verifier has, is what was signed."""
    yield from _check_files(statement, evidence)
    if expected.recipe is not None:
        yield same(
            "recipe",
            statement.recipe_sha256,
            recipe_sha256(expected.recipe),
            "another recipe was released; run this one, or check out the one that was run",
        )
        missing = sorted(set(dict(expected.recipe.datasets.items())) ^ set(statement.datasets))
        if missing:
            yield failed("data", f"only one of recipe and release has {', '.join(missing)}", "run this recipe")
        for split, address in expected.recipe.datasets.items():
            if split not in expected.data:
                yield _not_checked(f"data: {split}", f"at {address}, not beside the recipe")
    for split, digest in expected.data.items():
        if split in statement.datasets:
            remedy = "other data were used; run the recipe with these, or take the data that were"
            yield same(f"data: {split}", statement.datasets[split], digest, remedy)
    if expected.recipe is not None and expected.decided is None:
        yield _not_checked("time", "the recipe lies in no checkout, so when it was decided on is unknown")
    if expected.decided is not None:
        says = f"signed {statement.signed:%Y-%m-%d %H:%M:%S}, recipe committed {expected.decided:%Y-%m-%d %H:%M:%S} UTC"
        remedy = "the recipe was decided on after this release; run it"
        yield passed("time", says) if statement.signed > expected.decided else failed("time", says, remedy)
    if expected.reward_sha256 is not None:
        remedy = "another reward function was used; run the recipe with this one"
        yield same("reward", str(statement.reward_sha256), expected.reward_sha256, remedy)


def _check_files(statement: Statement, evidence: Evidence) -> Iterator[Check]:
    """Yield whether manifest and certificates are those that were signed, field by field of the statement."""
    certificates = {split: text.encode() for split, text in evidence.certificates.items()}
    try:
        arn, _ = signature_of(evidence.envelope)
        found = state(evidence.release, evidence.manifest.encode(), certificates, key_arn=arn)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        yield failed("manifest", f"cannot be read: {error}", "export the evidence again")
        return
    differing = [name for name in Statement.__struct_fields__ if getattr(found, name) != getattr(statement, name)]
    about = [name for name in differing if name != "certificates"]
    remedy = "it was changed after it was signed; export the evidence again, and find out who changed it"
    says = f"differs from what was signed in {', '.join(about)}" if about else f"sha256 {statement.manifest_sha256}"
    yield failed("manifest", says, remedy) if about else passed("manifest", says)
    splits = [split for split in {**statement.certificates, **found.certificates} if _differs(statement, found, split)]
    says = f"changed or missing: {', '.join(splits)}" if splits else f"{len(statement.certificates)} as signed"
    yield failed("certificates", says, remedy) if splits else passed("certificates", says)


def _differs(statement: Statement, found: Statement, split: str) -> bool:
    return statement.certificates.get(split) != found.certificates.get(split)


def same(name: str, got: str, wanted: str, remedy: str) -> Check:
    """Return the check that two texts are equal."""
    if got == wanted:
        return passed(name, got)
    return failed(name, f"got {got}, wanted {wanted}", remedy)


def passed(name: str, says: str) -> Check:
    """Return a check that holds."""
    return Check(name=name, verdict=Verdict.PASSED, says=says)


def _not_checked(name: str, says: str) -> Check:
    return Check(name=name, verdict=Verdict.NOT_CHECKED, says=says)


def failed(name: str, says: str, remedy: str) -> Check:
    """Return a check that does not hold."""
    return Check(name=name, verdict=Verdict.FAILED, says=says, remedy=remedy)

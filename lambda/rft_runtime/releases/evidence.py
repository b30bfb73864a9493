"""The evidence of a release: one file that whoever has the public key can verify without anything else."""

import msgspec

from rft_contract.layout import certificate_key, evidence_key, release_key
from rft_contract.outcomes import RunFailed
from rft_runtime.data_bucket import DataBucket
from rft_runtime.platform import Platform
from rft_runtime.releases.current import Change, Current
from rft_runtime.releases.envelope import Envelope, payload_of, seal, signed_digest
from rft_runtime.releases.exact_json import decode_exact, encode_exact
from rft_runtime.releases.release import Release, encode_release
from rft_runtime.releases.release_manifest import build_manifest
from rft_runtime.releases.release_store import ReleaseStore
from rft_runtime.releases.statement import encode_statement, state
from rft_runtime.run_record import RunRecord


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is published of a release, once: `releases/<line>/<number>/evidence.json`.

    Args:
        envelope: The signed statement.
        manifest: The release's manifest, the text of its file.
        certificates: Split -> the reward's certificate, the text of its file: certificates are renewed, this is the one
            that the release was made with.
        schema: Version of this format.
    """

    envelope: Envelope
    manifest: str
    certificates: dict[str, str]
    schema: int = 1

    @property
    def release(self) -> Release:
        """What the manifest says."""
        return msgspec.json.decode(self.manifest, type=Release)


def encode_evidence(evidence: Evidence) -> bytes:
    """Return the file of a release's evidence: canonical JSON, so that no two files say the same."""
    return encode_exact(evidence)


def decode_evidence(body: bytes) -> Evidence:
    """Read the file of a release's evidence; whether it can be trusted is another question.

    Raises:
        ValueError: When it is not such a file, byte for byte.
    """
    return decode_exact(body, Evidence, "evidence")


def draw_up(platform: Platform, record: RunRecord, current: Current, change: Change) -> Evidence:
    """Return the evidence of a run's candidate, and sign it unless a signature that was made before still fits.

    Args:
        platform: Where this runs.
        record: The run.
        current: The line before the switch.
        change: The promotion.

    Raises:
        RunFailed: When something that it rests on is missing, or its number is another run's.
        ClientError: When KMS did not sign.
    """
    if platform.signing_key is None:
        raise RunFailed("this function was deployed without a signing key; deploy this version of the platform")
    bucket, number = platform.bucket, change.release or 0
    evidence = find_evidence(bucket, current.line, number)
    if evidence is not None:
        _require_own(evidence.release, record, number)
        return evidence
    # A manifest without evidence was written by a version of this code that did not sign.
    written = bucket.find(release_key(current.line, number))
    manifest = written[0] if written else encode_release(build_manifest(bucket, record, current, change))
    _require_own(msgspec.json.decode(manifest, type=Release), record, number)
    return _signed(platform, platform.signing_key, change, manifest, _certificates(bucket, record))


def find_evidence(bucket: DataBucket, line: str, number: int) -> Evidence | None:
    """Return the evidence of a release, or None."""
    found = bucket.find(evidence_key(line, number))
    return None if found is None else decode_evidence(found[0])


def publish(store: ReleaseStore, evidence: Evidence) -> str:
    """Write evidence and manifest of a release, each once, and return the manifest's hex digest.

    Raises:
        RunFailed: When its number has another manifest.
    """
    release = evidence.release
    key = evidence_key(release.line, release.number)
    store.bucket.create(key, encode_evidence(evidence))
    # Where somebody was faster the signature may be another, since ECDSA draws a number for each; no more than that.
    if decode_evidence(store.bucket.read(key)).manifest != evidence.manifest:
        raise RunFailed(f"{store.bucket.address(key)} exists and says something else; evidence is written once")
    return store.create(release.line, release.number, evidence.manifest.encode())


def _require_own(release: Release, record: RunRecord, number: int) -> None:
    """Refuse a number that is another run's, before anything is signed for it."""
    if release.run_id != record.run_id:
        raise RunFailed(
            f"line {release.line}: release {number} is one of run {release.run_id}; evidence is written once"
        )


def _signed(
    platform: Platform, key_arn: str, change: Change, manifest: bytes, certificates: dict[str, bytes]
) -> Evidence:
    release = msgspec.json.decode(manifest, type=Release)
    payload = encode_statement(state(release, manifest, certificates, key_arn=key_arn))
    envelope = change.envelope
    if envelope is None or payload_of(envelope) != payload or envelope.signatures[0].keyid != key_arn:
        answer = platform.clients.signing.sign(
            KeyId=key_arn,
            Message=signed_digest(payload),
            MessageType="DIGEST",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        envelope = seal(payload, key_arn=key_arn, signature=answer["Signature"])
    return Evidence(
        envelope=envelope,
        manifest=manifest.decode(),
        certificates={split: body.decode() for split, body in certificates.items()},
    )


def _certificates(bucket: DataBucket, record: RunRecord) -> dict[str, bytes]:
    """Return the certificates that a run relied on, as they lie in the bucket."""
    found = {}
    for split in record.certificates:
        key = certificate_key(record.reward_hash or "", record.datasets[split].sha256)
        stored = bucket.find(key)
        if stored is None:
            raise RunFailed(f"run {record.run_id}: its certificate is gone: {bucket.address(key)}")
        found[split] = stored[0]
    return found

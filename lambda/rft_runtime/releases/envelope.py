"""A signed statement, in the form of DSSE, "Dead Simple Signing Envelope", version 1.0.2 (secure-systems-lab/dsse).

What is signed is not the payload alone but also its type, with their lengths before them (`protocol.md`, "Signature
Definition"): a signature made for one purpose never serves another.
"""

import base64
import binascii
import hashlib

import msgspec

PAYLOAD_TYPE = "application/vnd.bedrock-rft.release+json"


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One signature.

    Args:
        keyid: ARN of the KMS key.
        sig: ECDSA on P-256 with SHA-256, DER, in base64.
    """

    keyid: str
    sig: str


class Envelope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A statement and its signature.

    Args:
        payload: The statement's canonical JSON, in base64.
        payload_type: `PAYLOAD_TYPE`.
        signatures: One.
    """

    payload: str
    payload_type: str
    signatures: list[Signature]


def signed_digest(payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """Return the SHA-256 of what is signed: DSSE's pre-authentication encoding of type and payload."""
    kind = payload_type.encode()
    return hashlib.sha256(b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)).digest()


def seal(payload: bytes, *, key_arn: str, signature: bytes) -> Envelope:
    """Return the envelope of a payload.

    Args:
        payload: A statement's canonical JSON.
        key_arn: The key that signed.
        signature: DER.
    """
    return Envelope(
        payload=base64.b64encode(payload).decode(),
        payload_type=PAYLOAD_TYPE,
        signatures=[Signature(keyid=key_arn, sig=base64.b64encode(signature).decode())],
    )


def payload_of(envelope: Envelope) -> bytes:
    """Return the bytes that the signature is about.

    Raises:
        ValueError: When they are not the base64 of anything.
    """
    return _decode64(envelope.payload, "payload")


def signature_of(envelope: Envelope) -> tuple[str, bytes]:
    """Return the signing key's ARN and the signature.

    Raises:
        ValueError: When there is not exactly one signature of our type of statement.
    """
    if envelope.payload_type != PAYLOAD_TYPE:
        raise ValueError(f"payloadType: got {envelope.payload_type!r}, wanted {PAYLOAD_TYPE!r}")
    if len(envelope.signatures) != 1:
        raise ValueError(f"signatures: got {len(envelope.signatures)}, wanted one")
    (signature,) = envelope.signatures
    return signature.keyid, _decode64(signature.sig, "sig")


def _decode64(text: str, name: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"{name}: not base64") from None
    if base64.b64encode(found).decode() != text:  # some characters carry bits that decoding drops
        raise ValueError(f"{name}: not the one base64 of its bytes")
    return found

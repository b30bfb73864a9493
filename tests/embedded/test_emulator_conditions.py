"""Condition keys in the emulator: who a session is, and what is signed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

pytestmark = pytest.mark.embedded

ACCOUNT = "000000000000"


def denied(operation: Any, **request: Any) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        operation(**request)


def test_a_bucket_policy_knows_a_session_by_its_role(emulator: Any) -> None:
    bucket = "reserved"
    emulator.client("s3").create_bucket(Bucket=bucket)
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": [f"arn:aws:iam::{ACCOUNT}:role/writer"]}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    emulator.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    may_put = [{"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}]
    emulator.client("s3", **emulator.session("writer", may_put)).put_object(Bucket=bucket, Key="k", Body=b"")
    denied(emulator.client("s3", **emulator.session("other", may_put)).put_object, Bucket=bucket, Key="k", Body=b"")


def test_signing_is_confined_to_digests_and_verifies_offline(emulator: Any) -> None:
    root = emulator.client("kms")
    arn = root.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    condition = {"StringEquals": {"kms:SigningAlgorithm": "ECDSA_SHA_256", "kms:MessageType": "DIGEST"}}
    may_sign = {"Action": "kms:Sign", "Resource": arn, "Condition": condition}
    kms = emulator.client("kms", **emulator.session("signer", [may_sign]))
    digest = bytes(range(32))
    asked = {"KeyId": arn, "Message": digest, "SigningAlgorithm": "ECDSA_SHA_256"}
    signature = kms.sign(**asked, MessageType="DIGEST")["Signature"]
    public = load_der_public_key(root.get_public_key(KeyId=arn)["PublicKey"])
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(signature, digest, ec.ECDSA(Prehashed(SHA256())))
    denied(kms.sign, **asked, MessageType="RAW")
    denied(kms.sign, **asked)
    denied(kms.get_public_key, KeyId=arn)

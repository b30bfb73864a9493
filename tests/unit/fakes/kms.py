"""AWS KMS in memory."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.unit.fakes.account import SIGNING_KEY
from tests.unit.fakes.service_models import check_request


@dataclass
class FakeKms:
    state: str = "Enabled"
    signing_state: str = "Enabled"
    signed: list[dict[str, Any]] = field(default_factory=list)
    error: ClientError | None = None

    def describe_key(self, *, KeyId: str) -> dict[str, Any]:
        check_request("kms", "DescribeKey", {"KeyId": KeyId})
        return {"KeyMetadata": {"KeyId": KeyId, "KeyState": self.signing_state if KeyId == SIGNING_KEY else self.state}}

    def sign(self, **request: Any) -> dict[str, Any]:
        check_request("kms", "Sign", request)
        self.signed.append(request)
        if self.error is not None:
            raise self.error
        assert (request["MessageType"], request["SigningAlgorithm"]) == ("DIGEST", "ECDSA_SHA_256")
        signature = private_key(request["KeyId"]).sign(request["Message"], ec.ECDSA(Prehashed(SHA256())))
        return {"KeyId": request["KeyId"], "Signature": signature, "SigningAlgorithm": request["SigningAlgorithm"]}

    def get_public_key(self, *, KeyId: str) -> dict[str, Any]:
        check_request("kms", "GetPublicKey", {"KeyId": KeyId})
        public = private_key(KeyId).public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {"KeyId": KeyId, "PublicKey": der, "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}


@cache
def private_key(key_arn: str) -> ec.EllipticCurvePrivateKey:
    """Return the key that KMS would keep to itself: one for each ARN."""
    return ec.generate_private_key(ec.SECP256R1())

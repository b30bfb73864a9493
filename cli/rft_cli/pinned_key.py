"""The public key of an environment's releases, as verifiers keep it.

A key proves nothing by lying beside what it verifies: whoever can replace the one can replace the other. So verifiers
hold it themselves, in a file under review with their other configuration, or ask the KMS that keeps its private half.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_contract.naming import check_environment

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

_HEAD = re.compile(r"environment: (?P<environment>[a-z0-9]+)\nkey: (?P<arn>arn:[^\s:]+:kms:[^\s:]+:\d{12}:key/\S+)\n")


@dataclass(frozen=True)
class PinnedKey:
    """Whose signatures are believed.

    Args:
        environment: The environment that signs with it.
        arn: The KMS key; it names account and Region.
        public: Its public half.
    """

    environment: str
    arn: str
    public: "EllipticCurvePublicKey"

    @property
    def account(self) -> str:
        """The account whose releases it signs."""
        return self.arn.split(":")[4]

    @property
    def region(self) -> str:
        """The Region whose releases it signs."""
        return self.arn.split(":")[3]

    def verifies(self, signature: bytes, digest: bytes) -> bool:
        """Return whether a signature over a SHA-256 digest was made with the key's private half.

        Args:
            signature: ECDSA, DER.
            digest: 32 bytes.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
        from cryptography.hazmat.primitives.hashes import SHA256

        try:
            self.public.verify(signature, digest, ECDSA(Prehashed(SHA256())))
        except InvalidSignature:
            return False
        return True

    def to_text(self) -> str:
        """Return the file: what signs with the key, and the key in PEM.

        RFC 7468, section 2: parsers ignore what stands before the key.
        """
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        pem = self.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        return f"environment: {self.environment}\nkey: {self.arn}\n{pem}"


def read_pinned_key(path: Path) -> PinnedKey:
    """Read a file that `rft release public-key` printed.

    Raises:
        CliError: When it is not one.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    remedy = "print it with `rft release public-key --env E`, and keep it under review"
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"public key {path}: {error}; {remedy}") from None
    head = _HEAD.match(text)
    if head is None:
        raise CliError(f"public key {path}: does not say `environment:` and `key:` above the key; {remedy}")
    try:
        public = load_pem_public_key(text[head.end() :].encode())
        return PinnedKey(environment=check_environment(head["environment"]), arn=head["arn"], public=_on_p256(public))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CliError(f"public key {path}: {error}; {remedy}") from None


def ask_for_key(environment: Environment) -> PinnedKey:
    """Ask an environment's KMS for the public key of its releases."""
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    arn = environment.outputs.release_key_arn
    answer = environment.aws.kms.get_public_key(KeyId=arn)
    name = environment.name.removesuffix("-Rft")  # where only a stack was named
    return PinnedKey(environment=name, arn=arn, public=_on_p256(load_der_public_key(answer["PublicKey"])))


def _on_p256(key: object) -> "EllipticCurvePublicKey":
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("got another kind of key, wanted one on the curve P-256")
    return key

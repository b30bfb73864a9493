"""The key that signs releases."""

from collections.abc import Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from bedrock_rft.key import deletion_denied, refuse_alias
from bedrock_rft.missing_statement import ask_for_statement

_SIGNERS = "bedrock-rft:signers"


class ReleaseKeyBase(Construct):
    """A key that signs releases, made here or somebody else's, and who may do what with it."""

    key: kms.IKey
    """The key."""

    def grant_sign(self, *signers: iam.IRole) -> None:
        """Let these roles sign, and deny it to everybody else.

        Args:
            *signers: All of them.

        Raises:
            ValueError: When the key has signers, since they would be denied to each other.
        """
        node = self.key.node  # which bears the mark: `from_key` may be given one key twice
        if any(mark.type == _SIGNERS for mark in node.metadata):
            raise ValueError(f"{self.node.path}: has signers already, wanted all of them in one call of grant_sign")
        node.add_metadata(_SIGNERS, self.node.path)
        self._add_to_policy(
            iam.PolicyStatement(
                sid="SigningIsForPromotion",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["kms:Sign"],
                resources=["*"],
                conditions={"ArnNotEquals": {"aws:PrincipalArn": [signer.role_arn for signer in signers]}},
            )
        )
        as_here = {"StringEquals": {"kms:SigningAlgorithm": "ECDSA_SHA_256", "kms:MessageType": "DIGEST"}}
        for signer in signers:
            iam.Grant.add_to_principal(
                grantee=signer, actions=["kms:Sign"], resource_arns=[self.key.key_arn], conditions=as_here
            )

    def grant_describe(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal see whether the key is enabled."""
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["kms:DescribeKey"], resource_arns=[self.key.key_arn]
        )

    def grant_verify(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal read the public key, and have KMS verify signatures."""
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["kms:GetPublicKey", "kms:Verify"], resource_arns=[self.key.key_arn]
        )

    def _add_to_policy(self, statement: iam.PolicyStatement) -> None:
        """Add a statement to the key's policy."""
        self.key.add_to_resource_policy(statement)


class ReleaseKey(ReleaseKeyBase):
    """An asymmetric KMS key with which an environment signs what it releases: ECC on NIST P-256, for signatures alone.

    Its private half never leaves KMS. The public half is what verifiers pin: `rft release public-key` prints it.

    | Principal | Actions | Condition | Why |
    |---|---|---|---|
    | the account | `kms:*` | | policies of the account's principals decide |
    | all but the signers | deny Sign | principal ARN | a policy elsewhere, or a grant, makes nobody a signer |
    | signers | Sign | ECDSA_SHA_256, over a digest | `grant_sign`, in the signers' own policies |
    | all but `administrators` | deny ScheduleKeyDeletion, DisableKey | principal ARN | when they are given |

    KMS does not rotate asymmetric keys (KMS developer guide, "Rotating AWS KMS keys"). A new key is a new pin for
    verifiers, and old releases stay verifiable with the old one.
    """

    key: kms.Key
    """The key."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        administrators: Sequence[str] = (),
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        """Define the key.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            administrators: ARNs of the roles that may delete or disable the key, `*` allowed. Default: - no such
                denial: whoever IAM allows.
            removal_policy: What happens when the key leaves the stack. Default: RETAIN.
        """
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Resource",
            description="Signatures of releases of reinforcement fine-tuning",
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            removal_policy=removal_policy,
        )
        if administrators:
            self.key.add_to_resource_policy(deletion_denied(administrators))

    @classmethod
    def from_key(
        cls, scope: Construct, construct_id: str, key: kms.IKey, *, key_policy_managed_elsewhere: bool = False
    ) -> ReleaseKeyBase:
        """Use a key of yours: one of this app, or one that exists (`kms.Key.from_key_arn`).

        It must be ECC_NIST_P256 for SIGN_VERIFY, and have signed nothing but releases: verifiers take whatever it
        signed for one. Nothing of it is changed but its policy, when it gets its signers. Where the policy cannot be
        changed from here, synth then prints as an error what it needs, until you say that somebody else keeps it. Who
        only verifies needs nothing of the policy. A key of another stack of the app is one that exists: its policy
        would name roles of this stack, and each stack would wait for the other.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            key: The key, of this account and Region.
            key_policy_managed_elsewhere: Its policy denies Sign to everybody but the signers already. Default: False.

        Raises:
            ValueError: When the key is one of this app and cannot sign as releases are signed, or is an alias.
        """
        refuse_alias(key)
        resource = key.node.default_child
        if isinstance(resource, kms.CfnKey):
            spec, usage = resource.key_spec or "SYMMETRIC_DEFAULT", resource.key_usage or "ENCRYPT_DECRYPT"
            if (spec, usage) != ("ECC_NIST_P256", "SIGN_VERIFY"):
                raise ValueError(
                    f"key: got {key.node.path}, {spec} for {usage}, wanted a key of ECC_NIST_P256 for SIGN_VERIFY"
                )
        return _ReleaseKeyOfYours(scope, construct_id, key, key_policy_managed_elsewhere)


class _ReleaseKeyOfYours(ReleaseKeyBase):
    def __init__(self, scope: Construct, construct_id: str, key: kms.IKey, policy_managed_elsewhere: bool) -> None:
        super().__init__(scope, construct_id)
        self.key = key
        self._policy_managed_elsewhere = policy_managed_elsewhere

    def _add_to_policy(self, statement: iam.PolicyStatement) -> None:
        if self._policy_managed_elsewhere or self.key.add_to_resource_policy(statement).statement_added:
            return
        ask_for_statement(self, statement, policy_of=self.key.key_arn, answer="key_policy_managed_elsewhere")

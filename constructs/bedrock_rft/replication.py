"""Copies of an environment's buckets in a bucket elsewhere."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from bedrock_rft.constraints import INLINE_POLICY, OBJECTS
from bedrock_rft.nag import accept, acknowledge_wildcards

_BUCKET_ARN = re.compile(r"arn:aws[a-z-]*:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KEY_ARN = re.compile(
    r"arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):[0-9]{12}:key/"
    r"(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)
_ACCOUNT = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, kw_only=True)
class Replication:
    """Where objects are copied to: a bucket that exists, with versioning, and a key that exists.

    Args:
        bucket_arn: The bucket.
        account: Its owner, who then owns the copies: 12 digits.
        key_arn: The key that encrypts the copies, in the bucket's Region; a key, no alias.

    Raises:
        ValueError: When one of them is none.
    """

    bucket_arn: str
    account: str
    key_arn: str

    def __post_init__(self) -> None:
        for name, value, pattern, wanted in (
            ("bucket_arn", self.bucket_arn, _BUCKET_ARN, "an ARN such as arn:aws:s3:::my-copies"),
            ("account", self.account, _ACCOUNT, "12 digits"),
            ("key_arn", self.key_arn, _KEY_ARN, "an ARN such as arn:aws:kms:eu-west-1:111122223333:key/..."),
        ):
            if not pattern.fullmatch(value):
                raise ValueError(f"replication: {name}: got {value!r}, wanted {wanted}")

    @property
    def region(self) -> str:
        """Region of the key, and so of the bucket."""
        return cast(re.Match[str], _KEY_ARN.fullmatch(self.key_arn))["region"]


class BucketReplication(Construct):
    """Copies everything that is put into buckets from now on; deletions are not copied.

    One role for S3, with what it needs on these buckets, their key and the destination. In another account, the
    destination's bucket policy must let the role replicate objects and change their owner, and its key's policy let it
    encrypt. Sources: S3 user guide, "Setting up permissions for live replication", "Replicating encrypted objects" and
    "Changing the replica owner".
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        buckets: Sequence[s3.Bucket],
        key: kms.IKey,
        to: Replication,
        role: iam.IRole | None = None,
    ) -> None:
        """Define the role, and the rule of each bucket.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            buckets: Those to copy, with versioning. They share the destination, so their keys must not collide.
            key: Encrypts what is in them, as far as S3 itself does not.
            to: Where to.
            role: A role of yours that trusts S3; it gets the rights that it needs. Default: - a new one.
        """
        super().__init__(scope, construct_id)
        self._to = to
        self._is_elsewhere = to.account != Stack.of(self).account
        self.role = role or self._new_role()
        self._grant_source(buckets, key)
        self._grant_destination()
        for bucket in buckets:
            cast(s3.CfnBucket, bucket.node.default_child).replication_configuration = self._configuration()

    def _new_role(self) -> iam.IRole:
        role = iam.Role(
            self,
            "Role",
            description="Assumed by S3 to replicate objects",
            assumed_by=iam.ServicePrincipal("s3.amazonaws.com"),
        )
        accept(role, INLINE_POLICY)
        return role

    def _grant_source(self, buckets: Sequence[s3.Bucket], key: kms.IKey) -> None:
        objects = [bucket.arn_for_objects("*") for bucket in buckets]
        self._grant(("s3:GetReplicationConfiguration", "s3:ListBucket"), *(bucket.bucket_arn for bucket in buckets))
        self._grant(
            ("s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"), *objects
        )
        self._grant(("kms:Decrypt",), key.key_arn, through=Stack.of(self).region)

    def _grant_destination(self) -> None:
        owner = ("s3:ObjectOwnerOverrideToBucketOwner",) if self._is_elsewhere else ()
        self._grant(("s3:ReplicateObject", "s3:ReplicateTags", *owner), f"{self._to.bucket_arn}/*")
        self._grant(("kms:Encrypt", "kms:GenerateDataKey"), self._to.key_arn, through=self._to.region)

    def _grant(self, actions: Sequence[str], *arns: str, through: str | None = None) -> None:
        """Grant actions, those on keys only through S3 of a Region."""
        via = {"StringEquals": {"kms:ViaService": f"s3.{through}.amazonaws.com"}} if through else {}
        iam.Grant.add_to_principal(
            grantee=self.role, actions=list(actions), resource_arns=list(arns), conditions=dict(via)
        )
        acknowledge_wildcards(self.role, arns, reason=OBJECTS)

    def _configuration(self) -> s3.CfnBucket.ReplicationConfigurationProperty:
        owner = s3.CfnBucket.AccessControlTranslationProperty(owner="Destination")
        return s3.CfnBucket.ReplicationConfigurationProperty(
            role=self.role.role_arn,
            rules=[
                s3.CfnBucket.ReplicationRuleProperty(
                    id="Everything",
                    status="Enabled",
                    priority=1,
                    filter=s3.CfnBucket.ReplicationRuleFilterProperty(prefix=""),
                    delete_marker_replication=s3.CfnBucket.DeleteMarkerReplicationProperty(status="Disabled"),
                    source_selection_criteria=s3.CfnBucket.SourceSelectionCriteriaProperty(
                        sse_kms_encrypted_objects=s3.CfnBucket.SseKmsEncryptedObjectsProperty(status="Enabled")
                    ),
                    destination=s3.CfnBucket.ReplicationDestinationProperty(
                        bucket=self._to.bucket_arn,
                        account=self._to.account if self._is_elsewhere else None,
                        access_control_translation=owner if self._is_elsewhere else None,
                        encryption_configuration=s3.CfnBucket.EncryptionConfigurationProperty(
                            replica_kms_key_id=self._to.key_arn
                        ),
                    ),
                )
            ],
        )

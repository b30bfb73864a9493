"""The environment's one data bucket."""

from typing import cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from bedrock_rft.key import RftKeyBase
from bedrock_rft.nag import acknowledge_wildcards
from rft_contract.layout import RUNS

_BY_PREFIX = "objects are born at run time below a prefix that names the run; S3 grants address them by that prefix"


class DatasetBucket(Construct):
    """A bucket for datasets and for everything that runs read and write, with a second bucket for its access logs.

    Both are versioned, closed to the public and reachable through TLS alone. The data are encrypted with the given key,
    the logs by S3, whose log delivery writes them. Object events go to EventBridge. Of current data, handlers
    delete the marks of open runs and nothing else; old versions, marks of deletion and unfinished uploads expire.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: RftKeyBase,
        noncurrent_days: int = 30,
        access_log_days: int = 365,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        """Define the buckets.

        Args:
            scope: Where they belong.
            construct_id: Its id there.
            key: Encrypts the data.
            noncurrent_days: Days until a replaced or deleted object's old version expires. Default: 30.
            access_log_days: Days until access logs expire. Default: 365.
            removal_policy: What happens to the buckets when they leave the stack; one with objects is never removed.
                Default: RETAIN.

        Raises:
            ValueError: When a number of days is below 1.
        """
        super().__init__(scope, construct_id)
        for name, days in (("noncurrent_days", noncurrent_days), ("access_log_days", access_log_days)):
            if days < 1:
                raise ValueError(f"{name}: got {days}, wanted at least 1 day")
        self._key = key
        unfinished = s3.LifecycleRule(id="UnfinishedUploads", abort_incomplete_multipart_upload_after=Duration.days(7))
        self.access_logs = s3.Bucket(
            self,
            "AccessLogs",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            lifecycle_rules=[unfinished, s3.LifecycleRule(id="Expiry", expiration=Duration.days(access_log_days))],
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=removal_policy,
            versioned=True,
        )
        self.bucket = s3.Bucket(
            self,
            "Resource",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            bucket_key_enabled=True,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key.key,
            enforce_ssl=True,
            lifecycle_rules=[
                unfinished,
                s3.LifecycleRule(
                    id="OldVersions",
                    # Each closed run leaves one, and a listing of open runs would have to pass them all.
                    expired_object_delete_marker=True,
                    noncurrent_version_expiration=Duration.days(noncurrent_days),
                ),
            ],
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=removal_policy,
            versioned=True,
        )
        # As L2 properties, events would bring a Lambda function and a custom resource, and logs would hang on feature
        # flags of the app.
        resource = cast(s3.CfnBucket, self.bucket.node.default_child)
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
        resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=self.access_logs.bucket_name
        )
        self.access_logs.add_to_resource_policy(self._log_delivery())

    def grant_get(self, grantee: iam.IGrantable, *patterns: str) -> iam.Grant:
        """Let a principal read objects.

        Args:
            grantee: Who.
            *patterns: Key patterns, such as `datasets/*`.
        """
        return self._grant(grantee, ("s3:GetObject",), patterns)

    def grant_put(self, grantee: iam.IGrantable, *patterns: str) -> iam.Grant:
        """Let a principal write objects whose keys match the patterns."""
        return self._grant(grantee, ("s3:PutObject",), patterns)

    def grant_get_and_put(self, grantee: iam.IGrantable, *patterns: str) -> iam.Grant:
        """Let a principal read and write objects whose keys match the patterns."""
        return self._grant(grantee, ("s3:GetObject", "s3:PutObject"), patterns)

    def grant_put_and_delete(self, grantee: iam.IGrantable, *patterns: str) -> iam.Grant:
        """Let a principal write objects whose keys match the patterns, and delete them; old versions stay a while."""
        return self._grant(grantee, ("s3:DeleteObject", "s3:PutObject"), patterns)

    def grant_list(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal list every key; with it, reading a missing object answers 404 and not 403."""
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["s3:ListBucket"], resource_arns=[self.bucket.bucket_arn]
        )

    def grant_list_runs(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal list the keys of runs and no others."""
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:ListBucket"],
            resource_arns=[self.bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": f"{RUNS}*"}},
        )

    def _log_delivery(self) -> iam.PolicyStatement:
        return iam.PolicyStatement(
            sid="LogDelivery",
            principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
            actions=["s3:PutObject"],
            resources=[self.access_logs.arn_for_objects("*")],
            conditions={
                "ArnLike": {"aws:SourceArn": self.bucket.bucket_arn},
                "StringEquals": {"aws:SourceAccount": Stack.of(self).account},
            },
        )

    def _grant(self, grantee: iam.IGrantable, actions: tuple[str, ...], patterns: tuple[str, ...]) -> iam.Grant:
        arns = [self.bucket.arn_for_objects(pattern) for pattern in patterns]
        grant = iam.Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=arns)
        acknowledge_wildcards(grantee, arns, reason=_BY_PREFIX)
        return grant

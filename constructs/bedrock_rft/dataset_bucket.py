"""The environment's one data bucket."""

from collections.abc import Mapping
from typing import cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from bedrock_rft.constraints import LOGS_OF_ACCESS, NO_REPLICA
from bedrock_rft.dataset_bucket_base import DatasetBucketBase
from bedrock_rft.key import RftKeyBase
from bedrock_rft.missing_statement import ask_for_statement
from bedrock_rft.nag import accept
from bedrock_rft.replication import BucketReplication, Replication
from rft_contract.layout import HOLDS_TAG, LOG_SAMPLES, ROLLOUTS


class DatasetBucket(DatasetBucketBase):
    """A bucket for datasets and for everything that runs read and write, with a second bucket for its access logs.

    Both are versioned, closed to the public and reachable through TLS alone. The data are encrypted with the given key,
    the logs by S3, whose log delivery writes them. Object events go to EventBridge. Of current data, handlers
    delete the marks of open runs and nothing else; rollouts, samples of logs, old versions, marks of deletion and
    unfinished uploads expire.
    """

    bucket: s3.Bucket
    """Datasets, and everything that runs read and write."""

    access_logs: s3.Bucket
    """Where its access logs go."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: RftKeyBase,
        rollout_days: int | None = 30,
        log_sample_days: int | None = 30,
        noncurrent_days: int = 30,
        access_log_days: int = 365,
        replication: Replication | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        """Define the buckets.

        Args:
            scope: Where they belong.
            construct_id: Its id there.
            key: Encrypts the data.
            rollout_days: Days until the completions that Probe and Evaluate drew expire; the numbers and the examples
                of a run's report stay. None: they stay too. Default: 30.
            log_sample_days: Days until samples of production's logs expire. None: never. Default: 30.
            noncurrent_days: Days until a replaced or deleted object's old version expires. Default: 30.
            access_log_days: Days until access logs expire. Default: 365.
            replication: Where data and access logs are copied to. Default: - nowhere.
            removal_policy: What happens to the buckets when they leave the stack; one with objects is never removed.
                Default: RETAIN.

        Raises:
            ValueError: When a number of days is below 1.
        """
        super().__init__(scope, construct_id)
        for name, days in (
            ("rollout_days", rollout_days),
            ("log_sample_days", log_sample_days),
            ("noncurrent_days", noncurrent_days),
            ("access_log_days", access_log_days),
        ):
            if days is not None and days < 1:
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
                *_expiry("Rollouts", rollout_days, tag_filters={HOLDS_TAG: ROLLOUTS}),
                *_expiry("LogSamples", log_sample_days, prefix=LOG_SAMPLES),
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
        accept(self.access_logs, LOGS_OF_ACCESS)
        buckets = (self.bucket, self.access_logs)
        if replication is None:
            for bucket in buckets:
                accept(bucket, NO_REPLICA)
        else:
            BucketReplication(self, "Replication", buckets=buckets, key=key.key, to=replication)

    @classmethod
    def from_bucket(
        cls,
        scope: Construct,
        construct_id: str,
        bucket: s3.IBucket,
        *,
        key: RftKeyBase,
        access_logs: s3.IBucket | None = None,
        bucket_policy_managed_elsewhere: bool = False,
    ) -> DatasetBucketBase:
        """Use a bucket of yours: one of this app, or one that exists (`s3.Bucket.from_bucket_name`).

        Nothing of the bucket is changed but its policy. Handlers count on versions, which you turn on; `DatasetChecks`
        counts on events to EventBridge; and nothing expires but by rules of yours. Where the policy cannot be changed
        from here, synth prints as an error what it needs, until you say that somebody else keeps it.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            bucket: The bucket.
            key: The key with which the bucket encrypts.
            access_logs: Where its access logs go, for those who may audit them. Default: - unknown.
            bucket_policy_managed_elsewhere: Its policy has the statements already. Default: False.

        Raises:
            ValueError: When the bucket is known to encrypt with another key, which handlers could not use.
        """
        if bucket.encryption_key is not None and bucket.encryption_key.key_arn != key.key.key_arn:
            raise ValueError(f"key: got {key.node.path}, wanted the key with which {bucket.node.path} encrypts")
        return _ImportedDatasetBucket(scope, construct_id, bucket, access_logs, bucket_policy_managed_elsewhere)

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


class _ImportedDatasetBucket(DatasetBucketBase):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        bucket: s3.IBucket,
        access_logs: s3.IBucket | None,
        policy_managed_elsewhere: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self.bucket = bucket
        self.access_logs = access_logs
        self._policy_managed_elsewhere = policy_managed_elsewhere

    def _add_to_policy(self, statement: iam.PolicyStatement) -> bool:
        if self._policy_managed_elsewhere or super()._add_to_policy(statement):
            return True
        ask_for_statement(self, statement, policy_of=self.bucket.bucket_arn, answer="bucket_policy_managed_elsewhere")
        return False


def _expiry(
    name: str, days: int | None, *, prefix: str | None = None, tag_filters: Mapping[str, str] | None = None
) -> list[s3.LifecycleRule]:
    """Return the rule by which some objects expire; none for those that stay."""
    if days is None:
        return []
    return [s3.LifecycleRule(id=name, expiration=Duration.days(days), prefix=prefix, tag_filters=tag_filters)]

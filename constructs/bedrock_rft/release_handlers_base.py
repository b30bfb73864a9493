"""What may change what applications get, made here or imported: who may roll back, verify, and hear of trouble."""

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from bedrock_rft.dataset_bucket_base import DatasetBucketBase
from bedrock_rft.key import RftKeyBase
from bedrock_rft.release_key import ReleaseKeyBase
from rft_contract.layout import RELEASES


class ReleaseHandlersBase(Construct):
    """The functions that change what applications get: their grants and metrics."""

    release_key: ReleaseKeyBase
    """Signs releases."""

    rollback_function: lambda_.IFunction
    """Makes an earlier release serve again."""

    settle_function: lambda_.IFunction | None
    """Finishes or takes back what was left half done; None: not known here."""

    def __init__(self, scope: Construct, construct_id: str, *, datasets: DatasetBucketBase, key: RftKeyBase) -> None:
        super().__init__(scope, construct_id)
        self._datasets, self._key = datasets, key

    def grant_rollback(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal roll lines back through the function. It needs no right on Bedrock, and gets none."""
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["lambda:InvokeFunction"], resource_arns=[self.rollback_function.function_arn]
        )

    def grant_read_evidence(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal read releases and their evidence, and the public key: all that verifying needs, and no more.

        For a principal of another account, its own account must allow the same.
        """
        read = self._datasets.grant_get(grantee, f"{RELEASES}*")
        return read.combine(self._key.grant_read(grantee)).combine(self.release_key.grant_verify(grantee))

    def metric_not_settled(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Return how often a change of what is live could be neither finished nor taken back.

        Args:
            period: Default: 15 minutes, as often as that is tried.

        Raises:
            ValueError: When the functions are imported without the one that settles.
        """
        if self.settle_function is None:
            raise ValueError(
                f"{self.node.path}: settle: got None, but its errors are measured; give "
                "ReleaseHandlers.from_function_names the name of the function that settles"
            )
        return self.settle_function.metric_errors(period=period or Duration.minutes(15))


class ImportedReleaseHandlers(ReleaseHandlersBase):
    """The functions of another stack of the same account and Region."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        rollback: str,
        settle: str | None,
        datasets: DatasetBucketBase,
        key: RftKeyBase,
        release_key: ReleaseKeyBase,
    ) -> None:
        """Name the parts.

        Args:
            scope: Where they belong.
            construct_id: Its id there.
            rollback: Name of the function that rolls back.
            settle: Name of the function that settles.
            datasets: Where runs and releases lie.
            key: Encrypts them.
            release_key: Signs releases.
        """
        super().__init__(scope, construct_id, datasets=datasets, key=key)
        self.release_key = release_key
        self.rollback_function = self._function("Rollback", rollback)
        self.settle_function = None if settle is None else self._function("Settle", settle)

    def _function(self, construct_id: str, name: str) -> lambda_.IFunction:
        arn = Stack.of(self).format_arn(
            service="lambda", resource="function", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        return lambda_.Function.from_function_attributes(self, construct_id, function_arn=arn, same_environment=True)

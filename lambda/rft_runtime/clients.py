"""AWS clients with timeouts and retries that suit a Lambda function."""

from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from types_boto3_bedrock import BedrockClient
    from types_boto3_bedrock_runtime import BedrockRuntimeClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_iam import IAMClient
    from types_boto3_kms import KMSClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client
    from types_boto3_service_quotas import ServiceQuotasClient
    from types_boto3_sns import SNSClient
    from types_boto3_ssm import SSMClient
    from types_boto3_stepfunctions import SFNClient
    from types_boto3_sts import STSClient

_CONTROL = Config(retries={"mode": "standard", "total_max_attempts": 8}, connect_timeout=5, read_timeout=30)

# Rollouts retry by themselves, with full jitter and against the time that the function has left; a reasoning model may
# think for minutes before the first byte.
_INFERENCE = Config(
    retries={"mode": "standard", "total_max_attempts": 1},
    connect_timeout=5,
    read_timeout=600,
    max_pool_connections=64,
)

# A reward function may run for its full 15 minutes; a repeated call would only grade twice.
_GRADING = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=5, read_timeout=900)

# What preflight only looks at must not hold up a run.
_LOOK = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=3, read_timeout=10)


class Clients:
    """The clients of one process, each built when first asked for."""

    @cached_property
    def s3(self) -> "S3Client":
        """Data bucket."""
        return boto3.client("s3", config=_CONTROL)

    @cached_property
    def bedrock(self) -> "BedrockClient":
        """Customization jobs and deployments."""
        return boto3.client("bedrock", config=_CONTROL)

    @cached_property
    def bedrock_runtime(self) -> "BedrockRuntimeClient":
        """Rollouts; makes one attempt only."""
        return boto3.client("bedrock-runtime", config=_INFERENCE)

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        """What a job's rollouts were graded; alarms on live deployments."""
        return boto3.client("cloudwatch", config=_CONTROL)

    @cached_property
    def functions(self) -> "LambdaClient":
        """Aliases of reward functions."""
        return boto3.client("lambda", config=_CONTROL)

    @cached_property
    def grading(self) -> "LambdaClient":
        """Calls to reward functions; makes one attempt only."""
        return boto3.client("lambda", config=_GRADING)

    @cached_property
    def sns(self) -> "SNSClient":
        """Messages about outcomes."""
        return boto3.client("sns", config=_CONTROL)

    @cached_property
    def ssm(self) -> "SSMClient":
        """What applications read about a line's live release."""
        return boto3.client("ssm", config=_CONTROL)

    @cached_property
    def states(self) -> "SFNClient":
        """Whether a run's execution goes on."""
        return boto3.client("stepfunctions", config=_CONTROL)

    @cached_property
    def events(self) -> "EventBridgeClient":
        """Events about releases."""
        return boto3.client("events", config=_CONTROL)

    @cached_property
    def sts(self) -> "STSClient":
        """Whose rights these are."""
        return boto3.client("sts", config=_LOOK)

    @cached_property
    def iam(self) -> "IAMClient":
        """The role that is passed to Bedrock, as preflight looks at it."""
        return boto3.client("iam", config=_LOOK)

    @cached_property
    def kms(self) -> "KMSClient":
        """The environment's key, as preflight looks at it."""
        return boto3.client("kms", config=_LOOK)

    @cached_property
    def signing(self) -> "KMSClient":
        """Signatures of releases."""
        return boto3.client("kms", config=_CONTROL)

    @cached_property
    def quotas(self) -> "ServiceQuotasClient":
        """Service quotas."""
        return boto3.client("service-quotas", config=_LOOK)

"""What preflight looks at: an environment, through somebody's clients."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rft_runtime.base_models import BaseModel

if TYPE_CHECKING:
    from types_boto3_bedrock import BedrockClient
    from types_boto3_iam import IAMClient
    from types_boto3_kms import KMSClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client
    from types_boto3_service_quotas import ServiceQuotasClient
    from types_boto3_sts import STSClient


class PreflightClients(Protocol):
    """The clients that checks use; a workflow handler's and the command line's both are."""

    @property
    def sts(self) -> "STSClient":
        """Identity."""
        ...

    @property
    def bedrock(self) -> "BedrockClient":
        """Models and jobs."""
        ...

    @property
    def quotas(self) -> "ServiceQuotasClient":
        """Service quotas."""
        ...

    @property
    def iam(self) -> "IAMClient":
        """Roles and simulation."""
        ...

    @property
    def s3(self) -> "S3Client":
        """The data bucket."""
        ...

    @property
    def kms(self) -> "KMSClient":
        """The key."""
        ...

    @property
    def functions(self) -> "LambdaClient":
        """Reward functions."""
        ...


@dataclass(frozen=True, kw_only=True)
class Place:
    """An environment as preflight sees it.

    Args:
        clients: With whose rights the checks ask.
        region: The environment's Region.
        bucket: Name of its data bucket.
        key_arn: Its key.
        role_arn: The role that is passed to Bedrock. None: unknown.
        rewards: Reward name -> function name, of those that are checked.
        models: The base models that are checked.
        release_key_arn: The key that signs releases. None: nothing is to be released.
        concurrency: Calls at once that the reward function should be able to take; None: unknown.
        invokes: Whether the asker may be expected to call reward functions: then a dry run is tried.
    """

    clients: PreflightClients
    region: str
    bucket: str
    key_arn: str
    role_arn: str | None
    rewards: Mapping[str, str]
    models: tuple[BaseModel, ...]
    release_key_arn: str | None = None
    concurrency: int | None = None
    invokes: bool = False

    @property
    def account(self) -> str:
        """The environment's account, as its role's ARN tells; a key may be another account's."""
        return (self.role_arn or self.key_arn).split(":")[4]

    @property
    def partition(self) -> str:
        """The partition, such as `aws`."""
        return self.key_arn.split(":")[1]

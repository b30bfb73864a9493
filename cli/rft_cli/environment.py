"""An environment as the command line knows it: a deployed stack's outputs and clients of the AWS it lies in."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from rft_cli.cli_error import CliError
from rft_contract.naming import check_environment, stack_name
from rft_contract.outputs import StackOutputs

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.config import Config
    from types_boto3_bedrock import BedrockClient
    from types_boto3_bedrock_runtime import BedrockRuntimeClient
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_iam import IAMClient
    from types_boto3_kms import KMSClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client
    from types_boto3_service_quotas import ServiceQuotasClient
    from types_boto3_ssm import SSMClient
    from types_boto3_stepfunctions import SFNClient
    from types_boto3_sts import STSClient

    from rft_runtime.data_bucket import DataBucket

LOCAL = "local"
"""Name of the environment that lies in the embedded AWS."""


@dataclass(frozen=True)
class Aws:
    """Clients of one AWS.

    Args:
        session: Credentials and Region.
        endpoint: URL of the embedded AWS; None: the real one.
    """

    session: "Session"
    endpoint: str | None = None

    @cached_property
    def config(self) -> "Config | None":
        """Settings of every client: nothing between this machine and its own embedded AWS goes through a proxy."""
        from botocore.config import Config

        return Config(proxies={}) if self.endpoint else None

    def variables(self) -> dict[str, str]:
        """Return the environment variables with which a child process reaches this AWS as we do.

        Raises:
            CliError: When the shell has no credentials.
        """
        found = self.session.get_credentials()
        if found is None:
            raise CliError("no AWS credentials: log in, or name a profile in AWS_PROFILE")
        keys = found.get_frozen_credentials()
        named = {
            "AWS_ACCESS_KEY_ID": keys.access_key,
            "AWS_SECRET_ACCESS_KEY": keys.secret_key,
            "AWS_SESSION_TOKEN": keys.token,
            "AWS_REGION": self.session.region_name,
            "AWS_DEFAULT_REGION": self.session.region_name,
            "AWS_ENDPOINT_URL": self.endpoint,
        }
        return {name: value for name, value in named.items() if value}

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        """CloudFormation."""
        return self.session.client("cloudformation", endpoint_url=self.endpoint, config=self.config)

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        """CloudWatch."""
        return self.session.client("cloudwatch", endpoint_url=self.endpoint, config=self.config)

    @cached_property
    def functions(self) -> "LambdaClient":
        """Lambda."""
        return self.session.client("lambda", endpoint_url=self.endpoint, config=self.config)

    @cached_property
    def grading(self) -> "LambdaClient":
        """Lambda, for calls that may take its 15 minutes and are not repeated by the SDK."""
        from botocore.config import Config

        once = Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=900)
        config = once.merge(self.config) if self.config else once
        return self.session.client("lambda", endpoint_url=self.endpoint, config=config)

    @cached_property
    def s3(self) -> "S3Client":
        """S3."""
        return self.session.client("s3", endpoint_url=self.endpoint, config=self.config)

    @cached_property
    def states(self) -> "SFNClient":
        """Step Functions."""
        return self.session.client("stepfunctions", endpoint_url=self.endpoint, config=self.config)

    @cached_property
    def ssm(self) -> "SSMClient":
        """Parameters."""
        return self.session.client("ssm", endpoint_url=self.endpoint, config=self.config)

    @cached_property
    def bedrock_runtime(self) -> "BedrockRuntimeClient":
        """Bedrock's models."""
        return self.session.client("bedrock-runtime", endpoint_url=self.endpoint, config=self.config)

    @cached_property
    def bedrock(self) -> "BedrockClient":
        """Bedrock's control plane."""
        return self.session.client("bedrock", endpoint_url=self.endpoint, config=self.config)

    @cached_property
    def sts(self) -> "STSClient":
        """Whose credentials these are."""
        return self.session.client("sts", endpoint_url=self.endpoint, config=self.config)

    @cached_property
    def iam(self) -> "IAMClient":
        """Roles and the simulation of their rights."""
        return self.session.client("iam", endpoint_url=self.endpoint, config=self.config)

    @cached_property
    def kms(self) -> "KMSClient":
        """The environment's key."""
        return self.session.client("kms", endpoint_url=self.endpoint, config=self.config)

    @cached_property
    def quotas(self) -> "ServiceQuotasClient":
        """Service quotas."""
        return self.session.client("service-quotas", endpoint_url=self.endpoint, config=self.config)


@dataclass(frozen=True)
class Environment:
    """A deployed environment.

    Args:
        name: What the person calls it: the environment, or the stack when only that was given.
        option: The option that names it again, such as `--env local`.
        stack: Its stack's name.
        aws: Its clients.
        outputs: What its stack offers.
    """

    name: str
    option: str
    stack: str
    aws: Aws
    outputs: StackOutputs

    @property
    def is_local(self) -> bool:
        """Whether it lies in the embedded AWS."""
        return self.aws.endpoint is not None

    @cached_property
    def bucket(self) -> "DataBucket":
        """Its data bucket."""
        from rft_runtime.data_bucket import DataBucket

        return DataBucket(self.aws.s3, self.outputs.bucket)


def open_environment(env: str | None, stack: str | None) -> Environment:
    """Find an environment.

    Args:
        env: Its name. None: `local`, unless a stack is named.
        stack: Name of its stack. None: the one that the environment's name implies. A stack without an environment is
            looked for in the AWS that the shell's credentials open.

    Raises:
        CliError: When it is not deployed, or the embedded AWS does not run.
    """
    name = env or (None if stack else LOCAL)
    aws = local_aws() if name == LOCAL else real_aws()
    wanted = stack or stack_name(check_environment(name or LOCAL))
    option = f"--stack {stack}" if stack else f"--env {name}"
    outputs = _outputs(aws, wanted, name or wanted)
    return Environment(name=name or wanted, option=option, stack=wanted, aws=aws, outputs=outputs)


def local_aws() -> Aws:
    """Return clients of the embedded AWS.

    Raises:
        CliError: When it does not run in this project.
    """
    from boto3.session import Session

    from rft_local.emulator.environment import client_environment
    from rft_local.lifecycle import running
    from rft_local.project import find_project

    state = running(find_project())
    if state is None:
        raise CliError("the embedded AWS does not run: start it with `rft local up`")
    variables = client_environment(state.port, find_project().state_folder)
    session = Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_REGION"],
    )
    return Aws(session, variables["AWS_ENDPOINT_URL"])


def real_aws() -> Aws:
    """Return clients of the AWS that the shell's credentials open."""
    from boto3.session import Session

    return Aws(Session())


def _outputs(aws: Aws, stack: str, name: str) -> StackOutputs:
    from botocore.exceptions import ClientError

    try:
        found = aws.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        how = "`rft local up`" if name == LOCAL else f"`make deploy ENV={name}`, or name it with --stack"
        raise CliError(f"environment {name}: there is no stack {stack} here; deploy it with {how}") from None
    pairs = {item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", [])}
    return StackOutputs.from_outputs(pairs)

"""The Lambda function that executes untrusted programs, where they reach nothing and nobody."""

from typing import cast

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack, Token
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from bedrock_rft._assets import assemble, package_files
from bedrock_rft.constraints import (
    CALLER_WAITS,
    COMMON_POOL,
    DEPENDENCY_TWICE,
    INLINE_POLICY,
    NO_TRACES,
    VERSIONS,
)
from bedrock_rft.handler_platform import RUNTIME
from bedrock_rft.isolated_network import IsolatedNetwork
from bedrock_rft.nag import accept, acknowledge_wildcards
from bedrock_rft.network_interfaces import grant_interfaces
from rft_contract.services import CODE_RUNNER_ARN, CODE_RUNNER_SECONDS

_DEFAULT_MINUTES = 2


class CodeRunnerBase(Construct):
    """A code runner, made here or imported: its grants and metrics."""

    function: lambda_.IFunction
    """The function, unqualified."""

    version: lambda_.IVersion
    """What rewards call that are deployed now."""

    timeout: Duration
    """Longest call."""

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal call every version of the function."""
        arn = f"{self.function.function_arn}:*"
        grant = iam.Grant.add_to_principal(grantee=grantee, actions=["lambda:InvokeFunction"], resource_arns=[arn])
        acknowledge_wildcards(grantee, [arn], reason=VERSIONS)
        return grant

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables of a reward function that calls the current version."""
        return {
            CODE_RUNNER_ARN: self.version.function_arn,
            CODE_RUNNER_SECONDS: str(self.timeout.to_seconds()),
        }

    def metric_failed(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Return how many calls ended without an answer; a program that fails by itself is an answer.

        Args:
            period: Default: 5 minutes.
        """
        return self.function.metric_errors(period=period or Duration.minutes(5))

    def metric_throttled(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Return how many calls Lambda refused because too many ran at once.

        Args:
            period: Default: 5 minutes.
        """
        return self.function.metric_throttles(period=period or Duration.minutes(5))

    def metric_duration(self, *, statistic: str = "p95", period: Duration | None = None) -> cloudwatch.Metric:
        """Return how long calls take, in milliseconds; `timeout` ends them.

        Args:
            statistic: Default: `p95`.
            period: Default: 5 minutes.
        """
        return self.function.metric_duration(statistic=statistic, period=period or Duration.minutes(5))


class CodeRunner(CodeRunnerBase):
    """A function that runs programs for `code` rewards, in a network without routes, endpoints or name resolution.

    Its role holds what the service needs to attach it to that network, and a Deny of everything for requests that come
    from inside the function: those alone carry `lambda:SourceFunctionArn` (Lambda developer guide, "Using source
    function ARN to control function access behavior"). So it writes no logs either; what a program does comes back in
    the response. It has no environment variable and no trace.
    """

    function: lambda_.Function
    """The function, unqualified."""

    version: lambda_.Version
    """What rewards call that are deployed now."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc | None = None,
        architecture: lambda_.Architecture = lambda_.Architecture.ARM_64,
        timeout: Duration | None = None,
        memory_mib: int = 1769,
        reserved_concurrency: int | None = None,
    ) -> None:
        """Define a code runner.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            vpc: A network with isolated subnets; they alone are used. Default: - one of its own.
            architecture: Default: ARM_64.
            timeout: Longest call, 10 to 900 seconds. Default: 2 minutes.
            memory_mib: Memory, 512 to 10240 MiB; 1769 MiB are one processor. Default: 1769.
            reserved_concurrency: Calls at once, set aside for it. Default: - the account's pool.

        Raises:
            ValueError: When a number lies outside its bounds, or the VPC has no isolated subnet.
        """
        super().__init__(scope, construct_id)
        self.timeout = _checked(timeout)
        if not 512 <= memory_mib <= 10240:
            raise ValueError(f"memory_mib: got {memory_mib}, wanted 512 to 10240")
        if reserved_concurrency is not None and reserved_concurrency < 1:
            raise ValueError(f"reserved_concurrency: got {reserved_concurrency}, wanted at least 1, or None")
        network = IsolatedNetwork(self, "Network", vpc=vpc)
        files = package_files("rft_runner") | package_files("rft_contract", ("json_value", "value_codec"))
        self.role = self._role()
        self.function = lambda_.Function(
            self,
            "Resource",
            description="Executes untrusted programs for code rewards",
            code=lambda_.Code.from_asset(str(assemble(files))),
            handler="rft_runner.handler.handler",
            runtime=RUNTIME,
            architecture=architecture,
            timeout=self.timeout,
            memory_size=memory_mib,
            role=self.role,
            reserved_concurrent_executions=reserved_concurrency,
            vpc=network.vpc,
            vpc_subnets=network.subnets,
            security_groups=[network.security_group],
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
        )
        self._remove_log_group()
        self._accept_findings(reserved_concurrency)
        self.version = self.function.current_version

    @classmethod
    def from_function_name(
        cls,
        scope: Construct,
        construct_id: str,
        function_name: str,
        *,
        version: str,
        timeout: Duration | None = None,
    ) -> CodeRunnerBase:
        """Use a code runner of the same account and Region that another stack owns.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            function_name: Name of the Lambda function.
            version: The published version that rewards shall call, such as `7`. They keep it until you name another
                one, whatever the other stack deploys.
            timeout: Longest call, as the other stack has it, 10 to 900 seconds. Default: 2 minutes.

        Raises:
            ValueError: When the version is no number, or the timeout lies outside its bounds.
        """
        if not Token.is_unresolved(version) and not version.isdecimal():
            raise ValueError(f"version: got {version!r}, wanted the number of a published version, such as '7'")
        return _ImportedCodeRunner(scope, construct_id, function_name, version, _checked(timeout))

    def _accept_findings(self, reserved_concurrency: int | None) -> None:
        accept(self.role, INLINE_POLICY)
        for constraint in (CALLER_WAITS, DEPENDENCY_TWICE, NO_TRACES):
            accept(self.function, constraint)
        if reserved_concurrency is None:
            accept(self.function, COMMON_POOL)

    def _remove_log_group(self) -> None:
        """Undo what a feature flag of the app adds: nothing may write a log here."""
        if self.function.node.try_remove_child("LogGroup"):
            resource = cast(lambda_.CfnFunction, self.function.node.default_child)
            resource.logging_config = None

    def _role(self) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        grant_interfaces(role)
        role.add_to_policy(
            iam.PolicyStatement(
                sid="NothingFromInside",
                effect=iam.Effect.DENY,
                actions=["*"],
                resources=["*"],
                # Its own ARN would make a circle of function and role; no other function has this role.
                conditions={"Null": {"lambda:SourceFunctionArn": "false"}},
            )
        )
        return role


class _ImportedCodeRunner(CodeRunnerBase):
    def __init__(
        self, scope: Construct, construct_id: str, function_name: str, version: str, timeout: Duration
    ) -> None:
        super().__init__(scope, construct_id)
        arn = Stack.of(self).format_arn(
            service="lambda", resource="function", resource_name=function_name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        self.timeout = timeout
        self.function = lambda_.Function.from_function_attributes(
            self, "Resource", function_arn=arn, same_environment=True
        )
        self.version = lambda_.Version.from_version_arn(self, "Version", f"{arn}:{version}")


def _checked(timeout: Duration | None) -> Duration:
    """Return the longest call.

    Raises:
        ValueError: When it lies outside its bounds.
    """
    longest = timeout or Duration.minutes(_DEFAULT_MINUTES)
    if not 10 <= longest.to_seconds() <= 900:
        raise ValueError(f"timeout: got {longest.to_seconds():g} s, wanted 10 to 900 s")
    return longest

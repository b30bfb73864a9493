"""The Lambda function that executes untrusted programs, where they reach nothing and nobody."""

from typing import cast

from aws_cdk import Duration, RemovalPolicy
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


class CodeRunner(Construct):
    """A function that runs programs for `code` rewards, in a network without routes, endpoints or name resolution.

    Its role holds what the service needs to attach it to that network, and a Deny of everything for requests that come
    from inside the function: those alone carry `lambda:SourceFunctionArn` (Lambda developer guide, "Using source
    function ARN to control function access behavior"). So it writes no logs either; what a program does comes back in
    the response. It has no environment variable and no trace.
    """

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
        self._timeout = timeout or Duration.minutes(2)
        if not 10 <= self._timeout.to_seconds() <= 900:
            raise ValueError(f"timeout: got {self._timeout.to_seconds():g} s, wanted 10 to 900 s")
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
            timeout=self._timeout,
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
            CODE_RUNNER_SECONDS: str(self._timeout.to_seconds()),
        }

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

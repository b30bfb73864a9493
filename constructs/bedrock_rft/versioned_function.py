"""A Lambda function as this library makes every one of them."""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from bedrock_rft.constraints import (
    CALLER_WAITS,
    COMMON_POOL,
    DEPENDENCY_TWICE,
    INLINE_POLICY,
    NO_NETWORK,
    NO_RESOURCE_LEVEL,
    NO_SECRETS,
)
from bedrock_rft.handler_platform import RUNTIME
from bedrock_rft.nag import accept, acknowledge
from bedrock_rft.network import RftNetwork
from bedrock_rft.network_interfaces import deny_interfaces_inside, grant_interfaces


class VersionedFunction(Construct):
    """A Python function with its own role and log group, tracing, and versions that outlive their update.

    The role has no AWS managed policy: it may write its own log group and send traces, and what you grant it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        code: lambda_.Code,
        handler: str,
        architecture: lambda_.Architecture,
        timeout: Duration,
        memory_mib: int,
        environment: Mapping[str, str],
        role: iam.IRole | None = None,
        encryption_key: kms.IKey | None = None,
        network: RftNetwork | None = None,
        reserved_concurrency: int | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        """Define the function.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            description: What it does, for people who see it in a list.
            code: Its asset.
            handler: `package.module.function` in the asset.
            architecture: Machine that the asset's native code is for.
            timeout: Longest call.
            memory_mib: Memory, MiB.
            environment: Environment variables.
            role: A role of yours that trusts Lambda, for this function alone. Default: - a new one.
            encryption_key: Encrypts the log group; its policy must know CloudWatch Logs. Default: - a key of AWS.
            network: Where it runs. Default: - outside of any VPC.
            reserved_concurrency: Calls at once, set aside for this function. Default: - the account's common pool.
            log_retention: How long logs are kept. Default: one month.
            removal_policy: Of the log group. Default: RETAIN.
        """
        super().__init__(scope, construct_id)
        self.log_group = logs.LogGroup(
            self, "Logs", encryption_key=encryption_key, retention=log_retention, removal_policy=removal_policy
        )
        self.role = role or iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.log_group.grant_write(self.role)
        if network is not None:
            grant_interfaces(self.role)
            deny_interfaces_inside(self.role)
        self.function = lambda_.Function(
            self,
            "Resource",
            description=description,
            code=code,
            handler=handler,
            runtime=RUNTIME,
            architecture=architecture,
            timeout=timeout,
            memory_size=memory_mib,
            environment=dict(environment),
            log_group=self.log_group,
            role=self.role,
            reserved_concurrent_executions=reserved_concurrency,
            tracing=lambda_.Tracing.ACTIVE,
            vpc=network.vpc if network else None,
            vpc_subnets=ec2.SubnetSelection(subnets=network.subnets) if network else None,
            security_groups=[network.security_group] if network else None,
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN),
        )
        acknowledge(self.role, "AwsSolutions-IAM5[Resource::*]", reason=NO_RESOURCE_LEVEL)
        accept(self.role, INLINE_POLICY)
        for constraint in (CALLER_WAITS, DEPENDENCY_TWICE, NO_SECRETS):
            accept(self.function, constraint)
        if network is None:
            accept(self.function, NO_NETWORK)
        if reserved_concurrency is None:
            accept(self.function, COMMON_POOL)

    @property
    def version(self) -> lambda_.Version:
        """The version with the current code and configuration; it stays when the next one appears."""
        return self.function.current_version

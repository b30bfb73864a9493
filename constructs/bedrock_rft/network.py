"""The network in which an environment's functions and customization jobs run."""

from collections.abc import Sequence
from ipaddress import IPv4Network

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from bedrock_rft.constraints import INLINE_POLICY
from bedrock_rft.isolated_vpc import isolated_vpc
from bedrock_rft.nag import accept
from rft_contract.settings import JobNetwork

_SERVICES = ec2.InterfaceVpcEndpointAwsService
ENDPOINTS = (
    _SERVICES.BEDROCK,
    _SERVICES.BEDROCK_RUNTIME,
    _SERVICES.CLOUDWATCH_MONITORING,
    _SERVICES.EVENTBRIDGE,
    _SERVICES.IAM,
    _SERVICES.KMS,
    _SERVICES.LAMBDA_,
    _SERVICES.SNS,
    _SERVICES.SSM,
    _SERVICES.STEP_FUNCTIONS,
    _SERVICES.STS,
)
"""Services that functions call through interfaces. S3 has a gateway; Lambda itself sends log lines and dead letters."""

_ZONES = 2


class RftNetwork(Construct):
    """Where functions and customization jobs reach the services of AWS and nothing else.

    Without a VPC of yours: two isolated subnets in two zones without a route out, in both an interface for each of
    `ENDPOINTS`, a gateway for S3, and flow logs. Endpoints serve principals of this account alone, and S3's reaches
    buckets of this account alone. IAM's endpoint exists in us-east-1 only (IAM user guide, "Create a VPC endpoint for
    IAM"). For Service Quotas none is documented: preflight then says that it could not check quotas.

    With a VPC of yours: a security group in it, and nothing else. Its subnets must lead to the same services.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc | None = None,
        subnets: Sequence[ec2.ISubnet] | None = None,
        cidr: str = "10.0.0.0/24",
        availability_zones: Sequence[str] | None = None,
        encryption_key: kms.IKey | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        """Define the network.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            vpc: A network that leads to the services. Default: - one of its own.
            subnets: Those of `vpc` to use, 1 to 16. Default: - its isolated subnets, or else its private ones.
            cidr: Addresses of its own VPC, /16 to /26; two zones share them. Default: `10.0.0.0/24`.
            availability_zones: The two zones of its own VPC, such as `us-east-1a`; every service must be in both.
                Default: - the first two of the Region, as the account has them.
            encryption_key: Encrypts the flow logs of its own VPC; its policy must know CloudWatch Logs. Default: - a
                key of AWS.
            log_retention: How long those are kept. Default: one month.
            removal_policy: Of their log group. Default: RETAIN.

        Raises:
            ValueError: When the addresses are none for a VPC, there are not two zones, or there is no subnet.
        """
        super().__init__(scope, construct_id)
        self.vpc = vpc or self._new_vpc(check_cidr(cidr), availability_zones)
        self.subnets = list(subnets or self.vpc.isolated_subnets or self.vpc.private_subnets)
        if not 1 <= len(self.subnets) <= 16:
            raise ValueError(f"subnets: got {len(self.subnets)}, wanted 1 to 16 that are isolated or private")
        self.security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=self.vpc,
            description="Functions and customization jobs: HTTPS out, nothing in",
            allow_all_outbound=False,
        )
        # Routes decide how far that leads; addresses of S3 cannot be named without a look-up at synth.
        self.security_group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.HTTPS, "To the services of AWS")
        if vpc is None:
            self._add_endpoints()
            self._log_flows(encryption_key, log_retention, removal_policy)

    @property
    def job_network(self) -> JobNetwork:
        """The network as a customization job's request names it."""
        return JobNetwork(
            subnets=tuple(subnet.subnet_id for subnet in self.subnets),
            security_groups=(self.security_group.security_group_id,),
        )

    def _new_vpc(self, addresses: IPv4Network, zones: Sequence[str] | None) -> ec2.IVpc:
        if zones and len(set(zones)) != _ZONES:
            raise ValueError(f"availability_zones: got {', '.join(zones)}, wanted {_ZONES} that differ")
        blocks = [str(block) for block in addresses.subnets(prefixlen_diff=_ZONES.bit_length() - 1)]
        return isolated_vpc(
            self, cidr=str(addresses), subnet_cidrs=blocks, name_resolution=True, availability_zones=zones
        )

    def _add_endpoints(self) -> None:
        """Add the ways to the services, for this account alone."""
        group = ec2.SecurityGroup(
            self,
            "Endpoints",
            vpc=self.vpc,
            description="Interface endpoints: HTTPS from functions and jobs",
            allow_all_outbound=False,
        )
        group.add_ingress_rule(self.security_group, ec2.Port.HTTPS, "From functions and customization jobs")
        chosen = ec2.SubnetSelection(subnets=self.subnets)
        for service in ENDPOINTS:
            endpoint = ec2.InterfaceVpcEndpoint(
                self,
                "".join(word.capitalize() for word in service.short_name.split("-")),
                vpc=self.vpc,
                service=service,
                subnets=chosen,
                security_groups=[group],
                open=False,
            )
            endpoint.add_to_policy(self._of_this_account())
        gateway = ec2.GatewayVpcEndpoint(
            self, "S3", vpc=self.vpc, service=ec2.GatewayVpcEndpointAwsService.S3, subnets=[chosen]
        )
        gateway.add_to_policy(self._of_this_account("aws:ResourceAccount"))

    def _of_this_account(self, *keys: str) -> iam.PolicyStatement:
        """Return what an endpoint lets through: calls by principals of this account; more keys may narrow it."""
        account = Stack.of(self).account
        return iam.PolicyStatement(
            principals=[iam.AnyPrincipal()],
            actions=["*"],
            resources=["*"],
            conditions={"StringEquals": dict.fromkeys(("aws:PrincipalAccount", *keys), account)},
        )

    def _log_flows(
        self, key: kms.IKey | None, log_retention: logs.RetentionDays, removal_policy: RemovalPolicy
    ) -> None:
        """Record every flow. Source of trust and rights: VPC user guide, "IAM role for publishing flow logs".

        As an L2 class, the destination would let the role pass itself on.
        """
        stack = Stack.of(self)
        log_group = logs.LogGroup(
            self, "FlowLogs", encryption_key=key, retention=log_retention, removal_policy=removal_policy
        )
        flow_logs = stack.format_arn(
            service="ec2", resource="vpc-flow-log", resource_name="*", arn_format=ArnFormat.SLASH_RESOURCE_NAME
        )
        role = iam.Role(
            self,
            "FlowLogsRole",
            assumed_by=iam.ServicePrincipal("vpc-flow-logs.amazonaws.com").with_conditions(
                {"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": flow_logs}}
            ),
        )
        accept(role, INLINE_POLICY)
        iam.Grant.add_to_principal(
            grantee=role,
            actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            resource_arns=[log_group.log_group_arn],
        )
        ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_id=self.vpc.vpc_id,
            resource_type="VPC",
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=log_group.log_group_arn,
            deliver_logs_permission_arn=role.role_arn,
        )


def check_cidr(cidr: str) -> IPv4Network:
    """Return the addresses of a VPC.

    Args:
        cidr: Such as `10.0.0.0/24`.

    Raises:
        ValueError: When they are none, or fewer or more than the network can use (Amazon VPC user guide, "VPC CIDR
            blocks": /16 to /28, of which two zones get half each).
    """
    try:
        addresses = IPv4Network(cidr)
    except ValueError as error:
        raise ValueError(f"cidr: got {cidr!r}, wanted addresses such as 10.0.0.0/24: {error}") from error
    if not 16 <= addresses.prefixlen <= 26:
        raise ValueError(f"cidr: got {cidr!r}, wanted /16 to /26")
    return addresses

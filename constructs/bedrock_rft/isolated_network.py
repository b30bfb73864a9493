"""A network from which nothing leads anywhere."""

from typing import cast

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from bedrock_rft.constraints import NO_FLOWS
from bedrock_rft.isolated_vpc import isolated_vpc
from bedrock_rft.nag import accept

_CIDR = "10.0.0.0/26"
_SUBNETS = ("10.0.0.0/27", "10.0.0.32/27")


class IsolatedNetwork(Construct):
    """Two subnets in two zones without routes, endpoints or DNS, and a security group that lets nothing in or out.

    Name resolution is off because queries leave a VPC whatever its routes, security groups and network ACLs say.
    """

    def __init__(self, scope: Construct, construct_id: str, *, vpc: ec2.IVpc | None = None) -> None:
        """Define the network.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            vpc: A network with isolated subnets; they alone are used, and its name resolution stays as it is. Default:
                - one of its own.

        Raises:
            ValueError: When the VPC has no isolated subnet.
        """
        super().__init__(scope, construct_id)
        self.vpc = vpc or self._new_vpc()
        if not self.vpc.isolated_subnets:
            raise ValueError("vpc: it has no isolated subnet, and untrusted programs may run in no other")
        self.subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        self.security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=self.vpc,
            description="Untrusted programs: nothing in, nothing out",
            allow_all_outbound=False,
        )

    def _new_vpc(self) -> ec2.IVpc:
        vpc = isolated_vpc(self, cidr=_CIDR, subnet_cidrs=_SUBNETS, name_resolution=False)
        accept(cast(Construct, self.node.find_child("Vpc")), NO_FLOWS)
        return vpc

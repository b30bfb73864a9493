"""A network from which nothing leads anywhere."""

from aws_cdk import Fn, Tags
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from bedrock_rft.nag import acknowledge

_CIDR = "10.0.0.0/26"
_SUBNETS = ("10.0.0.0/27", "10.0.0.32/27")
_NO_FLOW_LOG = "no route, gateway, endpoint or name server: a flow log would have nothing to record"


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
        """Define a VPC. The L2 class would look the account's zones up at synth."""
        vpc = ec2.CfnVPC(self, "Vpc", cidr_block=_CIDR, enable_dns_support=False, enable_dns_hostnames=False)
        Tags.of(vpc).add("Name", self.node.path)
        acknowledge(vpc, "AwsSolutions-VPC7", reason=_NO_FLOW_LOG)
        routes = ec2.CfnRouteTable(self, "NoRoutes", vpc_id=vpc.ref)
        zones = [Fn.select(number, Fn.get_azs()) for number in range(len(_SUBNETS))]
        subnets: list[str] = []
        for number, (zone, block) in enumerate(zip(zones, _SUBNETS, strict=True), start=1):
            subnet = ec2.CfnSubnet(self, f"Subnet{number}", vpc_id=vpc.ref, availability_zone=zone, cidr_block=block)
            ec2.CfnSubnetRouteTableAssociation(
                self, f"Subnet{number}NoRoutes", subnet_id=subnet.ref, route_table_id=routes.ref
            )
            subnets.append(subnet.ref)
        return ec2.Vpc.from_vpc_attributes(
            self,
            "Own",
            vpc_id=vpc.ref,
            availability_zones=zones,
            isolated_subnet_ids=subnets,
            isolated_subnet_route_table_ids=[routes.ref] * len(subnets),
        )

"""VPCs whose subnets have no way out."""

from collections.abc import Sequence

from aws_cdk import Fn, Tags
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from bedrock_rft.constraints import DEFAULT_GROUP
from bedrock_rft.nag import accept


def isolated_vpc(
    scope: Construct,
    *,
    cidr: str,
    subnet_cidrs: Sequence[str],
    name_resolution: bool,
    availability_zones: Sequence[str] | None = None,
) -> ec2.IVpc:
    """Define a VPC with one isolated subnet a zone, all on one route table without a route out.

    The L2 class would look the account's zones up at synth, which needs credentials.

    Args:
        scope: Where its resources belong.
        cidr: Addresses of the VPC, such as `10.0.0.0/24`.
        subnet_cidrs: Addresses of each subnet.
        name_resolution: Whether names are resolved inside, which interface endpoints need.
        availability_zones: The zone of each subnet. Default: - the first ones of the Region, as the account has them.
    """
    vpc = ec2.CfnVPC(
        scope, "Vpc", cidr_block=cidr, enable_dns_support=name_resolution, enable_dns_hostnames=name_resolution
    )
    Tags.of(vpc).add("Name", scope.node.path)
    accept(vpc, DEFAULT_GROUP)
    routes = ec2.CfnRouteTable(scope, "Routes", vpc_id=vpc.ref)
    zones = availability_zones or [Fn.select(number, Fn.get_azs()) for number in range(len(subnet_cidrs))]
    subnets: list[str] = []
    for number, (zone, block) in enumerate(zip(zones, subnet_cidrs, strict=True), start=1):
        subnet = ec2.CfnSubnet(scope, f"Subnet{number}", vpc_id=vpc.ref, availability_zone=zone, cidr_block=block)
        ec2.CfnSubnetRouteTableAssociation(
            scope, f"Subnet{number}Routes", subnet_id=subnet.ref, route_table_id=routes.ref
        )
        subnets.append(subnet.ref)
    return ec2.Vpc.from_vpc_attributes(
        scope,
        "Own",
        vpc_id=vpc.ref,
        vpc_cidr_block=cidr,
        availability_zones=list(zones),
        isolated_subnet_ids=subnets,
        isolated_subnet_route_table_ids=[routes.ref] * len(subnets),
    )

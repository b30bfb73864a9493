"""An environment's network, as data."""

from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from bedrock_rft.network import check_cidr


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where functions and customization jobs run: a VPC of the environment's own, or one that exists.

    Args:
        cidr: Addresses of its own VPC, /16 to /26.
        vpc_id: A VPC that exists, instead; its subnets must lead to the services that `RftNetwork` names. None: its
            own.
        subnet_ids: Which of that VPC's subnets, in the order of `availability_zones`.
        availability_zones: Their zones, such as `us-east-1a`, at least two; or the two of its own VPC. Empty for its
            own: the first two of the Region, as the account has them.

    Raises:
        ValueError: When the addresses are none for a VPC, or the parts of a VPC that exists do not belong together.
    """

    cidr: str = "10.0.0.0/24"
    vpc_id: str | None = None
    subnet_ids: tuple[str, ...] = ()
    availability_zones: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_cidr(self.cidr)
        subnets, zones = len(self.subnet_ids), len(self.availability_zones)
        if self.vpc_id is None and subnets:
            raise ValueError("network: vpc_id: got none, wanted the VPC of subnet_ids")
        if self.vpc_id is not None and not 2 <= subnets == zones:
            raise ValueError(
                f"network: got {subnets} subnet_ids and {zones} availability_zones, wanted as many of both, at least 2"
            )

    def existing_vpc(self, scope: Construct) -> ec2.IVpc | None:
        """Return the VPC that exists; None when the network shall have its own. Nothing is looked up.

        Args:
            scope: Where the reference belongs.
        """
        if self.vpc_id is None:
            return None
        return ec2.Vpc.from_vpc_attributes(
            scope,
            "ExistingVpc",
            vpc_id=self.vpc_id,
            availability_zones=list(self.availability_zones),
            isolated_subnet_ids=list(self.subnet_ids),
        )

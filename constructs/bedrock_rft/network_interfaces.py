"""The rights with which Lambda attaches a function to a VPC."""

from aws_cdk import aws_iam as iam

from bedrock_rft.constraints import INTERFACES
from bedrock_rft.nag import accept, acknowledge

_ACTIONS = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
"""AWS managed policy reference, AWSLambdaVPCAccessExecutionRole, without logs."""


def grant_interfaces(role: iam.IRole) -> None:
    """Let Lambda manage the network interfaces of a role's function.

    The role's policy must also deny these actions to requests from inside the function: `deny_interfaces_inside`, or
    something wider.

    Args:
        role: The function's.
    """
    role.add_to_principal_policy(iam.PolicyStatement(actions=list(_ACTIONS), resources=["*"]))
    acknowledge(role, "AwsSolutions-IAM5[Resource::*]", reason=INTERFACES)
    for child in role.node.children:
        if isinstance(child, iam.Policy):
            accept(child, INTERFACES)


def deny_interfaces_inside(role: iam.IRole) -> None:
    """Keep a function's own code from the rights that Lambda has on its network interfaces.

    Only requests from inside a function carry `lambda:SourceFunctionArn` (Lambda developer guide, "Using source
    function ARN to control function access behavior").

    Args:
        role: The function's, and no other function's.
    """
    role.add_to_principal_policy(
        iam.PolicyStatement(
            sid="NoInterfacesFromInside",
            effect=iam.Effect.DENY,
            actions=list(_ACTIONS),
            resources=["*"],
            conditions={"Null": {"lambda:SourceFunctionArn": "false"}},
        )
    )

"""The rights with which a customization job reaches a VPC."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam

from bedrock_rft.constraints import JOB_INTERFACES
from bedrock_rft.nag import acknowledge_wildcards
from bedrock_rft.network import RftNetwork

_MANAGED = "BedrockManaged"
_JOB = "BedrockModelCustomizationJobArn"


def grant_job_interfaces(role: iam.IRole, network: RftNetwork) -> None:
    """Let a customization job's role make the interfaces by which the job reaches a network.

    Source: Bedrock user guide, "(Optional) Protect your model customization jobs using a VPC"; the tags are literal,
    Bedrock sets them.

    Args:
        role: What Bedrock assumes for the job.
        network: Where the job shall run.
    """
    jobs = _arn(network, "bedrock", "model-customization-job", "*")
    interfaces = _arn(network, "ec2", "network-interface", "*")
    subnets = [_arn(network, "ec2", "subnet", subnet.subnet_id) for subnet in network.subnets]
    group = _arn(network, "ec2", "security-group", network.security_group.security_group_id)
    looks = ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
    statements = (
        iam.PolicyStatement(actions=[f"ec2:Describe{thing}" for thing in looks], resources=["*"]),
        iam.PolicyStatement(
            actions=["ec2:CreateNetworkInterface"],
            resources=[interfaces],
            conditions={
                "StringEquals": {f"aws:RequestTag/{_MANAGED}": "true"},
                "ArnEquals": {f"aws:RequestTag/{_JOB}": jobs},
            },
        ),
        iam.PolicyStatement(actions=["ec2:CreateNetworkInterface"], resources=[*subnets, group]),
        iam.PolicyStatement(
            actions=[
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
                "ec2:DeleteNetworkInterfacePermission",
            ],
            resources=["*"],
            conditions={
                "ArnEquals": {"ec2:Subnet": subnets, f"ec2:ResourceTag/{_JOB}": jobs},
                "StringEquals": {f"ec2:ResourceTag/{_MANAGED}": "true"},
            },
        ),
        iam.PolicyStatement(
            actions=["ec2:CreateTags"],
            resources=[interfaces],
            conditions={
                "StringEquals": {"ec2:CreateAction": "CreateNetworkInterface"},
                "ForAllValues:StringEquals": {"aws:TagKeys": [_MANAGED, _JOB]},
            },
        ),
    )
    for statement in statements:
        role.add_to_principal_policy(statement)
    acknowledge_wildcards(role, ["*", interfaces], reason=JOB_INTERFACES)


def _arn(network: RftNetwork, service: str, resource: str, name: str) -> str:
    return Stack.of(network).format_arn(
        service=service, resource=resource, resource_name=name, arn_format=ArnFormat.SLASH_RESOURCE_NAME
    )

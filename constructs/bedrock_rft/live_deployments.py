"""Deployments that applications use: which policies may touch them, and which never."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import IConstruct

from rft_contract.tags import LIVE_ROLE, ROLE_TAG

_CHANGES = (
    "bedrock:DeleteCustomModelDeployment",
    "bedrock:UpdateCustomModelDeployment",
    "bedrock:TagResource",
    "bedrock:UntagResource",
)


def deployments_arn(scope: IConstruct) -> str:
    """Return the pattern of the ARNs of an account's deployments; Bedrock chooses their ids at run time."""
    return Stack.of(scope).format_arn(
        service="bedrock",
        resource="custom-model-deployment",
        resource_name="*",
        arn_format=ArnFormat.SLASH_RESOURCE_NAME,
    )


def deny_live(role: iam.IRole) -> None:
    """Keep a role away from live deployments, whatever else it may do: it can neither change nor make one.

    Args:
        role: Of a function that works on other deployments.
    """
    deployments = deployments_arn(role)
    role.add_to_principal_policy(
        iam.PolicyStatement(
            sid="NeverTouchLive",
            effect=iam.Effect.DENY,
            actions=list(_CHANGES),
            resources=[deployments],
            conditions={"StringEquals": {f"aws:ResourceTag/{ROLE_TAG}": LIVE_ROLE}},
        )
    )
    role.add_to_principal_policy(
        iam.PolicyStatement(
            sid="NeverMakeLive",
            effect=iam.Effect.DENY,
            actions=["bedrock:CreateCustomModelDeployment", "bedrock:TagResource"],
            resources=["*"],
            conditions={"StringEquals": {f"aws:RequestTag/{ROLE_TAG}": LIVE_ROLE}},
        )
    )

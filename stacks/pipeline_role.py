"""The role in which builds of the pipeline's account act in an environment."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from constructs import Construct

from bedrock_rft import RunGrants
from bedrock_rft.constraints import INLINE_POLICY
from bedrock_rft.nag import accept
from rft_contract.naming import pipeline_role_name
from stacks.pipeline_config import PIPELINE_STACK


def let_pipeline_in(scope: Construct, account: str, stack_name: str, *, runs: RunGrants) -> None:
    """Define the role.

    Args:
        scope: Where it belongs.
        account: The pipeline's.
        stack_name: Of the environment's stack.
        runs: What runs need.
    """
    builds = f"arn:{Aws.PARTITION}:iam::{account}:role/{PIPELINE_STACK}-*"
    role = iam.Role(
        scope,
        "Role",
        role_name=pipeline_role_name(stack_name),
        description="Assumed by builds of the pipeline: starts runs, verifies releases",
        assumed_by=iam.AccountPrincipal(account).with_conditions({"ArnLike": {"aws:PrincipalArn": builds}}),
    )
    accept(role, INLINE_POLICY)
    runs.grant_run(role)


def pipeline_role_arn(account: str, stack_name: str) -> str:
    """Return the role's ARN, as the pipeline's account must know it.

    Args:
        account: The environment's.
        stack_name: Of the environment's stack.
    """
    return f"arn:aws:iam::{account}:role/{pipeline_role_name(stack_name)}"


def profile(account: str, region: str, stack_name: str) -> str:
    """Return the AWS configuration with which a build assumes the role.

    Args:
        account: The environment's.
        region: The environment's.
        stack_name: Of the environment's stack.
    """
    role = pipeline_role_arn(account, stack_name)
    return f"[default]\nregion = {region}\nrole_arn = {role}\ncredential_source = EcsContainer"

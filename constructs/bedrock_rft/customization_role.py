"""The role that Bedrock assumes to run a customization job."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from bedrock_rft.constraints import INLINE_POLICY
from bedrock_rft.dataset_bucket_base import DatasetBucketBase
from bedrock_rft.job_interfaces import grant_job_interfaces
from bedrock_rft.key import RftKeyBase
from bedrock_rft.nag import accept
from bedrock_rft.network import RftNetwork
from bedrock_rft.reward_function import RewardFunctionBase
from rft_contract.layout import RUNS


class CustomizationRoleBase(Construct):
    """A role that Bedrock assumes to run a customization job, made here or imported."""

    role: iam.IRole
    """The role."""

    def grant_pass(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal hand the role to Bedrock, and to no other service."""
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["iam:PassRole"],
            resource_arns=[self.role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}},
        )


class CustomizationRole(CustomizationRoleBase):
    """What a reinforcement fine-tuning job may do, and nothing beside it.

    Trust is one statement: Bedrock, for customization jobs of this account and Region. The role reads the frozen data
    of runs, lists the keys of runs, writes and reads back what jobs produce, calls the rewards through the aliases of
    runs, and uses the key through S3 and Bedrock. With a network, it makes the interfaces by which jobs reach that.
    Sources: Bedrock user guide, "Access and security for custom model jobs" and "... for reinforcement fine-tuning".
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        datasets: DatasetBucketBase,
        key: RftKeyBase,
        rewards: Sequence[RewardFunctionBase],
        role: iam.IRole | None = None,
        unqualified_rewards: bool = False,
        network: RftNetwork | None = None,
    ) -> None:
        """Define the role, or give one of yours what jobs need.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            datasets: Where runs lie.
            key: Encrypts data and custom models.
            rewards: The reward functions that jobs may call, at least one.
            role: A role of yours, whose trust is `CustomizationRole.principal`. Default: - a new one.
            unqualified_rewards: Let jobs call the functions without a qualifier too, should Bedrock not honour aliases.
                Default: False.
            network: Where jobs run. Default: - outside of any VPC of yours.

        Raises:
            ValueError: When there is no reward.
        """
        super().__init__(scope, construct_id)
        if not rewards:
            raise ValueError("rewards: got none, wanted at least one reward function that jobs may call")
        self.role = role or self._new_role()
        datasets.grant_list_runs(self.role)
        datasets.grant_get(self.role, f"{RUNS}*/data/*")
        datasets.grant_get_and_put(self.role, f"{RUNS}*/job/*")
        key.grant_dataset_access(self.role)
        key.grant_customization(self.role)
        if network is not None:
            grant_job_interfaces(self.role, network)
        for reward in rewards:
            reward.grant_invoke_runs(self.role)
            if unqualified_rewards:
                reward.grant_invoke_unqualified(self.role)

    @classmethod
    def from_role_arn(cls, scope: Construct, construct_id: str, role_arn: str) -> CustomizationRoleBase:
        """Use a role as it is: one that another stack made with this class, or that another team keeps.

        Nothing is added to it; to give a role what jobs need, hand it to the class as `role`. Before a run costs
        anything, preflight reads the trust and has IAM simulate what a job does with data, rewards and key; the rights
        on the interfaces of a network it does not look at.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            role_arn: ARN of the role; it trusts `CustomizationRole.principal`.
        """
        return _ImportedCustomizationRole(scope, construct_id, role_arn)

    @staticmethod
    def principal(scope: Construct) -> iam.PrincipalWithConditions:
        """Return whom the role must trust: Bedrock, for customization jobs of one account and Region.

        Args:
            scope: A construct of the stack that names both.
        """
        stack = Stack.of(scope)
        jobs = stack.format_arn(
            service="bedrock",
            resource="model-customization-job",
            resource_name="*",
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        return iam.PrincipalWithConditions(
            iam.ServicePrincipal("bedrock.amazonaws.com"),
            {"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": jobs}},
        )

    def _new_role(self) -> iam.IRole:
        role = iam.Role(
            self,
            "Resource",
            description="Assumed by Bedrock for reinforcement fine-tuning jobs",
            assumed_by=self.principal(self),
        )
        accept(role, INLINE_POLICY)
        return role


class _ImportedCustomizationRole(CustomizationRoleBase):
    def __init__(self, scope: Construct, construct_id: str, role_arn: str) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role.from_role_arn(self, "Resource", role_arn, mutable=False)

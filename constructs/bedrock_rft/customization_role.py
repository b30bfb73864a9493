"""The role that Bedrock assumes to run a customization job."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from bedrock_rft.dataset_bucket import DatasetBucket
from bedrock_rft.key import RftKeyBase
from bedrock_rft.reward_function import RewardFunctionBase
from rft_contract.layout import RUNS


class CustomizationRole(Construct):
    """What a reinforcement fine-tuning job may do, and nothing beside it.

    Trust is one statement: Bedrock, for customization jobs of this account and Region. The role reads the frozen data
    of runs, lists the keys of runs, writes and reads back what jobs produce, calls the rewards through the aliases of
    runs, and uses the key through S3 and Bedrock.
    Sources: Bedrock user guide, "Access and security for custom model jobs" and "... for reinforcement fine-tuning".
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        datasets: DatasetBucket,
        key: RftKeyBase,
        rewards: Sequence[RewardFunctionBase],
        unqualified_rewards: bool = False,
    ) -> None:
        """Define the role.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            datasets: Where runs lie.
            key: Encrypts data and custom models.
            rewards: The reward functions that jobs may call, at least one.
            unqualified_rewards: Let jobs call the functions without a qualifier too, should Bedrock not honour aliases.
                Default: False.

        Raises:
            ValueError: When there is no reward.
        """
        super().__init__(scope, construct_id)
        if not rewards:
            raise ValueError("rewards: got none, wanted at least one reward function that jobs may call")
        jobs = Stack.of(self).format_arn(
            service="bedrock",
            resource="model-customization-job",
            resource_name="*",
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        self.role = iam.Role(
            self,
            "Resource",
            description="Assumed by Bedrock for reinforcement fine-tuning jobs",
            assumed_by=iam.ServicePrincipal("bedrock.amazonaws.com").with_conditions(
                {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}, "ArnLike": {"aws:SourceArn": jobs}}
            ),
        )
        datasets.grant_list_runs(self.role)
        datasets.grant_get(self.role, f"{RUNS}*/data/*")
        datasets.grant_get_and_put(self.role, f"{RUNS}*/job/*")
        key.grant_dataset_access(self.role)
        key.grant_customization(self.role)
        for reward in rewards:
            reward.grant_invoke_runs(self.role)
            if unqualified_rewards:
                reward.grant_invoke_unqualified(self.role)

    def grant_pass(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal hand the role to Bedrock, and to no other service."""
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["iam:PassRole"],
            resource_arns=[self.role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}},
        )

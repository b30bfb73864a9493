"""What a pipeline needs in order to start runs and to verify releases, and nothing beside it."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from bedrock_rft.constraints import EXECUTIONS, STACK_NAMES
from bedrock_rft.dataset_bucket_base import DatasetBucketBase
from bedrock_rft.key import RftKeyBase
from bedrock_rft.nag import acknowledge_wildcards
from bedrock_rft.reward_function import RewardFunctionBase
from bedrock_rft.workflow_base import RftWorkflowBase
from rft_contract.layout import DATASETS, RUNS


class RunGrants:
    """The parts of an environment that `rft run --detach` and `rft release verify` work with."""

    def __init__(
        self,
        *,
        workflow: RftWorkflowBase,
        datasets: DatasetBucketBase,
        key: RftKeyBase,
        rewards: Sequence[RewardFunctionBase],
    ) -> None:
        """Name the parts.

        Args:
            workflow: What runs are started on.
            datasets: Where datasets, runs and releases lie.
            key: Encrypts them, and the workflow.
            rewards: The reward functions; the hash of their code is part of a run's name.
        """
        self._workflow = workflow
        self._datasets = datasets
        self._key = key
        self._rewards = tuple(rewards)

    def grant_run(self, grantee: iam.IGrantable) -> None:
        """Let a principal upload datasets, start runs, and read releases with their evidence."""
        self._workflow.grant_start(grantee)
        self.grant_prepare(grantee)
        self._workflow.grant_read_evidence(grantee)

    def grant_prepare(self, grantee: iam.IGrantable) -> None:
        """Let a principal do what comes before the start of a run: upload datasets, estimate, look whether it ran."""
        workflow = self._workflow
        executions = Stack.of(workflow).format_arn(
            service="states",
            resource="execution",
            resource_name=f"{workflow.state_machine_name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        for action, resources in (
            ("states:DescribeStateMachine", [workflow.state_machine.state_machine_arn]),
            ("states:DescribeExecution", [executions]),
            ("lambda:GetFunctionConfiguration", [reward.function.function_arn for reward in self._rewards]),
        ):
            iam.Grant.add_to_principal(grantee=grantee, actions=[action], resource_arns=resources)
        acknowledge_wildcards(grantee, [executions], reason=EXECUTIONS)
        grant_read_outputs(grantee, workflow, workflow.stack_name)
        self._datasets.grant_list(grantee)
        self._datasets.grant_get_and_put(grantee, f"{DATASETS}*")
        self._datasets.grant_get(grantee, f"{RUNS}*/run.json")
        self._key.grant_dataset_access(grantee)
        self._key.grant_read_workflow(grantee)


def grant_read_outputs(grantee: iam.IGrantable, scope: Construct, stack_name: str) -> iam.Grant:
    """Let a principal read a stack's outputs, with which every command begins.

    Who names a stack and not its id is held to `stack/<name>/*`, word for word.

    Args:
        grantee: Who.
        scope: A construct of its account and Region.
        stack_name: The stack.
    """
    arn = Stack.of(scope).format_arn(service="cloudformation", resource="stack", resource_name=f"{stack_name}/*")
    grant = iam.Grant.add_to_principal(grantee=grantee, actions=["cloudformation:DescribeStacks"], resource_arns=[arn])
    acknowledge_wildcards(grantee, [arn], reason=STACK_NAMES)
    return grant

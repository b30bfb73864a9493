"""What runs are started on, made here or imported: who may start, roll back and verify, and how runs end."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from bedrock_rft.release_handlers_base import ReleaseHandlersBase
from bedrock_rft.state_machine import name_in


class RftWorkflowBase(Construct):
    """The workflow of an environment: its grants and metrics."""

    state_machine: sfn.IStateMachine
    """One execution is one run."""

    state_machine_name: str
    """Its name."""

    stack_name: str
    """The stack whose outputs commands read."""

    releases: ReleaseHandlersBase | None
    """What may change what applications get; None: not known here."""

    def grant_start(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal start runs."""
        return self.state_machine.grant_start_execution(grantee)

    def grant_rollback(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal put an earlier release of a line back into service; it needs no right on Bedrock for that.

        Raises:
            ValueError: When the workflow is imported without its releases.
        """
        return self._released().grant_rollback(grantee)

    def grant_read_evidence(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal read releases and their evidence, and the public key: all that verifying needs, and no more.

        Raises:
            ValueError: When the workflow is imported without its releases.
        """
        return self._released().grant_read_evidence(grantee)

    def metric_started(self) -> cloudwatch.Metric:
        """Return how many runs started."""
        return self.state_machine.metric_started()

    def metric_failed(self) -> cloudwatch.Metric:
        """Return how many runs failed."""
        return self.state_machine.metric_failed()

    def _released(self) -> ReleaseHandlersBase:
        if self.releases is None:
            raise ValueError(
                f"{self.node.path}: releases: got None, but they are rolled back and verified; give "
                "RftWorkflow.from_state_machine_arn what ReleaseHandlers.from_function_names returns"
            )
        return self.releases


class ImportedWorkflow(RftWorkflowBase):
    """The workflow of another stack of the same account and Region."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        state_machine_arn: str,
        *,
        stack_name: str,
        releases: ReleaseHandlersBase | None,
    ) -> None:
        """Name its parts.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            state_machine_arn: ARN of its state machine.
            stack_name: The stack that owns it.
            releases: Its functions that change what applications get.
        """
        super().__init__(scope, construct_id)
        self.state_machine_name = name_in(state_machine_arn, self)
        self.state_machine = sfn.StateMachine.from_state_machine_arn(self, "Resource", state_machine_arn)
        self.stack_name = stack_name
        self.releases = releases

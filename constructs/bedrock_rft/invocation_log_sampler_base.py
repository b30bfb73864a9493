"""What samples production's logs, made here or imported: who may start it, and how it does."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from bedrock_rft.state_machine import name_in


class InvocationLogSamplerBase(Construct):
    """A state machine that samples logs: its grants and metrics."""

    state_machine: sfn.IStateMachine
    """One execution is one sample."""

    state_machine_name: str
    """Its name."""

    def grant_start(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal start samples."""
        return self.state_machine.grant_start_execution(grantee)

    def metric_started(self) -> cloudwatch.Metric:
        """Return how many samples started."""
        return self.state_machine.metric_started()

    def metric_failed(self) -> cloudwatch.Metric:
        """Return how many samples failed."""
        return self.state_machine.metric_failed()


class ImportedLogSampler(InvocationLogSamplerBase):
    """A sampler of the same account and Region that another stack owns."""

    def __init__(self, scope: Construct, construct_id: str, state_machine_arn: str) -> None:
        """Name it.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            state_machine_arn: ARN of its state machine.
        """
        super().__init__(scope, construct_id)
        self.state_machine_name = name_in(state_machine_arn, self)
        self.state_machine = sfn.StateMachine.from_state_machine_arn(self, "Resource", state_machine_arn)

"""The candidate's deployment as a part of a state machine."""

from constructs import Construct

from bedrock_rft.handler import Handler
from bedrock_rft.polling import Polling


class CandidateDeployment(Polling):
    """An on-demand deployment of the trained model, for Evaluate to talk to; Close deletes it.

    * Input: `{"run_id": str}`; the run's record has the custom model's ARN.
    * Output: `{"run_id": str}`; the record has the deployment's ARN.
    * Errors: `RunFailed` (Bedrock says Failed), and those of Lambda and Step Functions.
    """

    def __init__(self, scope: Construct, construct_id: str, *, start: Handler, poll: Handler) -> None:
        """Define the states DeployCandidate, WaitForDeployment, PollDeployment, IsDeployed and Deployed.

        Args:
            scope: Where they belong.
            construct_id: Its id there.
            start: Handler that creates the deployment.
            poll: Handler that looks at it.
        """
        super().__init__(
            scope,
            construct_id,
            start=start,
            poll=poll,
            start_state="DeployCandidate",
            wait_state="WaitForDeployment",
            poll_state="PollDeployment",
            choice_state="IsDeployed",
            end_state="Deployed",
        )

"""The training job as a part of a state machine."""

from constructs import Construct

from bedrock_rft.handler import Handler
from bedrock_rft.polling import Polling, check_event_budget
from rft_contract.settings import PlatformSettings


class TrainingJob(Polling):
    """A Bedrock reinforcement fine-tuning job from start to end, which aws-cdk-lib's task classes cannot name.

    StartTraining creates the job; PollTraining looks at it, waits longer each time, and stops it past its deadline.

    * Input: `{"run_id": str}`; everything else is in the run's record.
    * Output: `{"run_id": str}`; the record has the custom model's ARN.
    * Errors: `RunFailed` (Bedrock says Failed, the cause is its message), `RunStopped` (Bedrock says Stopped),
      `OverLimit` (past the deadline; the job is stopped), and those of Lambda and Step Functions.

    Step Functions ends an execution after 25,000 history events, so intervals and deadline are checked at synth.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, start: Handler, poll: Handler, settings: PlatformSettings
    ) -> None:
        """Define the states StartTraining, WaitForTraining, PollTraining, IsTrained and Trained.

        Args:
            scope: Where they belong.
            construct_id: Its id there.
            start: Handler that creates the job.
            poll: Handler that looks at it.
            settings: Poll intervals and deadline.

        Raises:
            ValueError: When polling until the deadline would use up the execution's history.
        """
        check_event_budget(settings, settings.deadline_hours)
        super().__init__(
            scope,
            construct_id,
            start=start,
            poll=poll,
            start_state="StartTraining",
            wait_state="WaitForTraining",
            poll_state="PollTraining",
            choice_state="IsTrained",
            end_state="Trained",
        )

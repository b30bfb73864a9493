"""The promotion of a candidate as a part of a state machine."""

from constructs import Construct

from bedrock_rft.handler import Handler
from bedrock_rft.polling import Polling


class Promotion(Polling):
    """A candidate that passed the gate becomes the live release of its model line.

    * Input: `{"run_id": str}`; the run's record has the custom model, and the release that it was compared with.
    * Output: `{"run_id": str, "outcome": "PROMOTED", "reason": str}`.
    * Errors: `Stale` (another release is live by now; the deployment was not touched), `RunFailed` (Bedrock would not
      put the model in place; what was live stays), and those of Lambda and Step Functions.
    """

    def __init__(self, scope: Construct, construct_id: str, *, start: Handler, poll: Handler) -> None:
        """Define the states PromoteCandidate, WaitForPromotion, PollPromotion, IsPromoted and Promoted.

        Args:
            scope: Where they belong.
            construct_id: Its id there.
            start: Handler that claims the line.
            poll: Handler that looks whether the model is in place.
        """
        super().__init__(
            scope,
            construct_id,
            start=start,
            poll=poll,
            start_state="PromoteCandidate",
            wait_state="WaitForPromotion",
            poll_state="PollPromotion",
            choice_state="IsPromoted",
            end_state="Promoted",
            result=("outcome", "reason"),
        )

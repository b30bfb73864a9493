"""The stack's CloudFormation outputs: all that the command line knows of an environment."""

import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class StackOutputs:
    """What an environment offers.

    Args:
        bucket: Name of the data bucket.
        key_arn: The environment's KMS key.
        state_machine_arn: The workflow.
        close_function: Name of the closing handler.
        dashboard: Name of the CloudWatch dashboard.
        topic_arn: SNS topic for outcomes and alarms.
        rewards: Reward name -> function name.
    """

    bucket: str
    key_arn: str
    state_machine_arn: str
    close_function: str
    dashboard: str
    topic_arn: str
    rewards: Mapping[str, str]

    def to_outputs(self) -> dict[str, str]:
        """Return output name -> value, as the stack declares them (values may be CDK tokens; rewards are JSON)."""
        return {
            "Bucket": self.bucket,
            "KeyArn": self.key_arn,
            "StateMachineArn": self.state_machine_arn,
            "CloseFunction": self.close_function,
            "Dashboard": self.dashboard,
            "TopicArn": self.topic_arn,
            "Rewards": json.dumps(dict(self.rewards)),
        }

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, str]) -> "StackOutputs":
        """Read a deployed stack's outputs.

        Raises:
            ValueError: When one is missing, which means that the stack is not this platform's or is older.
        """
        try:
            return cls(
                bucket=outputs["Bucket"],
                key_arn=outputs["KeyArn"],
                state_machine_arn=outputs["StateMachineArn"],
                close_function=outputs["CloseFunction"],
                dashboard=outputs["Dashboard"],
                topic_arn=outputs["TopicArn"],
                rewards=json.loads(outputs["Rewards"]),
            )
        except KeyError as error:
            raise ValueError(f"the stack has no output {error.args[0]}; deploy this version of the platform") from None

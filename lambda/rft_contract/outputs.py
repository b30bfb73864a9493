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
        release_key_arn: The KMS key that signs releases.
        state_machine_arn: The workflow.
        close_function: Name of the closing handler.
        sweep_function: Name of the function that ends what runs left behind.
        rollback_function: Name of the function that puts an earlier release back into service.
        dashboard: Name of the CloudWatch dashboard.
        topic_arn: SNS topic for outcomes and alarms.
        rewards: Reward name -> function name.
        keep_releases: How many of a line's last releases keep their models.
        rejected_model_days: Days after which a rejected candidate's model goes.
        log_sampler_arn: The state machine that samples invocation logs; None: the environment has none.
    """

    bucket: str
    key_arn: str
    release_key_arn: str
    state_machine_arn: str
    close_function: str
    sweep_function: str
    rollback_function: str
    dashboard: str
    topic_arn: str
    rewards: Mapping[str, str]
    keep_releases: int
    rejected_model_days: float
    log_sampler_arn: str | None = None

    def to_outputs(self) -> dict[str, str]:
        """Return output name -> value, as the stack declares them (values may be CDK tokens; rewards are JSON)."""
        return {
            "Bucket": self.bucket,
            "KeyArn": self.key_arn,
            "ReleaseKeyArn": self.release_key_arn,
            "StateMachineArn": self.state_machine_arn,
            "CloseFunction": self.close_function,
            "SweepFunction": self.sweep_function,
            "RollbackFunction": self.rollback_function,
            "Dashboard": self.dashboard,
            "TopicArn": self.topic_arn,
            "Rewards": json.dumps(dict(self.rewards)),
            "KeepReleases": str(self.keep_releases),
            "RejectedModelDays": str(self.rejected_model_days),
            **({"LogSamplerArn": self.log_sampler_arn} if self.log_sampler_arn else {}),
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
                release_key_arn=outputs["ReleaseKeyArn"],
                state_machine_arn=outputs["StateMachineArn"],
                close_function=outputs["CloseFunction"],
                sweep_function=outputs["SweepFunction"],
                rollback_function=outputs["RollbackFunction"],
                dashboard=outputs["Dashboard"],
                topic_arn=outputs["TopicArn"],
                rewards=json.loads(outputs["Rewards"]),
                keep_releases=int(outputs["KeepReleases"]),
                rejected_model_days=float(outputs["RejectedModelDays"]),
                log_sampler_arn=outputs.get("LogSamplerArn"),
            )
        except KeyError as error:
            raise ValueError(f"the stack has no output {error.args[0]}; deploy this version of the platform") from None

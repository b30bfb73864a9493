"""What handlers need to know of an environment.

`PlatformSettings` is what people decide in `RftConfig`; `PlatformResources` is what CloudFormation made. The stack
writes both into the input of the workflow's Plan state, which puts them into the run's record. A function's own
environment holds only what it needs to find that record (Lambda environments end at 4 KB).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from rft_contract.json_value import JsonObject, JsonValue


@dataclass(frozen=True, kw_only=True)
class PlatformSettings:
    """Decisions about an environment.

    Args:
        environment: Its name.
        poll_first_seconds: First wait between two looks at the training job.
        poll_max_seconds: Longest wait; the wait doubles up to it.
        deadline_hours: Longest training job; a recipe's `limits.hours` may be shorter.
        rows_per_shard: Held-out prompts that one Map item evaluates.
        rollouts_at_once: Requests for completions that one Map item has in flight.
        grader_qualifier: `alias`: the job calls the per-run alias. `none`: the unqualified function, should the service
            turn out not to honour qualifiers.
        validation_data: Whether validation data are passed to the job.
        incomplete_certificates: Whether a run may go on when too little is known about its reward to certify it:
            nothing was found wrong, but its author brought too few cases.
        certificate_days: How long a certificate answers for a reward and a dataset.
    """

    environment: str
    poll_first_seconds: int = 30
    poll_max_seconds: int = 180
    deadline_hours: float = 48.0
    rows_per_shard: int = 20
    rollouts_at_once: int = 16
    grader_qualifier: str = "alias"
    validation_data: bool = True
    incomplete_certificates: bool = False
    certificate_days: float = 90.0

    def __post_init__(self) -> None:
        if not 1 <= self.poll_first_seconds <= self.poll_max_seconds:
            raise ValueError(
                f"poll_first_seconds {self.poll_first_seconds} must be at least 1 and at most poll_max_seconds "
                f"{self.poll_max_seconds}"
            )
        if self.grader_qualifier not in ("alias", "none"):
            raise ValueError(f"grader_qualifier: got {self.grader_qualifier!r}, wanted 'alias' or 'none'")
        if not 0 < self.certificate_days <= 3650:
            raise ValueError(f"certificate_days: got {self.certificate_days:g}, wanted more than 0, at most 3650")
        if not 1 <= self.rows_per_shard <= 1000:
            raise ValueError(f"rows_per_shard: got {self.rows_per_shard}, wanted 1 to 1000")
        if not 1 <= self.rollouts_at_once <= 64:
            raise ValueError(f"rollouts_at_once: got {self.rollouts_at_once}, wanted 1 to 64")

    @classmethod
    def from_json(cls, value: JsonValue) -> "PlatformSettings":
        """Read what `to_json` wrote."""
        if not isinstance(value, dict):
            raise ValueError(f"settings: got {type(value).__name__}, wanted a mapping")
        return cls(**value)  # type: ignore[arg-type]  # written by to_json of the same version

    def to_json(self) -> JsonObject:
        """Return a mapping."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class PlatformResources:
    """What the stack made and a run uses.

    Args:
        bucket: Name of the data bucket.
        key_arn: The environment's KMS key.
        customization_role_arn: The role that is passed to Bedrock.
        topic_arn: SNS topic for outcomes and alarms.
        rewards: Reward name -> function name.
    """

    bucket: str
    key_arn: str
    customization_role_arn: str
    topic_arn: str
    rewards: Mapping[str, str]

    @classmethod
    def from_json(cls, value: JsonValue) -> "PlatformResources":
        """Read what `to_json` wrote."""
        if not isinstance(value, dict):
            raise ValueError(f"resources: got {type(value).__name__}, wanted a mapping")
        return cls(**value)  # type: ignore[arg-type]  # written by to_json of the same version

    def to_json(self) -> JsonObject:
        """Return a mapping."""
        return {**{item.name: getattr(self, item.name) for item in fields(self)}, "rewards": dict(self.rewards)}


@dataclass(frozen=True, kw_only=True)
class FunctionEnvironment:
    """The environment variables of every workflow handler.

    Args:
        bucket: Name of the data bucket.
        environment: Name of the environment.
    """

    bucket: str
    environment: str

    def to_variables(self) -> dict[str, str]:
        """Return the variables that a construct sets."""
        return {"RFT_BUCKET": self.bucket, "RFT_ENVIRONMENT": self.environment}

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> "FunctionEnvironment":
        """Read them back inside the function.

        Raises:
            KeyError: When one is not set.
        """
        return cls(bucket=variables["RFT_BUCKET"], environment=variables["RFT_ENVIRONMENT"])

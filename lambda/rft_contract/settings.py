"""What handlers need to know of an environment.

`PlatformSettings` is what people decide in `RftConfig`; `PlatformResources` is what CloudFormation made. The stack
writes both into the input of the workflow's Plan state, which puts them into the run's record. A function's own
environment holds only what it needs to find that record (Lambda environments end at 4 KB).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.reward_facts import RewardFacts


@dataclass(frozen=True, kw_only=True)
class PlatformSettings:
    """Decisions about an environment.

    Args:
        environment: Its name.
        poll_first_seconds: First wait between two looks at the training job.
        poll_max_seconds: Longest wait; the wait doubles up to it.
        deadline_hours: Longest training job; a recipe's `limits.hours` may be shorter.
        rows_per_shard: Prompts that one Map item probes or evaluates, at most.
        rollouts_at_once: Requests for completions that one Map item has in flight.
        grader_qualifier: `alias`: the job calls the per-run alias. `none`: the unqualified function, should the service
            turn out not to honour qualifiers.
        validation_data: Whether validation data are passed to the job.
        incomplete_certificates: Whether a run may go on when too little is known about its reward to certify it:
            nothing was found wrong, but its author brought too few cases.
        certificate_days: How long a certificate answers for a reward and a dataset.
        probe_ends_runs: Whether a run ends where Probe finds that the base model cannot learn, or needs not. Where a
            stand-in answers in the base model's place, that says nothing about the base model.
        keep_releases: How many of a line's last releases keep their models, at least the live one.
        rejected_model_days: Days after which the model of a rejected candidate is deleted.
        max_parallel_runs: Runs that may go on at once, from Plan to Close; one more is refused. They share quotas that
            AWS does not publish for this kind of job, and the calls at once of a reward function.
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
    probe_ends_runs: bool = True
    keep_releases: int = 3
    rejected_model_days: float = 7.0
    max_parallel_runs: int = 2

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
        if self.keep_releases < 1:
            raise ValueError(f"keep_releases: got {self.keep_releases}, wanted at least 1: the live one")
        if self.rejected_model_days < 0:
            raise ValueError(f"rejected_model_days: got {self.rejected_model_days:g}, wanted at least 0")
        if not 1 <= self.max_parallel_runs <= 100:
            raise ValueError(f"max_parallel_runs: got {self.max_parallel_runs}, wanted 1 to 100")
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
class JobNetwork:
    """Where a customization job runs in a VPC.

    Args:
        subnets: Ids, 1 to 16.
        security_groups: Ids, 1 to 5.
    """

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]

    @classmethod
    def from_json(cls, value: Mapping[str, Sequence[str]]) -> "JobNetwork":
        """Read what `to_json` wrote."""
        return cls(subnets=tuple(value["subnets"]), security_groups=tuple(value["security_groups"]))

    def to_json(self) -> JsonObject:
        """Return a mapping."""
        return {"subnets": list(self.subnets), "security_groups": list(self.security_groups)}


@dataclass(frozen=True, kw_only=True)
class PlatformResources:
    """What the stack made and a run uses.

    Args:
        bucket: Name of the data bucket.
        key_arn: The environment's KMS key.
        customization_role_arn: The role that is passed to Bedrock.
        topic_arn: SNS topic for outcomes and alarms.
        rewards: Reward name -> function name.
        reward_facts: Reward name -> what Plan must know of it; a reward without is one of which nothing is known.
        release_key_arn: The KMS key that signs releases; None: of a run that an older version planned.
        job_network: Where customization jobs run. None: outside of any VPC of ours.
    """

    bucket: str
    key_arn: str
    customization_role_arn: str
    topic_arn: str
    rewards: Mapping[str, str]
    reward_facts: Mapping[str, RewardFacts] = field(default_factory=dict)
    release_key_arn: str | None = None
    job_network: JobNetwork | None = None

    def facts_of(self, reward: str) -> RewardFacts:
        """Return what is known of a reward."""
        return self.reward_facts.get(reward, RewardFacts())

    @classmethod
    def from_json(cls, value: JsonValue) -> "PlatformResources":
        """Read what `to_json` wrote."""
        if not isinstance(value, dict):
            raise ValueError(f"resources: got {type(value).__name__}, wanted a mapping")
        data: dict[str, Any] = dict(value)
        facts = {name: RewardFacts.from_json(told) for name, told in data.pop("reward_facts", {}).items()}
        network = data.pop("job_network", None)
        return cls(
            **data,
            reward_facts=facts,
            job_network=JobNetwork.from_json(network) if network else None,
        )

    def to_json(self) -> JsonObject:
        """Return a mapping."""
        return {
            **{item.name: getattr(self, item.name) for item in fields(self)},
            "rewards": dict(self.rewards),
            "reward_facts": {name: facts.to_json() for name, facts in self.reward_facts.items()},
            "job_network": self.job_network.to_json() if self.job_network else None,
        }


@dataclass(frozen=True, kw_only=True)
class FunctionEnvironment:
    """The environment variables of every workflow handler.

    Args:
        bucket: Name of the data bucket.
        environment: Name of the environment.
        signing_key: ARN of the key that signs releases; None: the function signs none.
    """

    bucket: str
    environment: str
    signing_key: str | None = None

    def to_variables(self) -> dict[str, str]:
        """Return the variables that a construct sets."""
        signing = {} if self.signing_key is None else {"RFT_SIGNING_KEY": self.signing_key}
        return {"RFT_BUCKET": self.bucket, "RFT_ENVIRONMENT": self.environment, **signing}

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> "FunctionEnvironment":
        """Read them back inside the function.

        Raises:
            KeyError: When one is not set.
        """
        return cls(
            bucket=variables["RFT_BUCKET"],
            environment=variables["RFT_ENVIRONMENT"],
            signing_key=variables.get("RFT_SIGNING_KEY"),
        )

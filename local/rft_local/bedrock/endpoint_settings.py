"""How one Bedrock endpoint behaves."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from rft_local.bedrock.judge_settings import JudgeSettings
from rft_local.bedrock.undocumented import Undocumented

REGION = "us-east-1"
ACCOUNT = "000000000000"


class Delivery(StrEnum):
    """How the rollouts of a step are put into events; Bedrock's own way is undocumented.

    WHOLE keeps each group together, SPLIT spreads every group over events, SHUFFLED mixes all rollouts, SINGLE sends
    one rollout an event.
    """

    WHOLE = "whole"
    SPLIT = "split"
    SHUFFLED = "shuffled"
    SINGLE = "single"


class FieldPlace(StrEnum):
    """Where a row's extra fields arrive: the user guide says `metadata`, most of AWS's samples read the top level."""

    METADATA = "metadata"
    TOP_LEVEL = "top-level"


class Nested(StrEnum):
    """How a row's extra field that is a mapping or a list arrives: as it was, as JSON text, or not at all."""

    KEPT = "kept"
    TEXT = "text"
    DROPPED = "dropped"


@dataclass(frozen=True, kw_only=True)
class GraderSettings:
    """How reward functions are called.

    Args:
        delivery: How rollouts are put into events.
        fields: Where a row's extra fields arrive.
        nested: How extra fields that are mappings or lists arrive.
        wrap_text: Whether a `reference_answer` that is a string arrives as `{"text": ...}`.
        assistant_role: Role of the generated turn: `assistant`, or `nova_assistant` as some of AWS's samples expect.
        event_size: Most rollouts in one event; Bedrock's is undocumented, 64 is the SageMaker trainer's default.
        concurrency: Events in flight.
        retries: Calls after the first one, when a call failed.
        backoff_seconds: Wait before the first retry; it doubles.
        shuffle_rewards: Deal the rewards of a step out among its rollouts at random. A control: nothing can be learned
            from them, so whatever gain such a run shows is not the reward's doing.
    """

    delivery: Delivery = Delivery.WHOLE
    fields: FieldPlace = FieldPlace.METADATA
    nested: Nested = Nested.KEPT
    wrap_text: bool = False
    assistant_role: str = "assistant"
    event_size: int = 64
    concurrency: int = 4
    retries: int = 3
    backoff_seconds: float = 0.5
    shuffle_rewards: bool = False

    def __post_init__(self) -> None:
        for name, low in (("event_size", 1), ("concurrency", 1), ("retries", 0), ("backoff_seconds", 0)):
            if getattr(self, name) < low:
                raise ValueError(f"{name}: got {getattr(self, name)}, wanted at least {low}")


@dataclass(frozen=True, kw_only=True)
class EndpointSettings:
    """How the endpoint behaves.

    Args:
        emulator_url: Base URL of the emulator that holds S3, Lambda, IAM and EventBridge.
        state: Folder of the endpoint's records and adapters.
        seed: Seed of training and sampling.
        budget_seconds: Longest training; the plan takes fewer steps to stay below it.
        deployment_seconds: How long a deployment stays `Creating`, an update `Updating`.
        max_tokens: Longest completion that inference generates, whatever was asked for.
        batch_seconds: How long inference waits for another request to answer together with those it has.
        batch_size: Most requests that inference answers together.
        grader: How reward functions are called.
        judge: How the judge stand-in behaves.
        undocumented: What jobs and deployments do where AWS does not say.
    """

    emulator_url: str
    state: Path
    seed: int = 0
    budget_seconds: float = 240.0
    deployment_seconds: float = 2.0
    max_tokens: int = 64
    batch_seconds: float = 0.02
    batch_size: int = 32
    grader: GraderSettings = field(default_factory=GraderSettings)
    judge: JudgeSettings = field(default_factory=JudgeSettings)
    undocumented: Undocumented = field(default_factory=Undocumented)

    def __post_init__(self) -> None:
        for name, low in (("budget_seconds", 1), ("deployment_seconds", 0), ("max_tokens", 1), ("batch_size", 1)):
            if getattr(self, name) < low:
                raise ValueError(f"{name}: got {getattr(self, name)}, wanted at least {low}")

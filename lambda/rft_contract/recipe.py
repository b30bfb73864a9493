"""A recipe: everything a person decides about one run.

People write it as YAML; from the command line on it travels as JSON. Unknown keys are refused, so that a typing error
never silently becomes a default.
"""

from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from rft_contract.hyperparameters import Hyperparameters
from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.naming import check_line

SCHEMA = 1

_Section = TypeVar("_Section")


def _section(kind: type[_Section], where: str, value: JsonValue) -> _Section:
    """Build the dataclass `kind` from a mapping, refusing unknown and missing keys by name."""
    if not isinstance(value, dict):
        raise ValueError(f"{where}: got {type(value).__name__}, wanted a mapping")
    known = [item.name for item in fields(kind)]  # type: ignore[arg-type]  # every section is a dataclass
    for name in value:
        if name not in known:
            raise ValueError(f"{where}.{name}: unknown key; known keys are {', '.join(known)}")
    try:
        return kind(**value)
    except TypeError as error:
        raise ValueError(f"{where}: {str(error).split(') ', 1)[-1].split('__() ', 1)[-1]}") from None


def _number(where: str, value: object, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError(f"{where}: got {value!r}, wanted a number from {low:g} to {high:g}")


def _whole(where: str, value: object, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{where}: got {value!r}, wanted a whole number from {low} to {high}")


@dataclass(frozen=True, kw_only=True)
class Datasets:
    """Where the data lie: paths beside the recipe, or `s3://` addresses.

    Args:
        train: Training prompts, 100 to 20,000.
        held_out: Prompts that only Evaluate reads.
        validation: Prompts that the job scores every `evalInterval` steps. None: the job runs without.
    """

    train: str
    held_out: str
    validation: str | None = None

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not (value is None and item.name == "validation") and (not isinstance(value, str) or not value):
                raise ValueError(f"datasets.{item.name}: got {value!r}, wanted a path or an s3:// address")

    def items(self) -> tuple[tuple[str, str], ...]:
        """Return the (split, address) pairs that are set."""
        pairs = (("train", self.train), ("validation", self.validation), ("held_out", self.held_out))
        return tuple((split, address) for split, address in pairs if address is not None)


@dataclass(frozen=True, kw_only=True)
class Gate:
    """What a candidate must show.

    Args:
        min_gain: The lower 95 % bound of the mean paired gain in reward must lie above it.
        success_at: A completion counts as right when its reward is at least this.
        samples_per_prompt: Sampled completions of each held-out prompt, beside one greedy.
        temperature: Sampling temperature of those.
        chance_accuracy: Accuracy of guessing, for the report. None: unknown.
    """

    min_gain: float = 0.0
    success_at: float = 1.0
    samples_per_prompt: int = 2
    temperature: float = 0.7
    chance_accuracy: float | None = None

    def __post_init__(self) -> None:
        _number("gate.min_gain", self.min_gain, -1e6, 1e6)
        _number("gate.success_at", self.success_at, -1e6, 1e6)
        _whole("gate.samples_per_prompt", self.samples_per_prompt, 0, 64)
        _number("gate.temperature", self.temperature, 0.0, 1.0)
        if self.chance_accuracy is not None:
            _number("gate.chance_accuracy", self.chance_accuracy, 0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class Certify:
    """What the reward must show before the job is paid for. Scores count from 0 (floor) to 1 (ceiling).

    Args:
        pass_at: The least that a right answer must score. None: what suits the reward's grader.
        margin: The least by which it must beat a wrong one. None: what suits the reward's grader.
        budget: Completions that a grader which costs money may be asked about, for each dataset.
    """

    pass_at: float | None = None
    margin: float | None = None
    budget: int = 1000

    def __post_init__(self) -> None:
        if self.pass_at is not None:
            _number("certify.pass_at", self.pass_at, 0.01, 1.0)
        if self.margin is not None:
            _number("certify.margin", self.margin, 0.01, 1.0)
        _whole("certify.budget", self.budget, 100, 1_000_000)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a run may use at most; beyond it the run ends `OVER_LIMIT`.

    Args:
        hours: Wall-clock hours of the training job.
        rollouts: Training rollouts (steps x batchSize x trainingSamplePerPrompt). None: no limit.
    """

    hours: float = 24.0
    rollouts: int | None = None

    def __post_init__(self) -> None:
        _number("limits.hours", self.hours, 0.01, 72.0)
        if self.rollouts is not None:
            _whole("limits.rollouts", self.rollouts, 1, 10**12)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One run's decisions.

    Args:
        line: The model line that a promoted model joins.
        reward: Name of one of the platform's reward functions.
        base_model: Customization id of the base model, such as `amazon.nova-2-lite-v1:0:256k`.
        datasets: Where the data lie.
        hyperparameters: Bedrock's own.
        gate: What the candidate must show.
        certify: What the reward must show.
        limits: What the run may use.
        schema: Version of this format.
    """

    line: str
    reward: str
    base_model: str
    datasets: Datasets
    hyperparameters: Hyperparameters = field(default_factory=Hyperparameters)
    gate: Gate = field(default_factory=Gate)
    certify: Certify = field(default_factory=Certify)
    limits: Limits = field(default_factory=Limits)
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise ValueError(f"schema: got {self.schema!r}, this version reads {SCHEMA}")
        check_line(self.line)
        for name in ("reward", "base_model"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                raise ValueError(f"{name}: got {value!r}, wanted a name")

    @classmethod
    def from_json(cls, value: JsonValue) -> "Recipe":
        """Read a recipe.

        Raises:
            ValueError: One line with the key, the value got and the value wanted.
        """
        if not isinstance(value, dict):
            raise ValueError(f"recipe: got {type(value).__name__}, wanted a mapping")
        data: dict[str, Any] = dict(value)
        for name in ("schema", "line", "reward", "base_model", "datasets"):
            if name not in data:
                raise ValueError(f"recipe.{name}: missing")
        data["datasets"] = _section(Datasets, "datasets", data["datasets"])
        if "hyperparameters" in data:
            data["hyperparameters"] = Hyperparameters.from_json(data["hyperparameters"])
        if "gate" in data:
            data["gate"] = _section(Gate, "gate", data["gate"])
        if "certify" in data:
            data["certify"] = _section(Certify, "certify", data["certify"])
        if "limits" in data:
            data["limits"] = _section(Limits, "limits", data["limits"])
        return _section(cls, "recipe", data)

    def to_json(self) -> JsonObject:
        """Return the JSON that `from_json` reads back to an equal recipe."""

        def mapping(section: Datasets | Gate | Certify | Limits) -> JsonObject:
            return {item.name: getattr(section, item.name) for item in fields(section)}

        return {
            "schema": self.schema,
            "line": self.line,
            "reward": self.reward,
            "base_model": self.base_model,
            "datasets": mapping(self.datasets),
            "hyperparameters": self.hyperparameters.to_json(),
            "gate": mapping(self.gate),
            "certify": mapping(self.certify),
            "limits": mapping(self.limits),
        }

"""Bedrock's RFT hyperparameters and their bounds.

Source: service model of `bedrock`, shape `RFTHyperParameters` (CreateModelCustomizationJob). Two members have no upper
bound there; the service may still refuse large values.
"""

from dataclasses import dataclass, fields
from math import ceil

from rft_contract.json_value import JsonObject, JsonValue

REASONING_EFFORTS = ("low", "medium", "high")

_BOUNDS: dict[str, tuple[float, float]] = {
    "epochCount": (1, 50),
    "batchSize": (16, 512),
    "learningRate": (1e-7, 1e-3),
    "maxPromptLength": (1, float("inf")),
    "trainingSamplePerPrompt": (2, 16),
    "inferenceMaxTokens": (1, float("inf")),
    "evalInterval": (1, 100),
}


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """The values sent as `customizationConfig.rftConfig.hyperParameters`; names are Bedrock's own.

    Args:
        epochCount: Passes over the training prompts, 1 to 50.
        batchSize: Prompts per step, 16 to 512.
        learningRate: 1e-7 to 1e-3.
        maxPromptLength: Tokens; longer prompts are dropped from training by the service.
        trainingSamplePerPrompt: Rollouts per prompt, 2 to 16.
        inferenceMaxTokens: Longest completion, tokens.
        reasoningEffort: `low`, `medium`, `high`, or None to leave it out.
        evalInterval: Steps between evaluations on the validation set, 1 to 100.

    Raises:
        ValueError: When a value has the wrong type or lies outside its bounds.
    """

    epochCount: int = 1
    batchSize: int = 32
    learningRate: float = 1e-4
    maxPromptLength: int = 4096
    trainingSamplePerPrompt: int = 8
    inferenceMaxTokens: int = 1024
    reasoningEffort: str | None = None
    evalInterval: int = 10

    def __post_init__(self) -> None:
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            whole = name != "learningRate"
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                kind = "a whole number" if whole else "a number"
                raise ValueError(f"hyperparameters.{name}: got {value!r}, wanted {kind}")
            if not low <= value <= high:
                bounds = f"at least {low:g}" if high == float("inf") else f"{low:g} to {high:g}"
                raise ValueError(f"hyperparameters.{name}: got {value!r}, Bedrock accepts {bounds}")
        if self.reasoningEffort is not None and self.reasoningEffort not in REASONING_EFFORTS:
            raise ValueError(
                f"hyperparameters.reasoningEffort: got {self.reasoningEffort!r}, Bedrock accepts "
                f"{', '.join(REASONING_EFFORTS)}"
            )

    @classmethod
    def from_json(cls, value: JsonValue) -> "Hyperparameters":
        """Read a mapping with Bedrock's names.

        Raises:
            ValueError: On an unknown name or an illegal value.
        """
        if not isinstance(value, dict):
            raise ValueError(f"hyperparameters: got {type(value).__name__}, wanted a mapping")
        known = {field.name for field in fields(cls)}
        for name in value:
            if name not in known:
                raise ValueError(f"hyperparameters.{name}: unknown; Bedrock RFT has {', '.join(sorted(known))}")
        return cls(**value)  # type: ignore[arg-type]  # each value's type is checked in __post_init__

    def steps(self, prompts: int) -> int:
        """Return the training steps that a job takes for so many prompts, unless it stops early.

        Args:
            prompts: Training prompts that are not dropped for their length.
        """
        return self.epochCount * ceil(prompts / self.batchSize)

    def to_json(self) -> JsonObject:
        """Return the request's mapping, without what is None."""
        values: JsonObject = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

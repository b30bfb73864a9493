"""A recipe: everything a person decides about one run.

People write it as YAML; from the command line on it travels as JSON. Unknown keys are refused, so that a typing error
never silently becomes a default.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rft_contract.hyperparameters import Hyperparameters
from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.naming import check_line
from rft_contract.recipe_sections import Certify, Datasets, Gate, Limits, Probe, Training, section

SCHEMA = 1

_SECTIONS = {
    "datasets": Datasets,
    "probe": Probe,
    "training": Training,
    "gate": Gate,
    "certify": Certify,
    "limits": Limits,
}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One run's decisions.

    Args:
        line: The model line that a promoted model joins.
        reward: Name of one of the platform's reward functions.
        base_model: Customization id of the base model, such as `amazon.nova-2-lite-v1:0:256k`.
        datasets: Where the data lie.
        hyperparameters: Bedrock's own.
        certify: What the reward must show.
        probe: What the base model must show before anything is trained.
        training: When a job is stopped.
        gate: What the candidate must show.
        limits: What the run may use.
        promote: Whether a candidate that passes the gate becomes the line's live release.
        schema: Version of this format.
    """

    line: str
    reward: str
    base_model: str
    datasets: Datasets
    hyperparameters: Hyperparameters = field(default_factory=Hyperparameters)
    certify: Certify = field(default_factory=Certify)
    probe: Probe = field(default_factory=Probe)
    training: Training = field(default_factory=Training)
    gate: Gate = field(default_factory=Gate)
    limits: Limits = field(default_factory=Limits)
    promote: bool = False
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        if self.schema != SCHEMA:
            raise ValueError(f"schema: got {self.schema!r}, this version reads {SCHEMA}")
        check_line(self.line)
        for name in ("reward", "base_model"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                raise ValueError(f"{name}: got {value!r}, wanted a name")
        if not isinstance(self.promote, bool):
            raise ValueError(f"promote: got {self.promote!r}, wanted true or false")
        for name in self.gate.guards:
            if name not in self.datasets.guards:
                raise ValueError(
                    f"gate.guards.{name}: no such guard set; datasets.guards has {_listed(self.datasets.guards)}"
                )

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
        for name, kind in _SECTIONS.items():
            if name in data:
                data[name] = section(kind, name, data[name])
        if "hyperparameters" in data:
            data["hyperparameters"] = Hyperparameters.from_json(data["hyperparameters"])
        return section(cls, "recipe", data)

    def to_json(self) -> JsonObject:
        """Return the JSON that `from_json` reads back to an equal recipe."""
        values: JsonObject = {
            "schema": self.schema,
            "line": self.line,
            "reward": self.reward,
            "base_model": self.base_model,
            "hyperparameters": self.hyperparameters.to_json(),
            "promote": self.promote,
        }
        for name in _SECTIONS:
            values[name] = asdict(getattr(self, name))
        return values

    def decided(self) -> JsonObject:
        """Return what the recipe does not leave to its default, beside line, reward, base model and datasets.

        Hashes of it hold in every later version of the platform, whose recipes can say more.
        """
        named = Recipe(line=self.line, reward=self.reward, base_model=self.base_model, datasets=self.datasets)
        return _differing(self.to_json(), named.to_json())


def _differing(value: JsonObject, usual: JsonObject) -> JsonObject:
    """Return the part of a JSON object that another one does not say, without what became empty."""
    found: JsonObject = {}
    for name, item in value.items():
        other = usual.get(name)
        if isinstance(item, dict) and isinstance(other, dict):
            if inner := _differing(item, other):
                found[name] = inner
        elif item != other:
            found[name] = item
    return found


def _listed(names: Mapping[str, str]) -> str:
    return ", ".join(names) or "none"

"""What a reward function is made of: a grader, its options, and the range of its scores."""

import re
from dataclasses import dataclass, field

from rft_contract.json_value import JsonObject, JsonValue

FILE_NAME = "reward.json"
"""Name of the canonical JSON inside a reward function's asset."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, kw_only=True)
class RewardSpec:
    """A reward made from a built-in grader.

    Args:
        name: What recipes call it, such as `gsm8k`.
        grader: Name of the grader, such as `math`, `label` or `json_fields`.
        options: Keyword options of the grader.
        floor: Lowest score; a wrong completion gets it.
        ceiling: Highest score; a perfect completion gets it.

    Raises:
        ValueError: When the name is illegal or the floor does not lie below the ceiling.
    """

    name: str
    grader: str
    options: JsonObject = field(default_factory=dict)
    floor: float = 0.0
    ceiling: float = 1.0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.name) > 32:
            raise ValueError(f"reward name: got {self.name!r}, wanted lower-case letters, digits and single dashes")
        if not self.floor < self.ceiling:
            raise ValueError(f"reward {self.name}: floor {self.floor!r} must lie below ceiling {self.ceiling!r}")

    @classmethod
    def from_json(cls, value: JsonValue) -> "RewardSpec":
        """Read what `to_json` wrote.

        Raises:
            ValueError: When a key is missing or unknown.
        """
        if not isinstance(value, dict):
            raise ValueError(f"reward: got {type(value).__name__}, wanted a mapping")
        try:
            return cls(**value)  # type: ignore[arg-type]  # names are checked by the call, values by __post_init__
        except TypeError as error:
            raise ValueError(f"reward: {error}") from None

    def to_json(self) -> JsonObject:
        """Return the canonical mapping."""
        return {
            "name": self.name,
            "grader": self.grader,
            "options": self.options,
            "floor": self.floor,
            "ceiling": self.ceiling,
        }

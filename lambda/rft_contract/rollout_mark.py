"""The field `rft` of a row: how a rollout says where it belongs.

Freeze adds it to every row; Bedrock delivers extra fields of a row to the reward function in `metadata` (user guide,
"Prepare your training data", additional properties). Our own callers add `phase`; absent means the customization job.
"""

from dataclasses import dataclass

from rft_contract.json_value import JsonObject, JsonValue

FIELD = "rft"
PHASES = ("certify", "probe", "base", "candidate", "live", "guard")


@dataclass(frozen=True, kw_only=True)
class RolloutMark:
    """Where a rollout belongs.

    Args:
        run: Run id.
        split: `train`, `validation` or `held_out`.
        row: Line number in the frozen dataset, from 0; it stays when Probe leaves rows out.
        phase: One of `PHASES` when the platform itself calls; None when the job does.
        base: The row's mean reward under the base model, written by Probe. None: not probed.
    """

    run: str
    split: str
    row: int
    phase: str | None = None
    base: float | None = None

    @classmethod
    def from_json(cls, value: JsonValue) -> "RolloutMark | None":
        """Read the field; None when it is absent or not of this form."""
        if not isinstance(value, dict):
            return None
        run, split, row = value.get("run"), value.get("split"), value.get("row")
        phase, base = value.get("phase"), value.get("base")
        if not isinstance(run, str) or not isinstance(split, str) or isinstance(row, bool) or not isinstance(row, int):
            return None
        return cls(
            run=run,
            split=split,
            row=row,
            phase=phase if isinstance(phase, str) else None,
            base=_number(base),
        )

    def to_json(self) -> JsonObject:
        """Return the field's value, without what is None."""
        value: JsonObject = {"run": self.run, "split": self.split, "row": self.row}
        if self.phase is not None:
            value["phase"] = self.phase
        if self.base is not None:
            value["base"] = self.base
        return value


def _number(value: JsonValue) -> float | None:
    """Return a number as a float; None when it is none, or larger than a float can be."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return None

"""A rubric: what a judge grades by, on a numeric scale."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "prompts" / "rubrics"
_SCALE = re.compile(r"scale: (?P<low>-?[0-9]{1,3}) to (?P<high>-?[0-9]{1,3})")
_NAME = re.compile(r"[a-z]+(_[a-z]+)*")
_MOST_GRADES = 101
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Rubric:
    """What a judge grades by.

    Args:
        text: The criteria, with what some grades mean.
        low: Lowest grade, of a worthless answer.
        high: Highest grade.
    """

    text: str
    low: int
    high: int

    def value(self, grade: float, *, retest_spread: float = 0.0) -> float:
        """Return a grade as a share of the scale, rounded to what the judge can tell apart.

        Args:
            grade: From lowest to highest, or between two grades when it is a mean.
            retest_spread: Standard deviation of the grade when the same is asked again. The scale is cut into equal
                steps, each at least that wide and at least one grade.
        """
        steps = math.floor((self.high - self.low) / max(1.0, retest_spread))
        return math.floor((grade - self.low) / (self.high - self.low) * steps + 0.5) / steps


def read_rubric(rubric: object) -> Rubric:
    """Read a rubric.

    Args:
        rubric: Name of a shipped one, or a text whose first line is its scale, such as `scale: 0 to 10`; grades are
            whole numbers.

    Raises:
        ValueError: One line, when it is neither.
    """
    if not isinstance(rubric, str):
        raise ValueError(f"rubric: got {rubric!r}, wanted the name of a shipped rubric or a text")
    text = _shipped(rubric) if _NAME.fullmatch(rubric) else rubric
    first, _, criteria = text.strip().partition("\n")
    scale = _SCALE.fullmatch(first.strip())
    if scale is None:
        raise ValueError(f"rubric: got the first line {first[:80]!r}, wanted its scale, such as 'scale: 0 to 10'")
    low, high = int(scale["low"]), int(scale["high"])
    if not low < high < low + _MOST_GRADES:
        raise ValueError(f"rubric: got the scale {low} to {high}, wanted 2 to {_MOST_GRADES} grades, the lowest first")
    if not criteria.strip() or len(criteria) > _LONGEST:
        raise ValueError(f"rubric: got {len(criteria)} characters of criteria, wanted 1 to {_LONGEST}")
    return Rubric(criteria.strip(), low, high)


def shipped_rubrics() -> list[str]:
    """Return the names of the rubrics that are shipped."""
    return sorted(path.stem for path in _FOLDER.glob("*.md"))


def _shipped(name: str) -> str:
    path = _FOLDER / f"{name}.md"
    if not path.is_file():
        raise ValueError(f"rubric: there is no {name!r}; there are {', '.join(shipped_rubrics())}, or write your own")
    return path.read_text(encoding="utf-8")

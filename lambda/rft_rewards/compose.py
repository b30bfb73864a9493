"""The `compose` grader: one grade made of several graders'."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rft_contract.json_value import JsonObject, JsonValue
from rft_rewards.batch import grade_all
from rft_rewards.grade import AnyGrader, BatchGrader, Grade, Invalid, Score
from rft_rewards.options import check_flag, check_share, check_whole
from rft_rewards.sample import Sample

MOST_COMPONENTS = 16
"""Components of a grade, and therefore parts of a composition: each part shows its value."""

BuildGrader: TypeAlias = Callable[[str, JsonObject], AnyGrader]
"""Makes a grader of a name and options; raises a ValueError of one line."""

_MOST_LEVELS = 4
_MOST_STEPS = 100
_LOWER_WORTH = 0.5
"""What a perfect lower level is worth, in steps of the level above: less than one."""

_ROUNDING = 1e-9
_NAME = re.compile(r"[a-z][a-z0-9_]{0,23}")
_KEYS = ("grader", "options", "weight", "gate", "level", "clamp", "optional")


def compose(*, build: BuildGrader, graders: JsonObject, steps: int = 10) -> BatchGrader:
    """Return a grader that combines others, each of them a named part.

    For example:

        graders:
          layout: {grader: format, options: {required: ['(?m)^#### ']}, gate: 1}
          answer: {grader: math, weight: 0.9}
          brevity: {grader: length, options: {at_most: 200, buffer: 100}, weight: 0.1}

    Every part grades from 0 to 1. What becomes of its value v:

    * `clamp: [low, high]` first turns v into min(1, max(0, (v - low) / (high - low))): nothing is paid up to `low`,
      everything from `high` on.
    * `gate: t` makes the whole 0 where v is below t, and the parts after the gates are not asked then, which saves a
      judge's price. Gates are passed in the order in which they stand. A gate without a `weight` pays nothing itself.
    * `weight`, by default 1: within a level the value is the mean of the parts, weighted.
    * `level`, by default 1: levels are compared lexicographically, the first being the most important. One number
      cannot hold an order of several continuous ones, so every level but the last counts in whole steps, rounded down.
      With q the steps of a level, S = `steps`, and r the value of the levels below, it is worth (q + r / 2) /
      (S + 1/2): one step more beats whatever lies below, by at least half a step. `steps: 1` suits a level that is
      right or wrong.
    * `optional: true` leaves a part out, and weighs the others anew, where it has no grade. Otherwise an invalid part
      makes the whole invalid. Completions of one prompt are then graded by different measures, so keep it for what
      hardly ever fails.

    A weight is not a pull: under group-relative advantages a part moves the model by how it varies within a group, so a
    part that all completions satisfy has none, whatever its weight.

    Components are each part's value under its name, before clamping, then the parts' own as `part.component`, 16 in
    all. The reward's range is not an option: it is the reward's own, see `rft_contract.reward_spec`.

    Refused, that is scored 0: what a gate refuses, and what every part refuses.

    Args:
        build: Makes the graders of the parts.
        graders: Name of a part -> `grader`, `options`, and the keys above; 1 to 16 parts. A name has at most 24
            lower-case letters, digits and underscores, and is not `invalid`.
        steps: Steps of every level but the last, 1 to 100.

    Returns:
        A grader of whole events, so that its parts may be too.

    Raises:
        ValueError: When an option has the wrong form, a part's grader refuses its options, or no part has a weight.
    """
    check_whole("steps", steps, least=1, most=_MOST_STEPS)
    if not isinstance(graders, Mapping) or not 1 <= len(graders) <= MOST_COMPONENTS:
        raise ValueError(f"graders: got {graders!r}, wanted a mapping of 1 to {MOST_COMPONENTS} parts by name")
    parts = [_read_part(name, part, build) for name, part in graders.items()]
    levels = sorted({part.level for part in parts if part.weight})
    if not levels:
        raise ValueError("graders: got gates alone, wanted a part with a weight")
    if levels != list(range(1, len(levels) + 1)):
        raise ValueError(f"level: got the levels {levels}, wanted 1, 2 and so on without a gap")
    return _Composition(parts, len(levels), steps)


@dataclass(frozen=True, slots=True)
class _Part:
    """One grader of a composition."""

    name: str
    grader: AnyGrader
    weight: float
    gate: float | None
    level: int
    clamp: tuple[float, float]
    optional: bool

    def value(self, grade: Score) -> float:
        """Return what the part's grade counts."""
        low, high = self.clamp
        return min(1.0, max(0.0, (grade.value - low) / (high - low)))


class _Composition:
    """See `compose`."""

    def __init__(self, parts: Sequence[_Part], levels: int, steps: int) -> None:
        # Gates first: what they refuse is not shown to the others.
        self._parts = sorted(parts, key=lambda part: part.gate is None)
        self._names = [part.name for part in parts]
        self._levels = levels
        self._steps = steps

    def grade_all(self, samples: Sequence[Sample], /) -> list[Grade]:
        """Return a grade for each sample, in order."""
        graded: list[dict[str, Grade]] = [{} for _ in samples]
        refused: dict[int, str] = {}
        for part in self._parts:
            open_places = [place for place in range(len(samples)) if place not in refused]
            grades = grade_all(part.grader, [samples[place] for place in open_places])
            for place, grade in zip(open_places, grades, strict=True):
                graded[place][part.name] = grade
                if part.gate is not None and isinstance(grade, Score) and part.value(grade) < part.gate - _ROUNDING:
                    refused[place] = part.name
        return [self._combined(grades, refused.get(place)) for place, grades in enumerate(graded)]

    def _combined(self, grades: Mapping[str, Grade], refused_by: str | None) -> Grade:
        """Return the grade of one sample, given its parts'."""
        needed = [grades.get(part.name) for part in self._parts if not part.optional]
        invalid = [grade for grade in needed if isinstance(grade, Invalid)]
        if invalid:
            return next((grade for grade in invalid if not grade.transient), invalid[0])
        explanation, components = self._shown(grades)
        if refused_by is not None:
            return Score(0.0, f"refused by the gate {refused_by} ({explanation})", components)
        rest = 0.0
        for level in range(self._levels, 0, -1):
            value = self._level(level, grades)
            if isinstance(value, Invalid):
                return value
            rest = value if level == self._levels else self._above(value, rest)
        return Score(rest, explanation, components)

    def _level(self, level: int, grades: Mapping[str, Grade]) -> float | Invalid:
        """Return the weighted mean of a level's parts."""
        parts = [part for part in self._parts if part.level == level and part.weight]
        counted = [(part, grade) for part in parts if isinstance(grade := grades[part.name], Score)]
        if not counted:
            return next(grade for part in parts if isinstance(grade := grades[part.name], Invalid))
        paid = math.fsum(part.weight * part.value(grade) for part, grade in counted)
        return min(1.0, paid / math.fsum(part.weight for part, _ in counted))

    def _above(self, value: float, rest: float) -> float:
        """Return what a level is worth together with those below it."""
        reached = math.floor(value * self._steps + _ROUNDING)
        return (reached + _LOWER_WORTH * rest) / (self._steps + _LOWER_WORTH)

    def _shown(self, grades: Mapping[str, Grade]) -> tuple[str, dict[str, float]]:
        """Return what is said about the parts, in the author's order."""
        scores = [(name, grade) for name in self._names if isinstance(grade := grades.get(name), Score)]
        components = {name: grade.value for name, grade in scores}
        inner = ((f"{name}.{key}", value) for name, grade in scores for key, value in grade.components.items())
        for key, value in inner:
            if len(components) < MOST_COMPONENTS:
                components[key] = value
        return "; ".join(f"{name} {grade.value:.3g}: {grade.explanation}" for name, grade in scores), components


def _read_part(name: str, part: JsonValue, build: BuildGrader) -> _Part:
    """Return one part of a composition.

    Raises:
        ValueError: One line that begins with the part's name.
    """
    where = f"graders.{name}"
    if not _NAME.fullmatch(name) or name == "invalid":
        raise ValueError(f"graders: got the name {name!r}, wanted lower-case letters, digits and underscores")
    if not isinstance(part, dict) or not isinstance(part.get("grader"), str):
        raise ValueError(f"{where}: got {part!r}, wanted a mapping with `grader`, the name of one")
    if unknown := [key for key in part if key not in _KEYS]:
        raise ValueError(f"{where}: got the key {unknown[0]!r}, wanted one of {', '.join(_KEYS)}")
    options = part.get("options", {})
    if not isinstance(options, dict):
        raise ValueError(f"{where}.options: got {options!r}, wanted a mapping")
    gate, optional = part.get("gate"), part.get("optional", False)
    if gate is not None:
        check_share(f"{where}.gate", gate)
    check_flag(f"{where}.optional", optional)
    try:
        grader = build(str(part["grader"]), options)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    return _Part(
        name=name,
        grader=grader,
        weight=_read_weight(where, part, gate is not None),
        gate=gate if isinstance(gate, (int, float)) else None,
        level=_read_level(where, part),
        clamp=_read_clamp(where, part),
        optional=bool(optional),
    )


def _read_weight(where: str, part: JsonObject, is_gate: bool) -> float:
    """Return a part's weight; a gate that names none has none."""
    weight = part.get("weight", 0.0 if is_gate else 1.0)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not math.isfinite(weight) or weight < 0:
        raise ValueError(f"{where}.weight: got {weight!r}, wanted a number above 0")
    if not weight and not is_gate:
        raise ValueError(f"{where}.weight: got {weight!r}, wanted a number above 0, or a gate")
    return float(weight)


def _read_level(where: str, part: JsonObject) -> int:
    """Return a part's level."""
    level = part.get("level", 1)
    check_whole(f"{where}.level", level, least=1, most=_MOST_LEVELS)
    assert isinstance(level, int)
    return level


def _read_clamp(where: str, part: JsonObject) -> tuple[float, float]:
    """Return between which values a part counts."""
    match part.get("clamp", [0, 1]):
        case [int() | float() as low, int() | float() as high] if 0 <= low < high <= 1:
            return float(low), float(high)
    raise ValueError(f"{where}.clamp: got {part['clamp']!r}, wanted [low, high] with 0 <= low < high <= 1")

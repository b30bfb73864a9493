"""Graded completions by prompt, as group-relative training would see them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from rft_runtime.certification.probe import Turn
from rft_runtime.certification.row import Row

MOST_COMPONENTS = 16
"""Components of a completion, as many as a built-in reward reports."""

_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Scored:
    """One completion of a group.

    Args:
        value: Its score, 0 (floor) to 1 (ceiling).
        components: What the reward reported beside it.
    """

    value: float
    components: Mapping[str, float]


class PromptGroups:
    """What was sent for some rows, and for the author's cases; each distinct completion of a prompt once.

    Args:
        lines: Lines of the rows whose completions are kept; cases always are.
    """

    def __init__(self, lines: Iterable[int] = ()) -> None:
        self._lines = frozenset(lines)
        self._groups: dict[tuple[bool, int], dict[int, Scored]] = {}

    def add(self, row: Row, turn: Turn, value: float | None, components: Mapping[str, float]) -> None:
        """Keep a completion; not one without a score.

        Args:
            row: Its prompt.
            turn: The completion.
            value: Its score, 0 (floor) to 1 (ceiling); None without a valid one.
            components: What the reward reported beside it.
        """
        if value is None or not (row.is_case or row.line in self._lines):
            return
        group = self._groups.setdefault((row.is_case, row.line), {})
        # A hash in place of the text: a prompt's echo may be long.
        group.setdefault(hash((turn.text, str(turn.tool_calls))), Scored(value, _kept(components)))

    def groups(self) -> list[list[Scored]]:
        """Return the completions of each prompt."""
        return [list(group.values()) for group in self._groups.values()]


def _kept(components: Mapping[str, float]) -> dict[str, float]:
    """Return the first 16 components that are finite and have a name that fits one line."""
    fit = (
        (name, number)
        for name, number in components.items()
        if 0 < len(name) <= _LONGEST_NAME and name.isprintable() and math.isfinite(number)
    )
    return dict(islice(fit, MOST_COMPONENTS))

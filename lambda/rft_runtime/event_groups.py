"""The groups of an event: whether a prompt's rollouts arrive together, and what a judge's noise does to them.

Standard library only, and little of it: a reward function's start is waited for.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from rft_runtime.grading import Graded

_GRADE, _SPREAD = "judge_grade", "judge_sd"


def groups_of(graded: Iterable[Graded]) -> list[list[Graded]]:
    """Return the rollouts of each prompt; those whose row is not known by number are left out."""
    groups: dict[str, list[Graded]] = {}
    for one in graded:
        if one.item.mark is not None:
            groups.setdefault(one.item.group(), []).append(one)
    return list(groups.values())


def group_sizes(groups: Sequence[Sequence[Graded]]) -> dict[str, int]:
    """Return how many groups of each size there are."""
    return dict(sorted(Counter(str(len(group)) for group in groups).items()))


def judge_noise(groups: Sequence[Sequence[Graded]]) -> float | None:
    """Return a judge's retest spread against the spread of its grades within groups, a mean over groups.

    At 1 the judge's own noise is as large as what it tells apart, and normalised advantages are mostly noise. None
    where no group has two grades that differ, or the judge is asked once a completion.
    """
    ratios = [ratio for group in groups if (ratio := _ratio(group)) is not None]
    return round(_mean(ratios), 3) if ratios else None


def _ratio(group: Sequence[Graded]) -> float | None:
    """Return the ratio within one group."""
    spreads = [value for one in group for name, value in one.components.items() if name.endswith(_SPREAD)]
    grades = [value for one in group for name, value in one.components.items() if name.endswith(_GRADE)]
    if not spreads or len(grades) < 2:
        return None
    centre = _mean(grades)
    between = math.sqrt(math.fsum((grade - centre) ** 2 for grade in grades) / (len(grades) - 1))
    return _mean(spreads) / between if between > 0 else None


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)

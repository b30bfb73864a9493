"""Grading several samples: what one of them meets never reaches the others."""

import math
from collections.abc import Sequence
from typing import Any

import pytest

from rft_rewards.batch import grade_all
from rft_rewards.grade import Grade, Invalid, Score
from rft_rewards.sample import Sample

GOOD, STRANGE = Sample("good"), Sample("strange")
STRANGE_GRADES: list[tuple[Any, str]] = [
    (None, "grader-returned-no-grade"),
    (Score(True), "score-out-of-range"),
    (Score(math.nan), "score-out-of-range"),
    (Score(1.5), "score-out-of-range"),
    (Score("1"), "grader-raised-typeerror"),  # type: ignore[arg-type]  # the mistake
    (Score(1.0, "", {"part": "x"}), "grader-raised-typeerror"),  # type: ignore[dict-item]  # the mistake
]


class Together:
    """Grades all samples at once."""

    def __init__(self, strange: Any, lost: int = 0) -> None:
        self._strange, self._lost = strange, lost

    def grade_all(self, samples: Sequence[Sample], /) -> list[Grade]:
        if isinstance(self._strange, Exception):
            raise self._strange
        return [self._strange if sample is STRANGE else Score(1.0) for sample in samples][self._lost :]


@pytest.mark.parametrize(("grade", "reason"), STRANGE_GRADES, ids=lambda value: str(value)[:40])
def test_a_strange_grade_is_invalid_and_its_neighbours_are_graded(grade: Any, reason: str) -> None:
    for grader in (Together(grade), lambda sample: grade if sample is STRANGE else Score(1.0)):
        assert grade_all(grader, [GOOD, STRANGE, GOOD]) == [Score(1.0), Invalid(reason), Score(1.0)]


def test_infinite_components_are_left_out() -> None:
    assert grade_all(Together(Score(0.5, "", {"a": math.inf, "b": 2})), [STRANGE]) == [Score(0.5, "", {"b": 2.0})]


def test_a_grader_of_all_that_raises_or_loses_one_makes_all_invalid_and_is_never_quoted() -> None:
    assert grade_all(Together(KeyError("secret")), [GOOD, GOOD]) == [Invalid("grader-raised-keyerror")] * 2
    assert grade_all(Together(None, lost=1), [GOOD, GOOD]) == [Invalid("grader-lost-count")] * 2

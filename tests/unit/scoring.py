"""Asking a grader for a number, as tests of graders do."""

from collections.abc import Callable
from typing import Any

from rft_rewards.grade import Grader, Score
from rft_rewards.sample import Sample


def scorer(make: Callable[..., Grader]) -> Callable[..., float]:
    """Return a function that makes a grader of options and returns its score of one completion."""

    def score(completion: str, reference: Any = None, **options: Any) -> float:
        grade = make(**options)(Sample(completion, reference))
        assert isinstance(grade, Score)
        assert 0 <= grade.value <= 1
        return grade.value

    return score

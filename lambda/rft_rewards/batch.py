"""Grading several samples: one that makes its grader raise never loses the others."""

import math
import re
from collections.abc import Sequence

from rft_rewards.grade import AnyGrader, BatchGrader, Grade, Grader, Invalid, Score
from rft_rewards.sample import Sample

_LONGEST_REASON = 48


def grade_all(grader: AnyGrader, samples: Sequence[Sample]) -> list[Grade]:
    """Grade samples.

    Args:
        grader: What it raises makes the sample invalid that it was asked about. One that wants all samples together is
            asked again about halves of them, until what makes it raise stands alone.
        samples: In any number.

    Returns:
        One grade a sample, in order: a score in [0, 1] with finite components, or invalid.
    """
    if not isinstance(grader, BatchGrader):
        return [_checked(grader, sample) for sample in samples]
    try:
        grades = list(grader.grade_all(samples))
    except Exception as error:
        return _parted(grader, samples, _raised(error))
    if len(grades) != len(samples):
        return _parted(grader, samples, Invalid("grader-lost-count"))
    return [_accepted(grade) for grade in grades]


def _parted(grader: BatchGrader, samples: Sequence[Sample], alone: Invalid) -> list[Grade]:
    """Grade two halves apart; a single sample gets the given grade."""
    if len(samples) <= 1:
        return [alone] * len(samples)
    middle = len(samples) // 2
    return [*grade_all(grader, samples[:middle]), *grade_all(grader, samples[middle:])]


def _checked(grader: Grader, sample: Sample) -> Grade:
    """Grade one sample, whatever the grader does."""
    try:
        grade = grader(sample)
    except Exception as error:
        return _raised(error)
    return _accepted(grade)


def _raised(error: Exception) -> Invalid:
    """Return what an error of the grader's own makes of a sample; its message may hold text of the data."""
    kind = re.sub("[^a-z0-9]+", "-", type(error).__name__.lower()).strip("-")
    return Invalid(f"grader-raised-{kind}"[:_LONGEST_REASON].strip("-"))


def _accepted(grade: Grade) -> Grade:
    """Return a grade that keeps what `grade_all` promises, whatever an author's own code put into it."""
    if isinstance(grade, Invalid):
        return grade
    if not isinstance(grade, Score):
        return Invalid("grader-returned-no-grade")
    try:
        if isinstance(grade.value, bool) or not 0 <= grade.value <= 1:
            return Invalid("score-out-of-range")
        components = {name: float(value) for name, value in grade.components.items() if math.isfinite(value)}
        return Score(float(grade.value), grade.explanation, components)
    except Exception as error:
        return _raised(error)

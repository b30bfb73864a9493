"""The `own` grader: a Python function of the reward's author, called where it can be stopped."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial as bound
from importlib import import_module

from rft_contract.json_value import JsonValue, canonical
from rft_rewards.batch import grade_all
from rft_rewards.deadline import Deadline
from rft_rewards.grade import BatchGrader, Grade, Invalid, Score
from rft_rewards.killable import KILLED, call_each
from rft_rewards.options import check_whole
from rft_rewards.sample import Sample

FUNCTION = "score"
"""Name of the author's function."""

_OUT_OF_TIME = Invalid("out-of-time", transient=True)
_PLAIN_COMPLETION = "The answer is not known."

AuthorFunction = Callable[[Sample], Grade]


def own(*, deadline: Deadline, module: str = "reward", seconds: float = 5.0, memory_mib: int = 256) -> BatchGrader:
    """Return a grader that calls `score(sample)`, a function of the reward's author.

    The author's module is imported once, and what it loads then is there for all samples. The function itself is called
    in a forked process, sample after sample: a call that takes too long, uses up its memory or ends its process is
    stopped, and the others go on in a new one. What the function changes or prints is not kept from event to event.

    Whose fault is it, when a call is stopped? The same function is asked again about the same row with the row's own
    reference answer as the completion (a fixed sentence where it has none). If that call is stopped as well, a perfect
    completion would have met the same fate: the sample is invalid. If it ends, the completion did it, and is wrong.

    Refused, that is scored 0: a completion on which the function is stopped, though it ends on the reference answer.

    Args:
        deadline: Of the event. What it leaves no time for is invalid and may be sent again.
        module: The author's module, where Python finds it.
        seconds: Longest time for a sample, 0.1 to 60.
        memory_mib: Most memory for the function, beyond what the process already holds, 16 to 8192 MiB.

    Returns:
        A grader of whole events. The sample is invalid when the function raises (`grader-raised-...`), returns
        anything but a `Score` or `Invalid`, or is stopped on the reference answer too (`author-code-stopped`).

    Raises:
        ValueError: When an option has the wrong form, or the module cannot be imported or has no such function.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0.1 <= seconds <= 60:
        raise ValueError(f"seconds: got {seconds!r}, wanted 0.1 to 60")
    check_whole("memory_mib", memory_mib, least=16, most=8192)
    try:
        function = getattr(import_module(module), FUNCTION, None)
    except Exception as error:
        raise ValueError(f"module {module} cannot be imported: {type(error).__name__}: {error}") from error
    if not callable(function):
        raise ValueError(f"module {module} has no function {FUNCTION}(sample)")
    return _Own(function, deadline, float(seconds), memory_mib)


class _Own:
    """See `own`."""

    def __init__(self, function: AuthorFunction, deadline: Deadline, seconds: float, memory_mib: int) -> None:
        self._function = function
        self._deadline = deadline
        self._seconds = seconds
        self._memory_mib = memory_mib

    def grade_all(self, samples: Sequence[Sample], /) -> list[Grade]:
        """Return a grade for each sample, in order."""
        grades = self._call(samples)
        stopped = {place: _row(samples[place], place) for place, grade in enumerate(grades) if grade is None}
        tried = {row: _with_plain_completion(samples[place]) for place, row in stopped.items()}
        proofs = dict(zip(tried, self._call(list(tried.values())), strict=True))
        return [_blamed(proofs[stopped[place]]) if grade is None else grade for place, grade in enumerate(grades)]

    def _call(self, samples: Sequence[Sample]) -> list[Grade | None]:
        """Return a grade for each sample; None where the function was stopped."""
        functions = [bound(_called, self._function, sample, self._deadline) for sample in samples]
        return [_grade(result) for result in call_each(functions, seconds=self._seconds, memory_mib=self._memory_mib)]


def _blamed(proof: Grade | None) -> Grade:
    """Return the grade of a sample on which the function was stopped, given what came of the reference answer."""
    if proof is None:
        return Invalid("author-code-stopped")
    if proof == _OUT_OF_TIME:
        return proof
    return Score(0.0, "the author's function had to be stopped on this completion, not on the reference answer")


def _called(function: AuthorFunction, sample: Sample, deadline: Deadline) -> JsonValue:
    """Call the author's function, in the child, and return its grade as JSON."""
    if not deadline.left:
        return _to_json(_OUT_OF_TIME)
    (grade,) = grade_all(bound(_within_limits, function), [sample])
    return _to_json(grade)


def _within_limits(function: AuthorFunction, sample: Sample) -> Grade:
    """Call the author's function; running out of memory or stack ends the process, as running out of time does."""
    try:
        return function(sample)
    except (MemoryError, RecursionError):
        os._exit(1)


def _to_json(grade: Grade) -> JsonValue:
    """Return a grade as JSON."""
    if isinstance(grade, Invalid):
        return {"reason": grade.reason, "transient": grade.transient}
    return {"value": grade.value, "explanation": str(grade.explanation), "components": dict(grade.components)}


def _grade(result: object) -> Grade | None:
    """Return the grade that `_to_json` wrote; None when the function was stopped."""
    match result:
        case {"reason": str(reason), "transient": bool(transient)}:
            return Invalid(reason, transient)
        case {"value": float(value), "explanation": explanation, "components": dict(components)}:
            return Score(value, str(explanation), components)
    assert result is KILLED
    return None


def _with_plain_completion(sample: Sample) -> Sample:
    """Return a sample with its reference answer as the completion."""
    reference = _PLAIN_COMPLETION if sample.reference is None else sample.reference
    try:
        text = reference if isinstance(reference, str) else canonical(reference)
    except (ValueError, RecursionError):
        text = _PLAIN_COMPLETION
    return replace(sample, completion=text, with_reasoning=None, tool_calls=())


def _row(sample: Sample, place: int) -> str:
    """Return what samples of one row share."""
    try:
        return canonical([list(sample.prompt), sample.reference, dict(sample.metadata)])
    except (TypeError, ValueError, RecursionError):
        return f"sample {place}"

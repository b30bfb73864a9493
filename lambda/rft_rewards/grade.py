"""A grade: what a grader says about one completion."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

from rft_rewards.sample import Sample

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CODE_LIMIT = 48


@dataclass(frozen=True, slots=True)
class Score:
    """A completion was graded. Whatever the completion itself caused is a score of 0, never `Invalid`.

    Args:
        value: 0 (wrong) to 1 (perfect). The reward maps it to its own floor and ceiling.
        explanation: Why, in words, without quoting the completion.
        components: Named parts of the score, each a finite number, at most 16 of them.
    """

    value: float
    explanation: str = ""
    components: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Invalid:
    """No grade was possible, and a perfect completion would have met the same fate.

    Args:
        reason: A code in kebab case, at most 48 characters, such as `reference-missing`. It is logged and counted, so
            it never holds text of the data.
        transient: Whether a retry may cure it (a throttled judge, say).

    Raises:
        ValueError: When the reason is not such a code.
    """

    reason: str
    transient: bool = False

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.reason) or len(self.reason) > _CODE_LIMIT:
            raise ValueError(f"reason: wanted a code in kebab case of at most {_CODE_LIMIT} characters")


Grade: TypeAlias = Score | Invalid
"""What a grader returns."""


class Grader(Protocol):
    """A pure scoring function."""

    def __call__(self, sample: Sample, /) -> Grade:
        """Grade one completion."""
        ...


@runtime_checkable
class BatchGrader(Protocol):
    """A grader that wants all samples of an event at once, because it asks somebody else about them."""

    def grade_all(self, samples: Sequence[Sample], /) -> Sequence[Grade]:
        """Return a grade for each sample, in order."""
        ...


AnyGrader: TypeAlias = Grader | BatchGrader
"""What a reward can be made of."""

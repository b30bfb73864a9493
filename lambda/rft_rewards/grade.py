"""A grade: what a grader says about one completion."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from rft_contract.json_value import JsonValue

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

    def __call__(self, completion: str, reference: JsonValue, /) -> Grade:
        """Grade one completion.

        Args:
            completion: The generated text, without reasoning.
            reference: The row's reference answer; None when it has none.
        """
        ...

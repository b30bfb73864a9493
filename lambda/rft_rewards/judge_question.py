"""What a judge is asked, and what comes back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rft_contract.json_value import JsonObject

REASON = "reason"
"""The answer's field with the reason in words; it comes first, so that the grade follows from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request to a judge.

    Args:
        model: Id of a model or inference profile.
        system: Its instructions.
        user: The material.
        grades: Names of the grades that it shall give.
        low: Lowest grade, a whole number.
        high: Highest grade.
        temperature: 0 to 1.
        max_tokens: Longest answer, reasoning included.
    """

    model: str
    system: str
    user: str
    grades: tuple[str, ...]
    low: int
    high: int
    temperature: float
    max_tokens: int

    def schema(self) -> JsonObject:
        """Return the JSON schema of the answer, within the subset that Bedrock compiles: it knows no `minimum`."""
        grade: JsonObject = {"type": "integer", "enum": list(range(self.low, self.high + 1))}
        return {
            "type": "object",
            "properties": {REASON: {"type": "string"}, **dict.fromkeys(self.grades, grade)},
            "required": [REASON, *self.grades],
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a judge answered.

    Args:
        text: JSON, if the judge kept to the form.
        tokens_in: Tokens that were read, as billed.
        tokens_out: Tokens that were written.
        stand_in: Name of what answered in the model's place. None: the model itself did.
    """

    text: str
    tokens_in: int = 0
    tokens_out: int = 0
    stand_in: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why there is no answer.

    Args:
        reason: A code in kebab case, such as `judge-throttled`.
        transient: Whether a retry may cure it.
    """

    reason: str
    transient: bool = False


class Judge(Protocol):
    """Asks models."""

    def ask(self, questions: Sequence[Question], /) -> Sequence[Answer | Refusal]:
        """Return what came back for each question, in order; equal questions are asked as often as they appear."""
        ...

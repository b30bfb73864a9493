"""The grader that a reward names, asked here: what is right by its own rules, whatever the deployed function says."""

from rft_contract.json_value import JsonObject, JsonValue
from rft_rewards.batch import grade_all
from rft_rewards.grade import Score
from rft_rewards.registry import build_grader
from rft_rewards.sample import Sample


class OwnGrader:
    """A grader made of a reward's options.

    Args:
        name: The grader's name.
        options: Its options.

    Raises:
        ValueError: When it refuses them.
    """

    def __init__(self, name: str, options: JsonObject) -> None:
        self._grader = build_grader(name, options)

    def worth(self, text: str, reference: JsonValue) -> float:
        """Return what a completion is worth, 0 to 1; what has no grade is worth nothing."""
        (grade,) = grade_all(self._grader, [Sample(text, reference)])
        return grade.value if isinstance(grade, Score) else 0.0

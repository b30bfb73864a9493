"""The metrics that a reward function emits for every event, as CloudWatch embedded metric format (EMF).

Two dimension sets and no more: alarms use (Environment, Reward), which exists at deploy time; a run's curves use (Run).
Source of the format: CloudWatch user guide, "Specification: embedded metric format".
"""

from enum import StrEnum

NAMESPACE = "BedrockRFT"


class Dimension(StrEnum):
    """Dimension names."""

    ENVIRONMENT = "Environment"
    REWARD = "Reward"
    RUN = "Run"


class MetricName(StrEnum):
    """Metric names. Only rollouts that the customization job sent count (`rft.phase` absent).

    `RolloutMilliseconds` and the judge's metrics tell what grading costs, and count whoever asked for it.

    No metric may be called like a dimension: in an EMF document both are members of the same object.
    """

    REWARD = "TrainingReward"
    VALIDATION_REWARD = "ValidationReward"
    SUCCESS = "Success"
    GRADED = "Graded"
    WRONG = "Wrong"
    INVALID = "Invalid"
    UNATTRIBUTED = "Unattributed"
    UNANSWERED = "Unanswered"
    REGRADED = "Regraded"
    COMPLETION_CHARACTERS = "CompletionCharacters"
    PROMPT_CHARACTERS = "PromptCharacters"
    GRADE_MILLISECONDS = "GradeMilliseconds"
    ROLLOUT_MILLISECONDS = "RolloutMilliseconds"
    JUDGE_CALLS = "JudgeCalls"
    JUDGE_TOKENS_IN = "JudgeTokensIn"
    JUDGE_TOKENS_OUT = "JudgeTokensOut"


DIMENSION_SETS = ((Dimension.ENVIRONMENT, Dimension.REWARD), (Dimension.RUN,))

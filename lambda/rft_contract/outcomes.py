"""The named ways in which a run ends, and the errors that lead to them."""

from enum import StrEnum


class Outcome(StrEnum):
    """How a run ended. A run has exactly one; its reason is a separate text."""

    PROMOTED = "PROMOTED"
    PASSED = "PASSED"
    REJECTED = "REJECTED"
    INFEASIBLE = "INFEASIBLE"
    INVALID_DATASET = "INVALID_DATASET"
    UNCERTIFIED_REWARD = "UNCERTIFIED_REWARD"
    OVER_LIMIT = "OVER_LIMIT"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    DRY_RUN_PASSED = "DRY_RUN_PASSED"
    GAMEABLE = "GAMEABLE"


class RunEnded(Exception):
    """A handler's word that the run ends here, with an outcome.

    The workflow catches it by class name (Step Functions reports a Python exception's class as the error name) and goes
    to Close, which turns the name back into the outcome with `outcome_of`.
    """

    outcome = Outcome.FAILED


class InvalidDataset(RunEnded):
    """A dataset breaks a documented limit of Bedrock RFT."""

    outcome = Outcome.INVALID_DATASET


class UncertifiedReward(RunEnded):
    """The reward has no certificate that this environment accepts for the run's datasets."""

    outcome = Outcome.UNCERTIFIED_REWARD


class Infeasible(RunEnded):
    """The base model cannot learn from the training prompts, or needs not: training would buy nothing."""

    outcome = Outcome.INFEASIBLE


class OverLimit(RunEnded):
    """The run needs more than its recipe's limits allow, or has used them up."""

    outcome = Outcome.OVER_LIMIT


class RunStopped(RunEnded):
    """Somebody, or the breaker, stopped the run."""

    outcome = Outcome.STOPPED


class Stale(RunEnded):
    """The line's live release is no longer the one that the candidate was compared with."""

    outcome = Outcome.REJECTED


class RunFailed(RunEnded):
    """The run cannot go on, for the reason in the message."""


class Transient(Exception):
    """AWS throttled or was unavailable for longer than the SDK retries: the same call may succeed later.

    Not an ending: the workflow retries the state that raised it.
    """


_BY_ERROR_NAME = {ending.__name__: ending.outcome for ending in RunEnded.__subclasses__()}


def outcome_of(error: str) -> Outcome:
    """Return the outcome that an error name of Step Functions stands for; anything unknown is FAILED.

    Args:
        error: The `Error` of a Catch, such as `InvalidDataset` or `States.Timeout`.
    """
    return _BY_ERROR_NAME.get(error, Outcome.FAILED)

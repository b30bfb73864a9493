"""The cases in classes: what people tell apart when they read of them."""

from dataclasses import dataclass

from tests.faults.case import ApiFault, Case
from tests.faults.missing import DENIED, THROTTLED, UNAVAILABLE

THROTTLED_FOR_A_WHILE = "AWS throttles, then is well"
UNWELL = "AWS throttles or is unavailable for good"
NOT_ALLOWED = "AWS denies"
ANSWER_LOST = "AWS did it, and its answer was lost"
OTHER_ERROR = "another error that is documented for the operation"

DENIALS = frozenset({"AccessDeniedException", *DENIED.values()})

AFTERWARDS = ("Close", "CloseAfterError", "Sweep", "Settle")
"""Where a fault that lasts is met by what comes every 15 minutes."""

GROUPS = {
    "execution_ends": "execution stopped or timed out, in front of it or while it works, event delivered or lost",
    "called_again": "function called again twice after its work was done",
    "killed_half_way": "function killed after each of its AWS calls in turn, then called again",
    "stopped_at_work": "execution stopped and closed after each AWS call of its function in turn, which works on",
    "stack_updated": "stack updated in front of it, with another reward function and new handlers",
}
"""Scenario -> the words of its class; each other scenario is its own."""

REMEDIES = {
    "PROMOTED": "nothing",
    "STOPPED": "nothing; start it again when wanted",
    "OVER_LIMIT": "nothing; raise the limit that the reason names, or ask for less",
    "INVALID_DATASET": "nothing; mend the dataset: `findings.json` has the lines",
    "UNCERTIFIED_REWARD": "nothing; mend the reward function: the certificate has every check",
    "INFEASIBLE": "nothing; change task or model: `probe.json` has the figures",
    "REJECTED": "the candidate's model, until the sweeper deletes it; `report.md` has the comparison",
    "DONE": "nothing",
}
MEND = "mend what the reason names and start again"
ALLOW = "give back the right that the reason names and start again"
WAIT = "start again when the service is well"
LATER = "what could not be removed, until AWS is well: then the next sweep finishes; an alarm tells of it meanwhile"
ROLLBACK = "a change that was claimed is finished by the look every 15 minutes; else nothing was changed: call again"

TRAINED = ("DeployCandidate", "PollDeployment", "Evaluate", "Rollout", "Decide", "PromoteCandidate", "PollPromotion")
"""Where a run that fails leaves the model that it paid for."""


@dataclass(frozen=True)
class Class:
    """Cases that are alike.

    Args:
        states: Their states, in the workflow's order.
        failure: What fails.
        outcomes: How they end.
        remedy: What is left, and what a person does.
        cases: Their names.
    """

    states: tuple[str, ...]
    failure: str
    outcomes: tuple[str, ...]
    remedy: str
    cases: tuple[str, ...]


def classes(cases: list[Case]) -> list[Class]:
    """Return the classes in the order of their first cases."""
    grouped: dict[tuple[str, tuple[str, ...], str], list[Case]] = {}
    for case in cases:
        failure = failure_of(case)
        grouped.setdefault((failure, case.outcomes, remedy_of(case, failure)), []).append(case)
    return [
        Class(
            states=tuple(dict.fromkeys(case.state for case in alike)),
            failure=failure,
            outcomes=outcomes,
            remedy=remedy,
            cases=tuple(case.name for case in alike),
        )
        for (failure, outcomes, remedy), alike in grouped.items()
    ]


def failure_of(case: Case) -> str:
    """Return the words of a case's class."""
    if not isinstance(case.fault, ApiFault):
        return GROUPS.get(case.fault.scenario, case.failure)
    fault, service = case.fault, case.fault.operation.split(":")[0]
    if fault.message or fault.key:
        return case.failure
    if fault.answer == "lost":
        return ANSWER_LOST
    if fault.error == THROTTLED.get(service, "ThrottlingException"):
        return UNWELL if fault.times == "always" else THROTTLED_FOR_A_WHILE
    if fault.error == UNAVAILABLE.get(service, "ServiceUnavailable"):
        return UNWELL
    return NOT_ALLOWED if fault.error == DENIED.get(service, "AccessDeniedException") else OTHER_ERROR


def remedy_of(case: Case, failure: str) -> str:
    """Return what is left and what a person does."""
    lasts = isinstance(case.fault, ApiFault) and case.fault.times == "always"
    if case.state in AFTERWARDS:
        return LATER if lasts else "nothing"
    if case.state == "Rollback":
        return "nothing" if case.outcome == "DONE" else ROLLBACK
    if case.outcome in REMEDIES:
        return REMEDIES[case.outcome]
    if case.outcome == "FAILED":
        left = "the model that was trained" if case.state in TRAINED else "nothing"
        denied = isinstance(case.fault, ApiFault) and case.fault.error in DENIALS
        return f"{left}; {ALLOW if denied else WAIT if failure == UNWELL else MEND}"
    return "nothing"

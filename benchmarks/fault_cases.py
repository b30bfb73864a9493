"""The fault suite's cases on the embedded AWS: what has to be ordered for each, and which cannot be had there.

The cases are those that `tests/faults` runs in memory. What differs here: time is real, so nothing can wait for hours.
"""

import botocore.exceptions

from benchmarks.fault_run import FaultRun
from benchmarks.fault_scenarios import ABSENT, SCENARIOS, NotHere
from rft_local.emulator.faults import Effect, Fault
from rft_runtime.failures import is_transient
from tests.faults.case import ApiFault, Case, Scenario
from tests.faults.injection import error_of

ATTEMPTS = {"bedrock-runtime": 1, "lambda:Invoke": 1, "sts": 3, "iam": 3, "service-quotas": 3}
"""Attempts that the SDK makes of a call, see `rft_runtime.clients`; of what is not named here 8."""

_REPEATED_BY_SDK = (
    "Throttl",
    "TooManyRequests",
    "SlowDown",
    "RequestLimitExceeded",
    "PriorRequestNotComplete",
    "ServiceUnavailable",
    "Internal",
    "ServiceException",
    "ServiceFailure",
    "DependencyTimeout",
)
_WAITED_FOR = ("bedrock-runtime:Converse", "lambda:Invoke")
"""Calls that a function repeats, once the SDK gave up, as long as it has time: see `rft_runtime.patience`."""

_ENVIRONMENTS_OWN = ("Sweep", "Settle", "Rollback", "StatusEvent")
_PROMOTING = ("PromoteCandidate", "PollPromotion")


def kind(case: Case) -> tuple[str, ...]:
    """Return what a case has in common with those for which it can stand: another operation or error, the same end."""
    fault = case.fault
    if isinstance(fault, Scenario):
        return (case.state, fault.scenario, *(str(value) for value in fault.parameters.values()), case.outcome)
    error = "throttled" if any(part in fault.error for part in ("Throttl", "SlowDown", "TooMany")) else "refused"
    error = "denied" if "AccessDenied" in fault.error else error
    repeated = "always" if fault.times == "always" else "then well"
    return (case.state, fault.operation.split(":")[0], error, repeated, fault.answer, case.outcome)


def needs_live(case: Case) -> bool:
    """Whether a case needs a line of its own on which a release is live, because it changes that release or may."""
    return case.line == "live" and case.state in _PROMOTING


def arrange(case: Case, run: FaultRun) -> None:
    """Order what a case wants of a run that has not begun.

    Raises:
        NotHere: When it cannot be had.
    """
    if case.state in _ENVIRONMENTS_OWN:
        raise NotHere("strikes what all runs of an environment share; the runs here go side by side")
    if case.state == "CloseAfterError":
        denied = Fault(operation="bedrock:GetModelCustomizationJob", error="AccessDeniedException", times=None)
        run.order_in("PollTraining", denied)
    if isinstance(case.fault, ApiFault):
        fault = api_fault(case.fault)
        run.order_in(case.state, fault)
        if case.state in _PROMOTING and fault.times is None:
            run.order_in_looks(fault)
        return
    scenario = SCENARIOS.get(case.fault.scenario)
    if scenario is None:
        raise NotHere(ABSENT.get(case.fault.scenario, f"nobody arranges {case.fault.scenario} here"))
    scenario(run, case, **case.fault.parameters)


def api_fault(fault: ApiFault) -> Fault:
    """Return what the emulator is told: it sees single attempts, the case counts calls of the SDK.

    Raises:
        NotHere: For what no HTTP answer is, and what takes too long.
    """
    if fault.times == "always" and fault.operation in _WAITED_FOR and is_transient(error_of(fault)):
        raise NotHere("the function tries again until its own time is up: a quarter of an hour, in each attempt")
    broken = hasattr(botocore.exceptions, fault.error)
    if broken and fault.answer == "refused":
        raise NotHere("a connection that breaks: the emulator answers every request")
    # To who asked, an answer that is lost on its way and an internal error after the work was done are the same.
    error = "InternalFailure" if broken else fault.error
    service = fault.operation.split(":")[0]
    attempts = ATTEMPTS.get(fault.operation, ATTEMPTS.get(service, 8))
    each = attempts if any(part in error for part in _REPEATED_BY_SDK) else 1
    return Fault(
        operation=fault.operation,
        error=error,
        message=fault.message or "said AWS",
        effect=Effect.LOSE if fault.answer == "lost" else Effect.REFUSE,
        about=(fault.key,) if fault.key else (),
        after=fault.after,
        times=None if fault.times == "always" else fault.times * each,
    )

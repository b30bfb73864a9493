"""Which faults of AWS operations the cases lack, and how they end now: `python -m tests.faults.missing`.

Every call that a handler makes in a run that goes well, in its sweep and in its rollback, fails in some case: throttled
for a while, throttled always, denied, unavailable, with its answer lost where it makes something, and with each error
that the service model documents for the operation. The command prints the rows that lack, with the ending that the
platform gives them today; whoever adds them says thereby that this is the right one.
"""

import contextlib
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from tests.faults.bases import Bases, bases, simulated_world
from tests.faults.case import ApiFault, Case, load_cases
from tests.faults.injection import Call, errors
from tests.faults.live import live_of
from tests.faults.runner import check_case, let_happen

ELSEWHERE = ("StatusEvent", "SweeperClose")
"""Where the closing handler is called beside Close and CloseAfterError; it makes the same calls there."""

OTHERS = (
    "EC2",
    "EFS",
    "ENI",
    "InvalidSecurityGroup",
    "InvalidSubnet",
    "S3Files",
    "SnapStart",
    "Subnet",
    "DurableExecution",
    "ModeNotSupported",
    "RecursiveInvocation",
    "UnsupportedMediaType",
    "Hierarchy",
    "IncompatiblePolicy",
    "InvalidAllowedPattern",
    "InvalidPolicy",
    "ParameterPattern",
    "PoliciesLimit",
    "InvalidWriteOffset",
    "TooManyParts",
    "InvalidGrantToken",
    "DryRun",
    "PlatformApplication",
    "EndpointDisabled",
)
"""Beginnings of errors of features that no call here uses: networks and file systems of functions, parameter policies,
directory buckets, grant tokens, mobile push."""

THROTTLED = {
    "s3": "SlowDown",
    "lambda": "TooManyRequestsException",
    "service-quotas": "TooManyRequestsException",
    "iam": "Throttling",
    "sts": "Throttling",
    "sns": "Throttled",
    "cloudwatch": "Throttling",
}
DENIED = {"s3": "AccessDenied", "iam": "AccessDenied", "sts": "AccessDenied", "cloudwatch": "AccessDenied"}
UNAVAILABLE = {"lambda": "ServiceException", "bedrock": "InternalServerException", "kms": "KMSInternalException"}
"""Service -> its code; of others ThrottlingException, AccessDeniedException and ServiceUnavailable."""

MAKING = ("Create", "Put", "Update", "Publish", "Stop", "Delete")


@dataclass(frozen=True)
class Wanted:
    """A fault that some case must have.

    Args:
        state: In which state.
        words: Of the failure.
        fault: What fails.
        line: On a line with a live release, or on a new one.
    """

    state: str
    words: str
    fault: ApiFault
    line: Literal["live", "new"]


def wanted(found: Bases) -> Iterator[Wanted]:
    """Yield every fault that some case must have, in the order of the workflow."""
    calls = sorted(found.calls, key=lambda call: (found.place(call.state), call.operation))
    for call in calls:
        if call.state not in ELSEWHERE:
            line: Literal["live", "new"] = "live" if call in found.calls_on_live else "new"
            for words, fault in faults_of(call):
                yield Wanted(call.state, words, fault, line)


def faults_of(call: Call) -> Iterator[tuple[str, ApiFault]]:
    """Yield how a call may fail."""
    service, name = call.operation.split(":")
    throttled = THROTTLED.get(service, "ThrottlingException")
    denied = DENIED.get(service, "AccessDeniedException")
    unavailable = UNAVAILABLE.get(service, "ServiceUnavailable")
    yield f"{name} throttled, then well", ApiFault(call.handler, call.operation, throttled, 3)
    yield f"{name} throttled always", ApiFault(call.handler, call.operation, throttled, "always")
    yield f"{name} denied", ApiFault(call.handler, call.operation, denied, "always")
    yield f"{name} unavailable", ApiFault(call.handler, call.operation, unavailable, "always")
    if name.startswith(MAKING):
        lost = ApiFault(call.handler, call.operation, "ReadTimeoutError", 1, answer="lost")
        yield f"{name} done, its answer lost", lost
    for code, _ in errors(service, name):
        if code not in (throttled, denied, unavailable) and not code.startswith(OTHERS):
            yield f"{name}: {code}", ApiFault(call.handler, call.operation, code, "always")


def key(state: str, fault: ApiFault) -> tuple[object, ...]:
    """Return what makes two faults the same."""
    return state, fault.handler, fault.operation, fault.error, fault.times, fault.answer


def missing(found: Bases, cases: list[Case]) -> list[Wanted]:
    """Return the faults that no case has."""
    known = {key(case.state, case.fault) for case in cases if isinstance(case.fault, ApiFault)}
    return [one for one in wanted(found) if key(one.state, one.fault) not in known]


def observed(found: Bases, one: Wanted) -> Case:
    """Let a fault happen, hold its end against what holds for all, and return it as a case."""
    case = Case(one.state, one.words, one.fault, "", None, "unchanged", one.line)
    ran = let_happen(found, case)
    live: Literal["unchanged", "promoted"] = "unchanged" if live_of(ran.simulation.aws) == ran.before else "promoted"
    record = ran.simulation.aws.platform().runs.load(ran.simulation.run_id)
    words = f"{one.fault.operation.split(':')[1]}: {one.fault.error}"
    ended = replace(case, outcome=ran.outcome, reason=words if words in (record.reason or "") else None, live=live)
    check_case(ended, ran)
    return ended


def row(case: Case) -> str:
    """Return a case as a line of the file."""
    assert isinstance(case.fault, ApiFault)
    fault = {name: getattr(case.fault, name) for name in case.fault.__struct_fields__}
    empty = {"message": "", "after": 0, "key": "", "answer": "refused"}
    told = {name: value for name, value in fault.items() if name not in empty or empty[name] != value}
    line = {} if case.line == "live" else {"line": case.line}
    return json.dumps(
        {
            "state": case.state,
            "failure": case.failure,
            "fault": told,
            "outcome": case.outcome,
            "reason": case.reason,
            "live": case.live,
            **line,
        }
    )


def main() -> None:
    """Print the rows that lack."""
    with simulated_world():
        with contextlib.redirect_stdout(io.StringIO()):
            found = bases()
        for one in missing(found, load_cases()):
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    text = f"  {row(observed(found, one))},"
            except AssertionError as error:
                text = f"BROKEN {one.state}: {one.words}: {error}"
            sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main()

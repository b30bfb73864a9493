"""The cases, as they lie in tests/cases/faults.json: one row says what goes wrong where, and how the run must end."""

from pathlib import Path
from typing import Any, Literal

import msgspec

CASES = Path(__file__).resolve().parents[1] / "cases" / "faults.json"

Live = Literal["unchanged", "promoted", "by outcome"]


class ApiFault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls of one AWS operation that fail.

    Args:
        handler: Module of `rft_handlers` during which it strikes.
        operation: botocore's service and operation, `bedrock:CreateModelCustomizationJob`.
        error: Error code as the service answers it, or the name of a botocore exception for a lost connection.
        times: How many calls of the handlers fail, each after all attempts of the SDK; `always`: until the execution
            has ended and its closing was tried.
        message: The service's words.
        after: Calls of the operation that go well before.
        key: Of S3 operations: only objects whose key matches this regular expression.
        answer: `refused`: nothing was done; `lost`: it was done, and the answer never came.
    """

    handler: str
    operation: str
    error: str
    times: int | Literal["always"]
    message: str = ""
    after: int = 0
    key: str = ""
    answer: Literal["refused", "lost"] = "refused"


class Scenario(msgspec.Struct, frozen=True):
    """What is no error of an AWS operation; its parameters are those of the function of that name in `scenarios`."""

    scenario: str
    parameters: dict[str, Any]


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A failure and its end.

    Args:
        state: State of the state machine, or `Sweep`, `Settle` (both every 15 minutes) or `Rollback`.
        failure: In words; with the state, the case's name.
        fault: What happens.
        outcome: How the run ends, or how it may (`STOPPED|PROMOTED`), where that depends on the moment; of a rollback,
            `DONE`, `FAILED`, or `UNFINISHED` when it still is tried after 20 minutes.
        reason: Regular expression that its reason holds; None: any.
        live: What applications get afterwards; `promoted` means of a rollback that the release before serves again,
            and `by outcome` that they get the candidate exactly where the run is PROMOTED.
        line: `live`: a release of the line is live when the run begins; `new`: nothing is.
    """

    state: str
    failure: str
    fault: ApiFault | Scenario
    outcome: str
    reason: str | None
    live: Live
    line: Literal["live", "new"] = "live"

    @property
    def name(self) -> str:
        """What tests and reports call it."""
        return f"{self.state}: {self.failure}"

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes that it may have."""
        return tuple(self.outcome.split("|"))


def load_cases(path: Path = CASES) -> list[Case]:
    """Return the cases in order."""
    return [_case(row) for row in msgspec.json.decode(path.read_bytes(), type=list[dict[str, Any]])]


def _case(row: dict[str, Any]) -> Case:
    fault = dict(row["fault"])
    name = fault.pop("scenario", None)
    read = msgspec.convert(fault, ApiFault) if name is None else Scenario(name, fault)
    rest = msgspec.convert({**row, "fault": None}, _Rest)
    return Case(fault=read, **{name: getattr(rest, name) for name in rest.__struct_fields__ if name != "fault"})


class _Rest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    state: str
    failure: str
    fault: None
    outcome: str
    reason: str | None
    live: Live
    line: Literal["live", "new"] = "live"

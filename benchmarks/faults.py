"""The fault suite's cases on the embedded AWS: real functions, roles and state machine, in many runs side by side.

`tests/faults` runs the same cases in memory, on a clock of its own. Here the calls fail on the wire, processes are
killed, events are lost; waits take a twentieth of their time, everything else its own. One case of each kind is run, in
a fixed order. For a shorter look, the variable FAULT_CASES says how many of them, and FAULT_ONLY which, by a regular
expression for their names.
"""

import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from benchmarks.fault_cases import arrange, kind, needs_live
from benchmarks.fault_checks import Live
from benchmarks.fault_run import FaultRun
from benchmarks.fault_scenarios import NotHere
from benchmarks.instant_stack import InstantStack, instant_stack
from rft_contract.json_value import JsonObject, JsonValue
from rft_local.faults import set_pace
from tests.faults.case import ApiFault, Case, load_cases

COMMAND = "python -m benchmarks faults"
PORT, BEDROCK_PORT = 4936, 4937
SIDE_BY_SIDE = 5
"""An environment lets eight runs go on at once, and a case may need a second one."""

PACE = 0.05
STEADY = "steady"
"""The line of all cases in which nothing is promoted: what is live on it is that of the first run, to the end."""

RUNS_ON_A_HELD_OUT_SET = 40
"""The gate grows stricter with every candidate that a held-out set has seen."""

SAMPLE = (
    "StartTraining: CreateModelCustomizationJob done, its answer lost",
    "StartTraining: role not yet assumable: Bedrock refuses the job",
    "StartTraining: execution stopped while its function works, status event lost",
    "PollTraining: job Failed: reward function answers in another shape in the job",
    "PollTraining: job stuck past its deadline",
    "Certify: reward function raises",
    "Rollout: reward function runs out of memory",
    "PollDeployment: candidate's deployment Failed",
    "PollPromotion: update of the live deployment UpdateFailed",
    "Decide: better than the base model, worse than live",
    "PromoteCandidate: another run of the line was promoted meanwhile",
    "Close: function killed after each of its AWS calls in turn, then called again",
)
"""Those that hurt most; they come first."""


@dataclass(frozen=True)
class Ran:
    """A case, and how its run ended.

    Args:
        case: The case.
        seconds: What it took, with other runs beside it; None: it cannot be had here.
        outcome: How it ended; None: not at all.
        wrong: What did not hold, or why it cannot be had here; empty: all is well.
    """

    case: Case
    seconds: float | None
    outcome: str | None
    wrong: str

    def to_json(self) -> JsonObject:
        """Return it as the result file has it."""
        told: JsonObject = {"state": self.case.state, "failure": self.case.failure}
        if self.seconds is None:
            return {**told, "not_here": self.wrong}
        told |= {"outcome": self.outcome, "seconds": round(self.seconds, 1), "ok": not self.wrong}
        return {**told, **({"wrong": self.wrong} if self.wrong else {})}


def measure() -> JsonObject:
    """Run one case of each kind that can be had, and return how each ended."""
    wanted = re.compile(os.environ.get("FAULT_ONLY", ""))
    kinds = one_of_each_kind(load_cases())
    cases = [case for case in kinds if wanted.search(case.name)]
    limit = int(os.environ.get("FAULT_CASES", len(cases)))
    with instant_stack(PORT, BEDROCK_PORT) as stack:
        return figures(run_cases(stack, cases[:limit], tell), kinds=len(kinds))


def one_of_each_kind(cases: list[Case]) -> list[Case]:
    """Return the sample, then the first case of each kind in an order in which all states come early."""
    named = {case.name: case for case in cases}
    sample = [named[name] for name in SAMPLE]
    chosen = list({kind(case): case for case in reversed(cases)}.values())
    random.Random(7).shuffle(chosen)
    return sample + [case for case in chosen if case not in sample]


def tell(text: str) -> None:
    """Say how it goes."""
    print(text, file=sys.stderr, flush=True)


def run_cases(stack: InstantStack, cases: list[Case], say: Callable[[str], None]) -> list[Ran]:
    """Run cases side by side, on a stack where nothing ran before."""
    set_pace(stack.url, PACE)
    first = FaultRun(stack, "steady-1", STEADY, held_out="held-out-steady")
    first.check(first.go(), ["PROMOTED"], None)
    steady, began = first.live(), time.monotonic()
    done = Counter[bool]()

    def run(numbered: tuple[int, Case]) -> Ran:
        number, case = numbered
        ran = run_case(stack, case, number, steady)
        done[not ran.wrong or ran.seconds is None] += 1
        say(f"{sum(done.values())}/{len(cases)} {time.monotonic() - began:.0f} s {_line(ran)}")
        return ran

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return list(pool.map(run, enumerate(cases)))


def run_case(stack: InstantStack, case: Case, number: int, steady: Live) -> Ran:
    """Run one case to its end and hold it against what it must be.

    Args:
        stack: Where.
        case: The case.
        number: Its number; names its run and its line.
        steady: What is live on the line `STEADY`.
    """
    own = case.live == "promoted" or case.line == "new" or needs_live(case)
    held_out = f"held-out-{number // RUNS_ON_A_HELD_OUT_SET}"
    run = FaultRun(stack, f"fault-{number:04d}", f"line-{number:04d}" if own else STEADY, held_out=held_out)
    began = time.monotonic()
    try:
        arrange(case, run)
        if not own:
            run.before = steady
        elif needs_live(case):
            run.before = _prepared(run)
        record = run.go()
    except NotHere as reason:
        run.lift()
        return Ran(case, None, None, str(reason))
    except Exception as error:
        run.lift()
        return Ran(case, time.monotonic() - began, None, _words(error))
    try:
        assert run.strikes or not isinstance(case.fault, ApiFault), "the fault never struck"
        run.check(record, case.outcomes, case.reason)
        by_outcome = case.live == "by outcome" and record.outcome == "PROMOTED"
        run.check_live(record, promoted=by_outcome or case.live == "promoted")
        wrong = ""
    except Exception as error:
        wrong = _words(error)
    return Ran(case, time.monotonic() - began, record.outcome, wrong)


def _prepared(run: FaultRun) -> Live:
    """Promote a release on the run's line, and return what is live then."""
    earlier = FaultRun(run.stack, f"{run.run_id}-earlier", run.line, held_out=run.held_out)
    earlier.check(earlier.go(), ["PROMOTED"], None)
    return earlier.live()


def _words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]


def _line(ran: Ran) -> str:
    how = "not here" if ran.seconds is None else ran.outcome if not ran.wrong else f"WRONG, ended {ran.outcome}"
    return f"{ran.case.name}: {how}{f': {ran.wrong}' if ran.wrong else ''}"


def figures(found: list[Ran], *, kinds: int) -> JsonObject:
    """Count how the cases ended, with every case below.

    Args:
        found: The cases that were looked at.
        kinds: How many kinds of cases there are.
    """
    here = [ran for ran in found if ran.seconds is not None]
    reasons: Any = Counter(ran.wrong for ran in found if ran.seconds is None)
    rows: list[JsonValue] = [ran.to_json() for ran in found]
    return {
        "kinds": kinds,
        "cases": len(found),
        "run": len(here),
        "ok": sum(not ran.wrong for ran in here),
        "outcomes": dict(Counter(str(ran.outcome) for ran in here)),
        "not_here": dict(reasons.most_common()),
        "side_by_side": SIDE_BY_SIDE,
        "rows": rows,
    }

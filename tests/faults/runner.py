"""Runs the cases."""

from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import count

from tests.faults import scenarios
from tests.faults.bases import Bases, leave_strays, roll_back, stop_before
from tests.faults.case import ApiFault, Case, Scenario
from tests.faults.checks import (
    check_ended,
    check_in_time,
    check_next_sweep_is_idle,
    check_nothing_is_left,
    check_release,
)
from tests.faults.clock import CLOCK
from tests.faults.injection import Killed
from tests.faults.live import Live, live_of
from tests.faults.simulation import Simulation, Snapshot, Stopped

REPEATED = ("killed_half_way", "stopped_at_work")
"""Scenarios that strike after each AWS call of a handler in turn."""

BEGINS = {
    "Sweep": "PollTraining",
    "StatusEvent": "PollTraining",
    "Settle": "PollPromotion",
    "worse_than_live": "Evaluate",
    "no_better": "Evaluate",
    "base_knows_everything": "Plan",
    "update_fails": "PromoteCandidate",
    "update_stuck": "PromoteCandidate",
    "creation_of_live_fails": "PromoteCandidate",
}
"""State or scenario -> in front of which state its runs begin, where that is not the case's own."""

SWEEPS_WITH_FAULT = 4


@dataclass(frozen=True)
class Ran:
    """A case that was run.

    Args:
        simulation: Its run.
        before: What applications got when that began, or when another run of the line had ended.
        outcome: How it ended.
        strikes: How many runs that took: one, or one for each AWS call of a handler.
    """

    simulation: Simulation
    before: Live
    outcome: str
    strikes: int = 1


def run_case(bases: Bases, case: Case) -> Ran:
    """Run a case and hold its end against it.

    Raises:
        AssertionError: When it ends otherwise.
    """
    if isinstance(case.fault, Scenario) and case.fault.scenario in REPEATED:
        return _repeated(bases, case, case.fault)
    ran = let_happen(bases, case)
    check_case(case, ran)
    return ran


def let_happen(bases: Bases, case: Case) -> Ran:
    """Run a case to its end, whatever that is.

    Raises:
        AssertionError: When its fault never struck.
    """
    if case.state == "Rollback":
        return _roll_back(bases, case)
    simulation, snapshot = _prepared(bases, case)
    if isinstance(case.fault, Scenario):
        getattr(scenarios, case.fault.scenario)(simulation, **case.fault.parameters)
    else:
        simulation.injector.fault = case.fault
        simulation.injector.fault_state = case.state if case.fault.handler == "rollout" else None
    ran = _run(bases, case, simulation, snapshot)
    assert isinstance(case.fault, Scenario) or simulation.injector.struck, "the fault never struck"
    return ran


def _prepared(bases: Bases, case: Case) -> tuple[Simulation, Snapshot]:
    """Return the run in front of the case's state; of what comes after a run, the run in whose wake it comes."""
    scenario = case.fault.scenario if isinstance(case.fault, Scenario) else ""
    state = BEGINS.get(scenario) or BEGINS.get(case.state, case.state)
    simulation, snapshot = bases.simulation(case.line, state)
    if case.state in BEGINS:
        simulation.before.append(stop_before(state))
    if case.state == "Sweep":
        leave_strays(simulation.aws)
        simulation.events_delivered = 0
    if case.state in ("Sweep", "Settle"):
        simulation.sweeps_with_fault = SWEEPS_WITH_FAULT
    return simulation, snapshot


def _run(bases: Bases, case: Case, simulation: Simulation, snapshot: Snapshot) -> Ran:
    before = live_of(bases.snapshots[case.line, "Plan"].aws)
    if simulation.recipe is not None:
        simulation.start(**simulation.recipe)
    else:
        simulation.resume(snapshot)
    for rival in simulation.rivals:
        rival.finish()
    simulation.finish()
    before = simulation.overtaken or before
    return Ran(simulation, before, simulation.aws.platform().runs.load(simulation.run_id).outcome or "")


def _repeated(bases: Bases, case: Case, fault: Scenario) -> Ran:
    """Strike after the first call of the handler, then after the second, and so on, until it makes no more."""
    strike = {"killed_half_way": _kill, "stopped_at_work": _stop}[fault.scenario]
    for number in count(1):
        simulation, snapshot = _prepared(bases, case)
        struck = strike(simulation, case.state, number)
        ran = _run(bases, case, simulation, snapshot)
        if not struck:
            assert number > 1, "the handler makes no call"
            return replace(ran, strikes=number - 1)
        try:
            check_case(case, ran)
        except AssertionError as error:
            raise AssertionError(f"after call {number}: {error}") from error
    raise AssertionError("unreachable")


def _kill(simulation: Simulation, state: str, number: int) -> list[int]:
    """Kill the handler's process after a call, once."""
    struck: list[int] = []

    def watch(step: int) -> None:
        if simulation.injector.state == state and step == number and not struck:
            struck.append(number)
            raise Killed

    simulation.injector.watch = watch
    return struck


def _stop(simulation: Simulation, state: str, number: int) -> list[int]:
    """Stop the execution after a call of the handler, which works on; the status event closes the run meanwhile."""
    struck: list[int] = []

    def watch(step: int) -> None:
        injector = simulation.injector
        if injector.state == state and step == number and not struck:
            struck.append(number)
            working = (injector.state, injector.handler, injector.steps)
            simulation.note_end("ABORTED")
            simulation.deliver_event()
            injector.state, injector.handler, injector.steps = working

    def end(run: Simulation, name: str) -> None:
        if struck and name == state:
            raise Stopped("ABORTED")

    simulation.injector.watch = watch
    simulation.after.append(end)
    return struck


def _roll_back(bases: Bases, case: Case) -> Ran:
    CLOCK.seconds = bases.promoted.seconds
    simulation = Simulation(bases.machine, deepcopy(bases.promoted.aws))
    assert isinstance(case.fault, ApiFault)
    simulation.injector.fault = case.fault
    before = live_of(simulation.aws)
    outcome = roll_back(simulation)
    assert simulation.injector.struck, "the fault never struck"
    simulation.injector.recover()
    for _ in range(SWEEPS_WITH_FAULT):
        simulation.tick()
    return Ran(simulation, before, outcome)


def _leaves_something(case: Case) -> bool:
    """Whether the sweeper has something to do: closing failed or was not asked, or a call was on its way meanwhile."""
    if isinstance(case.fault, ApiFault):
        return case.fault.handler == "close" or case.state == "Sweep"
    return case.fault.scenario == "stopped_at_work" or case.fault.parameters.get("closes") == "sweeper"


def check_case(case: Case, ran: Ran) -> None:
    """Hold a case that was run against its row, and against what holds for all."""
    simulation = ran.simulation
    if case.state != "Rollback":
        assert simulation.left_for_sweeper == [] or _leaves_something(case)
        check_ended(simulation, case.outcomes, case.reason)
        check_in_time(simulation)
    assert ran.outcome in case.outcomes
    check_nothing_is_left(simulation.aws)
    check_next_sweep_is_idle(simulation)
    check_release(simulation.aws)
    after = live_of(simulation.aws)
    if case.live == "unchanged" or (case.live == "by outcome" and ran.outcome != "PROMOTED"):
        assert after == ran.before
    elif case.state == "Rollback":  # what was begun is completed by whoever looks at the line next
        assert after.release == (ran.before.release or 0) - 1
    else:
        record = simulation.aws.platform().runs.load(simulation.run_id)
        assert (after.release, after.serves) == (record.release, record.model_arn)
        assert (after.release or 0) > (ran.before.release or 0)

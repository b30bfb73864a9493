"""Runs in front of each of their states, made once: a case begins where its fault strikes."""

import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import copy, deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest.mock import patch

import rft_handlers
from rft_contract.naming import candidate_deployment_name, custom_model_name, job_name, reward_alias
from rft_runtime import statistics
from rft_runtime.probing import probe_statistics
from tests.constructs_.test_workflow import STEPS
from tests.faults.account import NEVER, Course, bedrock_of, new_account
from tests.faults.case import ApiFault
from tests.faults.clock import CLOCK, virtual_time
from tests.faults.injection import Call
from tests.faults.machine import StateMachine, state_machine
from tests.faults.simulation import RUN, Simulation, Snapshot, Stopped
from tests.unit.fakes.account import BASE_MODEL, REWARD_FUNCTION
from tests.unit.fakes.aws import FakeAws

OLDER = "tickets-1"
ORDER = (*STEPS[: STEPS.index("HowItEnded")], "CloseAfterError", *STEPS[STEPS.index("HowItEnded") :])
"""The states in the order in which a run comes to them."""

STRAY = "gone-1"
"""A run of which nothing is known any more but what it left."""

for _module in pkgutil.iter_modules(rft_handlers.__path__):
    importlib.import_module(f"rft_handlers.{_module.name}")


@dataclass(frozen=True)
class Bases:
    """Where cases begin.

    Args:
        machine: The state machine.
        snapshots: `live` or `new` (line) and state -> the run in front of that state.
        promoted: The account after the run that was promoted on a line with a live release, and the clock then.
        calls: Every call of AWS that these runs and what comes after them make.
        calls_on_live: Those of them that are made where a release of the line is live.
    """

    machine: StateMachine
    snapshots: dict[tuple[str, str], Snapshot]
    promoted: Snapshot
    calls: frozenset[Call]
    calls_on_live: frozenset[Call]

    def simulation(self, line: str, state: str) -> tuple[Simulation, Snapshot]:
        """Return a run in front of a state, and where it is."""
        snapshot = self.snapshots[line, self._at(state)]
        CLOCK.seconds = snapshot.seconds
        return Simulation(self.machine, deepcopy(snapshot.aws)), snapshot

    def place(self, state: str) -> tuple[int, str]:
        """Return where a state comes in the workflow, for sorting; what comes after a run comes last."""
        at = self._at(state)
        return (ORDER.index(at) if at in ORDER else len(ORDER), state)

    def _at(self, state: str) -> str:
        """Return the state of the main line: of a map's children, the map."""
        return next((name for name in self.machine.states if self.machine.child(name) == state), state)


@contextmanager
def simulated_world() -> Iterator[None]:
    """Let time be virtual, and the same numbers be resampled once only: that is most of what a run costs."""
    with virtual_time(), ExitStack() as patches:
        for module, name in ((statistics, "bootstrap_means"), (probe_statistics, "estimates")):
            patches.enter_context(patch.object(module, name, _remembered(getattr(module, name))))
        yield


_MEMORY: dict[str, Any] = {}


def _remembered(function: Any) -> Any:
    def remembered(*arguments: Any, **options: Any) -> Any:
        key = repr((function.__name__, arguments, sorted(options.items())))
        if key not in _MEMORY:
            _MEMORY[key] = function(*arguments, **options)
        return copy(_MEMORY[key])  # what callers do with it is theirs

    return remembered


@cache
def bases() -> Bases:
    """Make them; within `simulated_world`."""
    machine = state_machine()
    calls: dict[str, set[Call]] = {"new": set(), "live": set()}
    CLOCK.seconds = 0.0
    aws = new_account()
    snapshots: dict[tuple[str, str], Snapshot] = {}
    for line, run_id in (("new", RUN), ("live", RUN)):
        if line == "live":
            CLOCK.seconds, aws = 0.0, new_account()
            good(Simulation(machine, aws, run_id=OLDER))
            CLOCK.pass_(24 * 3600)
        simulation = good(Simulation(machine, aws, run_id=run_id, snapshots={}))
        snapshots |= {(line, state): found for state, found in (simulation.snapshots or {}).items()}
        calls[line] |= simulation.injector.seen
    promoted = Snapshot(aws, CLOCK.seconds, "Rollback", None, 0)
    found = Bases(machine, snapshots, promoted, frozenset(), frozenset())
    for line in ("new", "live"):
        snapshots[line, "CloseAfterError"] = _in_front_of_close_after_error(found, line)
    for simulation in (_swept(found), _settled(found), _rolled_back(found), _after_error(found)):
        calls["live"] |= simulation.injector.seen
    return Bases(machine, snapshots, promoted, frozenset(calls["live"] | calls["new"]), frozenset(calls["live"]))


def good(simulation: Simulation) -> Simulation:
    """Run the usual recipe, which ends PROMOTED."""
    simulation.start()
    assert simulation.status == "SUCCEEDED", simulation.aws.platform().runs.load(simulation.run_id).reason
    simulation.finish()
    assert simulation.complaints == []
    return simulation


def stop_before(state: str, status: str = "ABORTED") -> Any:
    """Return a hook that ends the execution in front of a state."""

    def stop(simulation: Simulation, name: str) -> None:
        if name == state:
            raise Stopped(status)

    return stop


def leave_strays(aws: FakeAws) -> None:
    """Leave in the account one of each that a run makes, without any record of the run, and a model to be deleted."""
    bedrock, name = bedrock_of(aws), job_name("dev", STRAY)
    tags = [{"key": "rft:run", "value": STRAY}, {"key": "rft:environment", "value": "dev"}]
    arn = f"arn:aws:bedrock:us-east-1:123456789012:model-customization-job/{BASE_MODEL}/job000000099"
    created = CLOCK.now().replace(year=CLOCK.now().year - 1)
    bedrock.jobs[name] = {
        "jobArn": arn,
        "status": "InProgress",
        "creationTime": created,
        "clientRequestToken": "gone",
        "course": Course(NEVER, "Completed"),
    }
    deployment = "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/strayaaaaaaa"
    model = bedrock.add_model(custom_model_name("dev", STRAY), 99, STRAY)
    bedrock.deployments[candidate_deployment_name("dev", STRAY)] = {
        "customModelDeploymentArn": deployment,
        "modelArn": model,
        "status": "Active",
        "createdAt": created,
    }
    bedrock.tags |= {arn: tags, deployment: tags}
    aws.functions.aliases[REWARD_FUNCTION, reward_alias(STRAY)] = {"AliasArn": "stray", "FunctionVersion": "7"}


def roll_back(simulation: Simulation, *, calls: int = 40) -> str:
    """Call the rollback as `rft release rollback` does, until it is done; return how it ended."""
    event = {"line": "ticket-routing", "token": "back-1", "reason": "worse on Mondays"}
    for _ in range(calls):
        try:
            if simulation.call("Rollback", "release_rollback", event)["progress"] == "DONE":
                return "DONE"
        except Exception as error:
            simulation.complaints.append(f"Rollback: {error}")
            if type(error).__name__ != "Transient":
                return "FAILED"
        CLOCK.pass_(30)
    return "UNFINISHED"


def _in_front_of_close_after_error(found: Bases, line: str) -> Snapshot:
    simulation, snapshot = found.simulation(line, "PollTraining")
    simulation.injector.fault = ApiFault(
        "train_poll", "bedrock:GetModelCustomizationJob", "AccessDeniedException", "always"
    )
    simulation.snapshots = {}
    simulation.resume(snapshot)
    return simulation.snapshots["CloseAfterError"]


def _after_error(found: Bases) -> Simulation:
    simulation, snapshot = found.simulation("live", "CloseAfterError")
    simulation.resume(snapshot)
    return simulation


def _swept(found: Bases) -> Simulation:
    simulation, snapshot = found.simulation("live", "PollTraining")
    leave_strays(simulation.aws)
    simulation.before.append(stop_before("PollTraining"))
    simulation.events_delivered = 0
    simulation.resume(snapshot)
    simulation.finish()
    return simulation


def _settled(found: Bases) -> Simulation:
    simulation, snapshot = found.simulation("live", "PollPromotion")
    simulation.before.append(stop_before("PollPromotion"))
    simulation.resume(snapshot)
    simulation.finish()
    return simulation


def _rolled_back(found: Bases) -> Simulation:
    CLOCK.seconds = found.promoted.seconds
    simulation = Simulation(found.machine, deepcopy(found.promoted.aws))
    assert roll_back(simulation) == "DONE"
    return simulation

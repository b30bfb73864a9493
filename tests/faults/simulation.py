"""A run from its first state to the last thing that is done for it, with a fault in it."""

import importlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

from tests.constructs_.simulated_execution import Ended, SimulatedExecution
from tests.faults.account import bedrock_of, lambda_of
from tests.faults.clock import CLOCK
from tests.faults.injection import Injector, Killed
from tests.faults.live import Live, current_of, left_in
from tests.faults.machine import StateMachine
from tests.unit.fakes.account import BUCKET, EXECUTION, RESOURCES, REWARD_FUNCTION
from tests.unit.fakes.account import SETTINGS as USUAL
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.recipe import recipe_json

RUN = "tickets-2"
SETTINGS = replace(USUAL, rollouts_at_once=4)
"""Fewer threads: each costs more than what it does here."""

SWEEP_SECONDS = 15 * 60
SWEEPS = 8
"""Two hours: more than anything that is left may take."""

SWEEP_EVENT = {
    "rewards": [REWARD_FUNCTION],
    "close_function": "dev-close",
    "keep_releases": SETTINGS.keep_releases,
    "rejected_model_days": SETTINGS.rejected_model_days,
}
ASYNC_WAITS = (60, 120)
"""Before the second and third attempt of an asynchronous call (Lambda developer guide, "Asynchronous invocation")."""


class FunctionLost(Exception):
    """What Step Functions says when a function's answer never came."""


FunctionLost.__name__ = "Lambda.SdkClientException"


class FunctionExited(Exception):
    """What Step Functions says when a function's process ended before its answer."""


FunctionExited.__name__ = "Runtime.ExitError"


class Stopped(BaseException):
    """The execution ended from outside, and no state sees that: its status."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class BrokenTest(BaseException):
    """Nothing that AWS could have answered: no handler and no state machine may take it for a failure."""


@dataclass
class Snapshot:
    """A run in front of a state.

    Args:
        aws: The account.
        seconds: The clock.
        state: The state.
        data: Its input.
        events: In the history so far.
    """

    aws: FakeAws
    seconds: float
    state: str
    data: Any
    events: int


class Context:
    """What Lambda hands to a function: five minutes, as the virtual clock has it."""

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


Hook = Callable[["Simulation", str], None]


@dataclass
class Execution(SimulatedExecution):
    """An execution that tells where it is."""

    enter: Callable[[str, Any], None] = lambda state, data: None

    def _step(self, name: str, state: dict[str, Any], data: Any) -> tuple[Any, str | None]:
        self.enter(name, data)
        return super()._step(name, state, data)


@dataclass
class Simulation:
    """One run.

    Args:
        machine: The state machine.
        aws: The account.
        run_id: The run.
        before: Called in front of every state.
        first: Called before a handler's work.
        after: Called after a handler's work, before its answer arrives.
        rivals: Other runs on the same account.
        overtaken: What applications got when a rival had ended.
        recipe: Changes to the usual recipe; None: the run goes on from a snapshot.
        events_delivered: How often the status event of the execution's end arrives.
        sweeps_with_fault: For how many sweeps a fault that is `always` there lasts.
        dead_letters: Asynchronous calls that failed three times.
        complaints: What handlers raised after the execution had ended.
        status: The execution's.
        closed_by: Who finished closing: `state`, `event` or `sweeper`.
        left_for_sweeper: What still billed when state and event had done their part.
    """

    machine: StateMachine
    aws: FakeAws
    run_id: str = RUN
    before: list[Hook] = field(default_factory=list)
    first: list[Hook] = field(default_factory=list)
    after: list[Hook] = field(default_factory=list)
    rivals: list["Simulation"] = field(default_factory=list)
    overtaken: Live | None = None
    recipe: dict[str, Any] | None = None
    events_delivered: int = 1
    sweeps_with_fault: int = 0
    dead_letters: list[dict[str, Any]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    status: str = ""
    closed_by: str | None = None
    left_for_sweeper: list[str] = field(default_factory=list)
    snapshots: dict[str, Snapshot] | None = None
    injector: Injector = field(init=False)
    execution: Execution = field(init=False)

    def __post_init__(self) -> None:
        self.injector = Injector(self.aws)
        self.execution = Execution(
            definition=self.machine.definition,
            call=self._call,
            items=lambda key: self.aws.s3.objects[key].decode().splitlines(),
            name=self.run_id,
            arn=EXECUTION + self.run_id,
            enter=self._enter,
        )
        self._state, self._data = "", None

    def start(self, **recipe: Any) -> None:
        """Run a recipe from the first state on."""
        self.execution.seconds = CLOCK.seconds
        wanted = {"promote": True, "probe": {"prompts": 20}, "gate": {"samples_per_prompt": 0}, **recipe}
        self.execute(self.machine.definition, {"run_id": self.run_id, "recipe": recipe_json(**wanted)})

    def resume(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot, whose account this simulation has."""
        self.execution.seconds, self.execution.events = snapshot.seconds, snapshot.events
        self.execute({**self.machine.definition, "StartAt": snapshot.state}, snapshot.data)

    def execute(self, definition: dict[str, Any], data: Any) -> None:
        """Let the execution take its course, and note its end."""
        self.aws.states.executions[self.run_id] = ("RUNNING", None)
        try:
            with handlers_on(self.injector):
                self.execution._walk(definition, data)
            self.status = "SUCCEEDED"
        except Stopped as stopped:
            self.status = stopped.status
        except Ended as ended:
            self.status = "TIMED_OUT" if ended.args[0] == "States.Timeout" else "FAILED"
        CLOCK.reach(self.execution.seconds)
        if self.aws.states.executions[self.run_id][1] is None:
            self.note_end(self.status)
        self._note_closed("state")

    def finish(self) -> None:
        """Do what happens after an execution's end: the status event, and two hours of what comes every 15 minutes."""
        for _ in range(self.events_delivered):
            self.deliver_event()
        self.left_for_sweeper = left_in(self.aws)
        for number in range(SWEEPS):
            if number == self.sweeps_with_fault:
                self.injector.recover()
            self.tick()
            if number >= self.sweeps_with_fault and self._is_settled():
                return

    def note_end(self, status: str) -> None:
        """Let the execution be over for Step Functions."""
        self.status = status
        self.aws.states.executions[self.run_id] = (status, CLOCK.now())

    def deliver_event(self) -> None:
        """Tell the closing handler of the execution's end, as the rule on its status event does."""
        event = {"run_id": self.run_id, "execution": EXECUTION + self.run_id, "execution_status": self.status}
        self.call_later("StatusEvent", "close", event)
        self._note_closed("event")

    def tick(self) -> None:
        """Let 15 minutes pass, and do what then is done."""
        CLOCK.pass_(SWEEP_SECONDS)
        self.call_later("Sweep", "sweep", SWEEP_EVENT, attempts=1)
        queue = lambda_of(self.aws).queued
        while queue:
            self.call_later("SweeperClose", "close", queue.pop(0))
        self._note_closed("sweeper")
        self.call_later("Settle", "release_settle", {}, attempts=1)

    def call_later(self, state: str, handler: str, event: dict[str, Any], attempts: int = 3) -> None:
        """Call a handler as Lambda does asynchronously: again after errors, then the event is put aside."""
        for attempt in range(attempts):
            try:
                self.call(state, handler, event)
                return
            except Exception as error:
                self.complaints.append(f"{state}: {error}")
                if attempt + 1 < attempts:
                    CLOCK.pass_(ASYNC_WAITS[attempt])
        self.dead_letters.append(event)

    def call(self, state: str, handler: str, event: dict[str, Any]) -> Any:
        """Call a handler once."""
        bedrock_of(self.aws).take_course(self._write)
        for hook in self.first:
            hook(self, state)
        self.injector.begin(state, handler)
        module = importlib.import_module(f"rft_handlers.{handler}")
        try:
            with handlers_on(self.injector):
                answer = module.handler(json.loads(json.dumps(event)), Context())
        except Killed:
            raise FunctionExited("the function was killed") from None
        except AssertionError as error:
            raise BrokenTest(f"{state}: a request that AWS would refuse, or a fake that lacks something") from error
        forget_calls(self.aws)
        for hook in self.after:
            hook(self, state)
        return json.loads(json.dumps(answer))

    def _call(self, resource: str, payload: Any) -> Any:
        CLOCK.reach(self.execution.seconds)
        handler = self.machine.modules[resource]
        if payload.keys() >= {"settings", "resources"}:
            payload = {**payload, "settings": SETTINGS.to_json(), "resources": RESOURCES.to_json()}
        try:
            return self.call(self.machine.child(self._state) or self._state, handler, payload)
        finally:
            self.execution.seconds = max(self.execution.seconds, CLOCK.seconds)

    def _enter(self, state: str, data: Any) -> None:
        CLOCK.reach(self.execution.seconds)
        self._state = state
        if self.snapshots is not None and state not in self.snapshots:
            self.snapshots[state] = Snapshot(
                deepcopy(self.aws), self.execution.seconds, state, data, self.execution.events
            )
        for hook in self.before:
            hook(self, state)

    def _write(self, address: str, text: str) -> None:
        key = address.removeprefix(f"s3://{BUCKET}/") + "/training_artifacts/step_wise_training_metrics.csv"
        self.aws.s3.put(key, text.encode())

    def _is_settled(self) -> bool:
        """Whether nothing is under way any more, and nothing is left for a later sweep."""
        record = self.aws.platform().runs.find(self.run_id)
        return (
            record is not None
            and record.closed is not None
            and current_of(self.aws).change is None
            and left_in(self.aws) == []
        )

    def _note_closed(self, by: str) -> None:
        record = self.aws.platform().runs.find(self.run_id)
        if self.closed_by is None and record is not None and record.closed is not None:
            self.closed_by = by


def forget_calls(aws: FakeAws) -> None:
    """Empty what the account's clients keep of calls: a copy of it all would take longer than the run."""
    aws.bedrock_runtime.requests.clear()
    aws.functions.events.clear()
    aws.bedrock.calls[:] = [call for call in aws.bedrock.calls if call == "CreateCustomModelDeployment"]  # they number


@contextmanager
def handlers_on(injector: Injector) -> Iterator[None]:
    """Let handlers find the account that an injector stands in front of."""
    module = importlib.import_module(f"rft_handlers.{injector.handler}") if injector.handler else None
    with ExitStack() as patches:
        if module is not None and hasattr(module, "here"):
            patches.enter_context(patch.object(module, "here", injector.platform))
        yield

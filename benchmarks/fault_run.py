"""One run on the embedded AWS in which something goes wrong, and what must hold after it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from benchmarks.fault_checks import (
    ENVIRONMENT,
    Live,
    change_of,
    check_ended,
    check_live,
    check_nothing_is_left,
    is_marked_open,
    live_of,
)
from benchmarks.fault_looks import SETTLES, settle, sweep
from benchmarks.instant_stack import InstantStack
from rft_contract.json_value import JsonObject
from rft_contract.layout import RunKeys
from rft_contract.naming import candidate_deployment_name, job_name, live_deployment_name
from rft_local.bedrock.accidents import Accident
from rft_local.emulator.faults import EXECUTION, Effect, Fault
from rft_local.faults import lift_faults, order_accident, order_faults, ordered_faults
from rft_runtime.releases.release_change import GRACE
from rft_runtime.run_record import RunRecord

BASE_MODEL = "local.smollm2-135m-instruct-v1:0"
RUN_SECONDS = 900.0
CLOSING_SECONDS = 60.0
TRAIN, HELD_OUT, PROBED = 100, 60, 12

CALLERS = {
    "Plan": "HandlersPlan",
    "Validate": "HandlersValidate",
    "Freeze": "HandlersFreeze",
    "Certify": "HandlersCertify",
    "StartProbe": "HandlersProbeStart",
    "Probe": "HandlersRollout",
    "ProbeRollout": "HandlersRollout",
    "DecideProbe": "HandlersProbeDecide",
    "StartTraining": "HandlersTrainStart",
    "PollTraining": "HandlersTrainPoll",
    "DeployCandidate": "HandlersDeployStart",
    "PollDeployment": "HandlersDeployPoll",
    "Evaluate": "HandlersRollout",
    "Rollout": "HandlersRollout",
    "Decide": "HandlersDecide",
    "PromoteCandidate": "PromoteStart",
    "PollPromotion": "PromotePoll",
    "Close": "HandlersClose",
    "CloseAfterError": "HandlersClose",
}
"""State that calls a function -> what the names of the function and of its role hold."""

_PROBED, _EVALUATED = ('"data": *"probe"',), ('"data": *"(held_out|guard)',)
_ABOUT = {"Probe": _PROBED, "ProbeRollout": _PROBED, "Evaluate": _EVALUATED, "Rollout": _EVALUATED}
"""State that shares its function with another -> what only its events hold."""


@dataclass
class FaultRun:
    """A run that will meet faults.

    Args:
        stack: Where it runs.
        run_id: Its id.
        line: Its model line.
        held_out: Name of the held-out set; runs that share one share certificates, and the set's uses.
        skill: Share of the prompts that its candidate answers right.
        changes: Changes to the usual recipe.
        meanwhile: What happens while it goes on, in this order.
        before: What applications get of its line before it promotes anything.
        strikes: How often its faults had their effect, once it is over.
    """

    stack: InstantStack
    run_id: str
    line: str
    held_out: str = "held-out"
    skill: float = 1.0
    changes: JsonObject = field(default_factory=dict)
    meanwhile: list[Callable[[], None]] = field(default_factory=list)
    before: Live = field(default_factory=Live)
    strikes: int = 0
    _numbers: list[int] = field(default_factory=list)
    _execution: str = ""

    def recipe(self) -> JsonObject:
        """Return the recipe, whose datasets are uploaded."""
        usual: JsonObject = {
            "schema": 1,
            "line": self.line,
            "reward": "routing",
            "base_model": BASE_MODEL,
            "datasets": {
                "train": self.stack.upload(f"train-{self.skill:g}", TRAIN, skill=self.skill),
                "held_out": self.stack.upload(self.held_out, HELD_OUT),
            },
            "hyperparameters": {"batchSize": 16, "trainingSamplePerPrompt": 2, "inferenceMaxTokens": 16},
            "probe": {"prompts": PROBED},
            "gate": {"samples_per_prompt": 1},
            "promote": True,
        }
        return {**usual, **self.changes}

    def order(self, fault: Fault) -> int:
        """Order a fault, for calls that are about this run alone, and return its number."""
        return self._order_about(self.run_id, fault)

    def order_in_looks(self, fault: Fault) -> int:
        """Order a fault of what looks at lines do on this run's: other runs call for them while this one goes on."""
        return self._order_about(self.line, msgspec.structs.replace(fault, caller=SETTLES))

    def _order_about(self, name: str, fault: Fault) -> int:
        about = (rf"{name}(?![\w-])", *fault.about)
        (number,) = order_faults(self.stack.url, [msgspec.structs.replace(fault, about=about)])
        self._numbers.append(number)
        return number

    def order_in(self, state: str, fault: Fault) -> int:
        """Order a fault of what the function of a state does."""
        about = (*_ABOUT.get(state, ()), *fault.about)
        return self.order(msgspec.structs.replace(fault, caller=CALLERS[state], about=about))

    def order_of_call(self, state: str, fault: Fault) -> int:
        """Order a fault of the call that a state makes of its function."""
        about = (CALLERS[state], *_ABOUT.get(state, ()), *fault.about)
        return self.order(msgspec.structs.replace(fault, caller="StateMachine", about=about))

    def accident(self, resource: Any, ends: str, message: str = "", name: str | None = None) -> None:
        """Order an accident of this run's job or deployment, or of another name's."""
        names = {
            "job": job_name(ENVIRONMENT, self.run_id),
            "deployment": candidate_deployment_name(ENVIRONMENT, self.run_id),
            "update": live_deployment_name(ENVIRONMENT, self.line),
        }
        accident = Accident(resource=resource, name=name or names[resource], ends=ends, message=message)
        order_accident(self.stack.bedrock_url, accident)

    def hold(self, state: str, action: Callable[[], None], *, refuse: bool = False) -> None:
        """Do something while the function of a state is held up, once; it then runs, or is refused."""
        effect = Effect.REFUSE if refuse else Effect.DELAY
        number = self.order_in(state, Fault(operation=EXECUTION, effect=effect, delay_seconds=RUN_SECONDS))

        def act() -> None:
            self.wait(lambda: self.struck(number) > 0 or self.is_over(), RUN_SECONDS, f"{state} was not reached")
            assert self.struck(number), f"{state} was not reached"
            action()
            self.lift([number])

        self.meanwhile.append(act)

    def struck(self, number: int) -> int:
        """Return how often an ordered fault had its effect."""
        return next((one.struck for one in ordered_faults(self.stack.url) if one.number == number), 0)

    def lift(self, numbers: Sequence[int] = ()) -> None:
        """Let AWS be well again, of some faults or of all of this run's."""
        lifted = [one for one in ordered_faults(self.stack.url) if one.number in (numbers or self._numbers)]
        self.strikes += sum(one.struck for one in lifted if one.fault.caller != SETTLES)
        if lifted:
            lift_faults(self.stack.url, [one.number for one in lifted])

    def wait(self, ask: Callable[[], bool], seconds: float, complaint: str) -> None:
        """Wait until something holds.

        Raises:
            AssertionError: When it does not in time.
        """
        deadline = time.monotonic() + seconds
        while not ask():
            assert time.monotonic() < deadline, complaint
            time.sleep(0.4)

    def record(self) -> RunRecord | None:
        """Return the run's record; None: there is none yet."""
        try:
            found = self.stack.client("s3").get_object(
                Bucket=self.stack.outputs.bucket, Key=RunKeys(self.run_id).record
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchKey":
                raise
            return None
        return msgspec.json.decode(found["Body"].read(), type=RunRecord)

    def live(self) -> Live:
        """Return what applications get of the line now."""
        return live_of(self.stack, self.line)

    def go(self) -> RunRecord:
        """Run it to its end, with what comes every 15 minutes after it, and return its record.

        Raises:
            AssertionError: When it does not end, or nobody can close it or settle its line.
        """
        self._execution = self.stack.start(self.run_id, self.recipe())
        for act in self.meanwhile:
            act()
        self.stack.ended(self._execution, RUN_SECONDS)
        if not self._is_closed_within(3.0):
            self.lift()
            if not self._is_closed_within(3.0):
                deadline = time.monotonic() + CLOSING_SECONDS
                while not self._is_closed_within(2.0):
                    assert time.monotonic() < deadline, "neither the status event nor the sweeper closed the run"
                    sweep(self.stack)
        self.lift()
        self._settle()
        found = self.record()
        assert found is not None
        return found

    def is_over(self) -> bool:
        """Return whether its execution has ended."""
        found = self.stack.client("stepfunctions").describe_execution(executionArn=self._execution)
        return bool(found["status"] != "RUNNING")

    def _is_closed_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self._is_closed():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.4)
        return True

    def _is_closed(self) -> bool:
        """Whether nobody has to come back for it; its mark is removed last."""
        found = self.record()
        return found is not None and found.closed is not None and not is_marked_open(self.stack, self.run_id)

    def _settle(self) -> None:
        """Let its line be looked at until nothing that the run began on it is under way, as if it had ended long ago.

        Raises:
            AssertionError: When that takes too long.
        """
        deadline = time.monotonic() + CLOSING_SECONDS
        if change_of(self.stack, self.line) == self.run_id:
            self._age(GRACE)
        while change_of(self.stack, self.line) == self.run_id:
            assert time.monotonic() < deadline, "what it began on its line stays under way"
            settle(self.stack)
            time.sleep(0.4)

    def _age(self, by: timedelta) -> None:
        """Let it have ended that much earlier."""
        found = self.record()
        assert found is not None and found.ended is not None
        body = msgspec.json.encode(msgspec.structs.replace(found, ended=found.ended - by))
        self.stack.client("s3").put_object(Bucket=self.stack.outputs.bucket, Key=found.keys.record, Body=body)

    def check(self, record: RunRecord, outcomes: Sequence[str], reason: str | None) -> None:
        """Hold the run's end against what it must be, and look for what it may have left.

        Raises:
            AssertionError: When it ended otherwise, without a report, or left something that bills.
        """
        check_ended(self.stack, record, outcomes, reason)
        check_nothing_is_left(self.stack, record)

    def check_live(self, record: RunRecord, *, promoted: bool) -> None:
        """Hold what applications get against what they must get.

        Raises:
            AssertionError: When it is something else.
        """
        check_live(self.before, self.live(), record, promoted=promoted)

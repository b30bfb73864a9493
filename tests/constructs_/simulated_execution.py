"""An execution of a state machine without AWS: its definition, walked state by state on a clock of its own.

Only what the definitions of this project use of the Amazon States Language. What a state writes into the history is
counted as the Step Functions API reference's HistoryEventType and the developer guide have it.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

EVENTS = {"Choice": 2, "Pass": 2, "Wait": 2, "Succeed": 2, "Fail": 1}
"""Entered and exited; a Fail is never left."""

TASK_EVENTS = 2
ATTEMPT_EVENTS = 3
"""Of one call to a function: scheduled, started, and succeeded or failed."""

MAP_EVENTS = 6
"""Of a Distributed Map, however many items it has: entered, started, run started, run succeeded, succeeded, exited."""

CALL_SECONDS = 1.0

CAUSE_LIMIT = 32_768
"""Characters that Step Functions keeps of an error's cause."""


class Ended(Exception):
    """The execution ended with an error: its name and cause."""


class TooManyFailed(Exception):
    """All that a Distributed Map says of a child that failed."""


TooManyFailed.__name__ = "States.ExceedToleratedFailureThreshold"


@dataclass
class SimulatedExecution:
    """One execution.

    Args:
        definition: The state machine's, references spelled as text.
        call: Calls the function that a task names: resource and payload; its exceptions are the function's.
        items: Returns the lines of the manifest that lies under a key.
        name: The execution's.
        arn: The execution's.
        chance: Of the jitter of retries.
        events: Written into the history so far.
        seconds: On the clock.
        payloads: Every input, output and event of a state, as JSON; those of a map's children too.
        entered: State -> how often.
    """

    definition: dict[str, Any]
    call: Callable[[str, Any], Any]
    items: Callable[[str], list[str]]
    name: str
    arn: str
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    events: int = 0
    seconds: float = 0.0
    payloads: list[str] = field(default_factory=list)
    entered: Counter[str] = field(default_factory=Counter)

    def run(self, data: Any) -> Any:
        """Walk from the first state to the last and return the output.

        Raises:
            Ended: When the execution fails or times out.
        """
        self.events += 1
        output = self._walk(self.definition, data)
        self.events += 1
        return output

    def _walk(self, machine: dict[str, Any], data: Any) -> Any:
        name: str | None = machine["StartAt"]
        while name is not None:
            state = machine["States"][name]
            self.entered[name] += 1
            self._note(data)
            data, name = self._step(name, state, data)
            if self.seconds > self.definition["TimeoutSeconds"]:
                raise Ended("States.Timeout", "")
        self._note(data)
        return data

    def _step(self, name: str, state: dict[str, Any], data: Any) -> tuple[Any, str | None]:
        """Return a state's output and the state that follows."""
        kind = state["Type"]
        self.events += EVENTS.get(kind, 0)
        following: str | None = state.get("Next")
        if kind == "Choice":
            return data, next((rule["Next"] for rule in state["Choices"] if _holds(rule, data)), state.get("Default"))
        if kind == "Pass":
            return self._filled(state["Parameters"], data), following
        if kind == "Wait":
            self.seconds += _at(state["SecondsPath"], data)
        if kind == "Fail":
            error, cause = (
                state[name] if name in state else _at(state[f"{name}Path"], data) for name in ("Error", "Cause")
            )
            raise Ended(error, cause)
        if kind not in ("Task", "Map"):
            return data, following
        work = self._map if kind == "Map" else self._task
        self.events += MAP_EVENTS if kind == "Map" else TASK_EVENTS
        try:
            result = work(state, data)
        except Exception as error:
            for catch in state.get("Catch", []):
                if _matches(catch["ErrorEquals"], error):
                    return _merged(data, _error(error), catch.get("ResultPath", "$")), catch["Next"]
            raise
        return _merged(data, result, state.get("ResultPath", "$")), following

    def _task(self, state: dict[str, Any], data: Any) -> Any:
        payload = self._filled(state["Parameters"], data)
        self._note(payload)
        failures: Counter[int] = Counter()
        while True:
            self.events += ATTEMPT_EVENTS
            self.seconds += CALL_SECONDS
            try:
                result = self.call(state["Resource"], payload)
            except Exception as error:
                self._note(_error(error))
                number = next((n for n, r in enumerate(state["Retry"]) if _matches(r["ErrorEquals"], error)), None)
                if number is None or failures[number] == state["Retry"][number]["MaxAttempts"]:
                    raise
                retry = state["Retry"][number]
                wait = retry["IntervalSeconds"] * retry["BackoffRate"] ** failures[number]
                self.seconds += self.chance.uniform(0, min(wait, retry["MaxDelaySeconds"]))
                failures[number] += 1
            else:
                self._note(result)
                return result

    def _map(self, state: dict[str, Any], data: Any) -> Any:
        """Run every item as a child with a history of its own."""
        key = self._filled(state["ItemReader"]["Parameters"], data)["Key"]
        batch = self._filled(state["ItemBatcher"]["BatchInput"], data)
        for line in self.items(key):
            child = SimulatedExecution(
                definition={"TimeoutSeconds": self.definition["TimeoutSeconds"]},
                call=self.call,
                items=self.items,
                name=self.name,
                arn=self.arn,
                chance=self.chance,
                payloads=self.payloads,
            )
            try:
                child._walk(state["ItemProcessor"], {"BatchInput": batch, "Items": [json.loads(line)]})
            except Exception as error:
                raise TooManyFailed("The specified tolerated failure threshold was exceeded") from error
        return {}

    def _filled(self, template: Any, data: Any) -> Any:
        """Fill in a template's paths."""
        if not isinstance(template, dict):
            return template
        filled = {}
        for key, value in template.items():
            if key.endswith(".$"):
                filled[key.removesuffix(".$")] = self._value(value, data)
            else:
                filled[key] = self._filled(value, data)
        return filled

    def _value(self, path: str, data: Any) -> Any:
        if path.startswith("$$."):
            return {"$$.Execution.Name": self.name, "$$.Execution.Id": self.arn}[path]
        if formatted := re.fullmatch(r"States\.Format\('(.*)', (\$.*)\)", path):
            return formatted[1].replace("{}", _at(formatted[2], data))
        return _at(path, data)

    def _note(self, payload: Any) -> None:
        self.payloads.append(json.dumps(payload))


def largest(payloads: Iterator[str] | list[str]) -> int:
    """Return the bytes of the largest payload."""
    return max(len(payload.encode()) for payload in payloads)


def _at(path: str, data: Any) -> Any:
    for part in path.removeprefix("$").split("."):
        data = data[part] if part else data
    return data


def _merged(data: Any, result: Any, path: str | None) -> Any:
    if path is None:
        return data
    return result if path == "$" else {**data, path.removeprefix("$."): result}


def _holds(rule: dict[str, Any], data: Any) -> bool:
    if "Or" in rule:
        return any(_holds(part, data) for part in rule["Or"])
    value = _at(rule["Variable"], data)
    if "NumericGreaterThan" in rule:
        return bool(value > rule["NumericGreaterThan"])
    return bool(value == rule.get("StringEquals", rule.get("BooleanEquals")))


def _matches(names: list[str], error: Exception) -> bool:
    return type(error).__name__ in names or "States.ALL" in names


def _error(error: Exception) -> dict[str, str]:
    """Return what a Catch hands on of a function's error."""
    cause = json.dumps({"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": []})
    return {"Error": type(error).__name__, "Cause": cause[:CAUSE_LIMIT]}

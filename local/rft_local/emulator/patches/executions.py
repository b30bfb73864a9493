"""Step Functions patches: the life of an execution (stop, time-out, quotas, events, metrics, logs)."""

from __future__ import annotations

import contextvars
import json
import threading
from datetime import datetime
from typing import Any

from rft_local.emulator.patches.alarms import metrics_changed
from rft_local.emulator.patches.execution_logs import log_event
from rft_local.emulator.upstream import replace, require, wrap

SERVICE = "services.stepfunctions"
PAYLOAD_BYTES = 256 * 1024
STOPPED = "States.ExecutionStopped"
UNCATCHABLE = frozenset({STOPPED, "States.DataLimitExceeded", "States.Runtime"})
METRICS = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "ABORTED": "ExecutionsAborted",
    "TIMED_OUT": "ExecutionsTimedOut",
}

current_execution: contextvars.ContextVar[str] = contextvars.ContextVar("current_execution", default="")

_stops: dict[str, threading.Event] = {}


def state_machine(execution_arn: str) -> Any:
    """The record of an execution's state machine; empty when it was deleted."""
    execution = require(SERVICE, "_executions").get(execution_arn) or {}
    return require(SERVICE, "_state_machines").get(execution.get("stateMachineArn", "").split("/")[0]) or {}


def current_role() -> str:
    """The role of the state machine whose execution is running here."""
    return str(state_machine(current_execution.get()).get("roleArn", ""))


def failure(error: str, cause: str) -> Exception:
    """The exception by which a state fails in ministack."""
    made: Exception = require(SERVICE, "_ExecutionError")(error, cause)
    return made


def check_size(text: str, what: str) -> None:
    """Raises the terminal error for data over the payload quota.

    Raises:
        _ExecutionError: `States.DataLimitExceeded`.
    """
    if len(text.encode()) > PAYLOAD_BYTES:
        cause = f"{what} returned a result with a size exceeding the maximum number of bytes service limit."
        raise failure("States.DataLimitExceeded", cause)


def check_running() -> None:
    """Ends the current thread of an execution that was stopped or timed out meanwhile.

    Raises:
        _ExecutionError: With an error that no Retry or Catch matches.
    """
    stop = _stops.get(current_execution.get())
    if stop is not None and stop.is_set():
        raise failure(STOPPED, "the execution is no longer running")


def end_executions_promptly() -> None:
    """Ends an execution when it is stopped or when its state machine's TimeoutSeconds has passed.

    Gap: ministack ignores a state machine's TimeoutSeconds, and after StopExecution goes on running states.
    AWS: the execution ends as ABORTED or TIMED_OUT at once, with a history event and a status event, and nothing
    further runs (Amazon States Language, "State machine structure"; API Reference, StopExecution).
    """
    wrap(SERVICE, "_run_execution", _run)
    wrap(SERVICE, "_stop_execution", _stop)
    wrap(SERVICE, "_fail_execution", _fail)
    replace(SERVICE, "_scaled_sleep", _sleep)


def _run(original: Any, arn: str) -> None:
    """Runs one execution with its role, its stop signal and its time limit."""
    execution = require(SERVICE, "_executions").get(arn)
    if execution is None:
        return
    token = current_execution.set(arn)
    stop = _stops[arn] = threading.Event()
    timer = _start_timer(arn, execution)
    log_event(state_machine(arn), execution, execution["events"][0])
    try:
        original(arn)
    finally:
        if timer is not None:
            timer.cancel()
        stop.set()
        _stops.pop(arn, None)
        current_execution.reset(token)


def _start_timer(arn: str, execution: Any) -> threading.Timer | None:
    """Starts the clock of a state machine with TimeoutSeconds."""
    try:
        seconds = json.loads(state_machine(arn).get("definition", "{}")).get("TimeoutSeconds")
    except ValueError:
        return None
    if not seconds:
        return None
    timer = threading.Timer(float(seconds), contextvars.copy_context().run, (_time_out, arn, execution))
    timer.daemon = True
    timer.start()
    return timer


def _time_out(arn: str, execution: Any) -> None:
    """Ends an execution whose time is up."""
    if execution["status"] != "RUNNING":
        return
    execution.update(status="TIMED_OUT", error="States.Timeout", stopDate=require(SERVICE, "now_iso")())
    details = {"executionTimedOutEventDetails": {"error": "States.Timeout"}}
    require(SERVICE, "_add_event")(execution, "ExecutionTimedOut", details)
    require(SERVICE, "_emit_execution_status_event")(execution)
    if stop := _stops.get(arn):
        stop.set()


def _stop(original: Any, data: Any) -> Any:
    """Stops an execution and wakes what it is waiting for."""
    response = original(data)
    if stop := _stops.get(data.get("executionArn", "")):
        stop.set()
    return response


def _fail(original: Any, execution: Any, error: str, cause: str) -> None:
    """Fails an execution unless it has ended already."""
    if execution["status"] == "RUNNING":
        original(execution, error, cause)


def _sleep(seconds: float) -> None:
    """Waits, but not beyond the end of the execution."""
    scaled = seconds * require(SERVICE, "_SFN_WAIT_SCALE")
    stop = _stops.get(current_execution.get()) or threading.Event()
    if scaled > 0:
        stop.wait(scaled)
    check_running()


def keep_terminal_errors_uncatchable() -> None:
    """Lets no Retry or Catch match the terminal errors.

    Gap: in ministack `States.ALL` matches everything.
    AWS: `States.ALL` matches neither `States.DataLimitExceeded` nor `States.Runtime` ("Handling errors in Step
    Functions workflows").
    """

    def matches(original: Any, names: Any, error: str) -> bool:
        if error in UNCATCHABLE:
            return error in names and error != STOPPED
        return bool(original(names, error))

    wrap(SERVICE, "_error_matches", matches)


def limit_payloads() -> None:
    """Holds inputs and results to 256 KiB.

    Gap: ministack passes data of any size.
    AWS: 262,144 bytes for the input or result of a task, state or execution ("Quotas related to state machine
    executions"). A state fails with `States.DataLimitExceeded`, StartExecution with `ValidationException`; an input
    that is no JSON is refused with `InvalidExecutionInput` (API Reference, StartExecution).
    """

    def start(original: Any, data: Any) -> Any:
        text = data.get("input", "{}")
        respond = require("core.responses", "error_response_json")
        if len(text.encode()) > PAYLOAD_BYTES:
            problem = "Value at 'input' failed to satisfy constraint: Member must have length less than or equal to"
            return respond("ValidationException", f"1 validation error detected: {problem} {PAYLOAD_BYTES}", 400)
        try:
            json.loads(text)
        except ValueError as error:
            return respond("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'", 400)
        return original(data)

    wrap(SERVICE, "_start_execution", start)


def keep_history_in_order() -> None:
    """Checks the size of each state's output, ends the history with the terminal event, and logs every event.

    Gap: ministack goes on adding events after the execution was stopped, and writes no execution logs.
    AWS: the terminal event is the last ("View execution history"); with logging on, events reach the log group
    ("Using CloudWatch Logs to log execution history").
    """

    def add(original: Any, execution: Any, kind: str, details: Any = None) -> Any:
        if kind.endswith("StateExited") and details:
            exit_details = details["stateExitedEventDetails"]
            check_size(exit_details["output"], f"The state '{exit_details['name']}'")
        ended = execution["status"] != "RUNNING" and not kind.startswith("Execution")
        if ended and execution.get("mapRunArn") is None:
            return None
        event = original(execution, kind, details)
        log_event(state_machine(execution["executionArn"]), execution, event)
        return event

    wrap(SERVICE, "_add_event", add)


def measure_executions() -> None:
    """Records AWS/States metrics.

    Gap: ministack has none, so that dashboards and alarms on executions stay empty.
    AWS: ExecutionsStarted, Succeeded, Failed, Aborted and TimedOut with ExecutionTime in milliseconds, dimension
    StateMachineArn ("Monitoring Step Functions metrics using Amazon CloudWatch").
    """

    def emit(original: Any, execution: Any) -> None:
        original(execution)
        record = require("services.cloudwatch", "record_metric")
        dimensions = {"StateMachineArn": execution["stateMachineArn"]}
        record("AWS/States", METRICS[execution["status"]], 1, "Count", dimensions)
        if execution.get("stopDate"):
            started = datetime.fromisoformat(execution["startDate"].replace("Z", "+00:00"))
            stopped = datetime.fromisoformat(execution["stopDate"].replace("Z", "+00:00"))
            record(
                "AWS/States", "ExecutionTime", (stopped - started).total_seconds() * 1000, "Milliseconds", dimensions
            )
        metrics_changed()

    wrap(SERVICE, "_emit_execution_status_event", emit)

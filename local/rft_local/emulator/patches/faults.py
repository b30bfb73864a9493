"""Fault patches: what `POST /_rft/faults` ordered happens to calls, executions and deliveries."""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rft_local.emulator import worker
from rft_local.emulator.faults import DELIVERY, EXECUTION, FAULTS, Effect, Fault, refusal
from rft_local.emulator.operation import SDK_NAMES, operation_of
from rft_local.emulator.patches.bedrock import raw_target
from rft_local.emulator.upstream import replace, require, wrap

TRACE = "x-amzn-trace-id"


@dataclass(frozen=True)
class _Running:
    """An invocation at work: the environment that runs it, and what it was called with."""

    environment: Any
    event: str


_running: dict[str, _Running] = {}
_lock = threading.Lock()


def strike_calls() -> None:
    """Strikes calls of AWS APIs, before anything else looks at them."""
    wrap("app", "_dispatch_service_request", _dispatch)


def strike_executions() -> None:
    """Strikes executions of functions, and remembers which invocation each call comes from.

    Gap: ministack gives a function no trace header unless active tracing is on.
    AWS: `_X_AMZN_TRACE_ID` is always set ("Defined runtime environment variables", Lambda Developer Guide), and the
    SDK sends it along.
    """
    wrap("core.lambda_runtime", "Worker.invoke", _invoke)


def strike_deliveries() -> None:
    """Strikes deliveries of events.

    AWS delivers the events of its services at best effort, some of them twice ("Events from AWS services", EventBridge
    User Guide).
    """

    def deliver(original: Any, target: Any, event: Any, rule: Any, *arguments: Any, **options: Any) -> Any:
        fault = FAULTS.strike(DELIVERY, str(rule.get("Name")), json.dumps(event, default=str), str(target.get("Arn")))
        if fault is not None:
            _wait(fault)
            if fault.effect is Effect.REFUSE:
                return None
            original(target, event, rule, *arguments, **options)
        return original(target, event, rule, *arguments, **options)

    wrap("services.eventbridge", "_invoke_target", deliver)


async def _dispatch(
    original: Callable[..., Awaitable[Any]],
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query: Mapping[str, Any],
    *rest: Any,
) -> Any:
    """Answers one request, or has it fail."""
    found = _struck(method, path, headers, body, query) if FAULTS else None
    if found is None:
        return await original(method, path, headers, body, query, *rest)
    fault, service = found
    for seconds in FAULTS.waiting(fault):
        await asyncio.sleep(seconds)
    if fault.effect is Effect.DELAY:
        return await original(method, path, headers, body, query, *rest)
    if fault.effect in (Effect.LOSE, Effect.KILL_AFTER):
        await original(method, path, headers, body, query, *rest)
    if fault.effect in (Effect.KILL, Effect.KILL_AFTER):
        _kill(headers.get(TRACE, ""))
    return refusal(fault, service, headers)


def _struck(
    method: str, path: str, headers: dict[str, str], body: bytes, query: Mapping[str, Any]
) -> tuple[Fault, str] | None:
    """The fault that strikes a request and the request's service, or None."""
    detected = require("core.router", "detect_service")(
        method, path, headers, require("app", "_routing_params")(method, path, headers, body, query)
    )
    service, target = SDK_NAMES.get(detected, detected), raw_target.get() or path
    operation = operation_of(service, method, target, headers, body)
    caller = require("core.iam_evaluator", "request_caller_arn")(headers, query)
    running = _running.get(headers.get(TRACE, ""))
    texts = (target, body.decode("utf-8", "replace"), running.event if running else "")
    fault = FAULTS.strike(f"{service}:{operation}", caller, *texts)
    return (fault, service) if fault is not None else None


def _wait(fault: Fault) -> None:
    """Keeps the caller waiting."""
    for seconds in FAULTS.waiting(fault):
        time.sleep(seconds)


def pace() -> float:
    """The share of their time that waits take: those of state machines and of functions."""
    return float(require("services.stepfunctions", "_SFN_WAIT_SCALE"))


def set_pace(share: float) -> None:
    """Let waits take a share of their time, 0 to 1.

    Raises:
        ValueError: For another number.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"pace: got {share:g}, wanted 0 to 1")
    replace("services.stepfunctions", "_SFN_WAIT_SCALE", share)


def _kill(trace: str) -> None:
    """Ends the process of the invocation that made a call."""
    running = _running.get(trace)
    if running is not None:
        require("core.lambda_runtime", "_signal")(running.environment._proc)


def _invoke(
    original: Any, self: Any, event: Any, request_id: str, *, trace_id: str | None = None, **options: Any
) -> Any:
    """Runs one invocation, or has it fail."""
    text = json.dumps(event)
    trace = trace_id or f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Parent={secrets.token_hex(8)};Sampled=0"
    name, arn = str(self.config.get("FunctionName")), str(options.get("invoked_function_arn"))
    fault = FAULTS.strike(EXECUTION, name, text, arn) if FAULTS else None
    orders: dict[str, Any] = {**(options.pop("durable", None) or {}), worker.PACE: pace()}
    with _lock:
        _running[trace] = _Running(self, text)

    def run(**more: Any) -> Any:
        return original(self, event, request_id, trace_id=trace, durable={**orders, **more}, **options)

    try:
        if fault is None:
            return run()
        _wait(fault)
        if fault.effect is Effect.REPLACE:
            return {"status": "ok", "result": fault.answer, "log": ""}
        if fault.effect is Effect.KILL:
            return run(**{worker.KILLED: True})
        if fault.effect in (Effect.REPEAT, Effect.LOSE):
            run()
        if fault.effect in (Effect.REPEAT, Effect.DELAY):
            return run()
        problem = worker.failure(fault.error, fault.message, [])
        return {"status": "ok", "result": {worker.FAILURE: problem}, "log": f"[ERROR] {fault.error}: {fault.message}"}
    finally:
        with _lock:
            _running.pop(trace, None)

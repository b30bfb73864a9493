"""Lambda patches: metrics of every invocation, embedded metrics in logs, and who may write logs."""

from __future__ import annotations

import time
from typing import Any

from rft_local.emulator import emf
from rft_local.emulator.authorization import simulate
from rft_local.emulator.environment import ACCOUNT, REGION
from rft_local.emulator.patches.alarms import metrics_changed
from rft_local.emulator.upstream import replace, require, wrap

SERVICE = "services.lambda_svc"
NAMESPACE = "AWS/Lambda"


def measure_every_invocation() -> None:
    """Records AWS/Lambda metrics for every invocation, however it was started.

    Gap: ministack records them for calls of the Invoke API only, not for events, and never per alias or version.
    AWS: Invocations, Errors, Throttles, Duration and ConcurrentExecutions with the dimensions FunctionName and, when
    invoked through a qualifier, FunctionName with Resource ("Types of metrics for Lambda functions").
    """

    def dispatch(original: Any, function: Any, config: Any, *arguments: Any) -> Any:
        _, running = require(SERVICE, "executions_in_flight")()
        concurrency = running.get(require(SERVICE, "_inflight_key")(config), 1)
        started = time.monotonic()
        result = original(function, config, *arguments)
        duration = (time.monotonic() - started) * 1000
        failed = bool(result.get("error"))
        _record(config, {"Invocations": 1, "Errors": int(failed), "Throttles": 0, "ConcurrentExecutions": concurrency})
        _record(config, {"Duration": duration}, "Milliseconds")
        return result

    def count_throttle(function_name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        # ministack calls this once where it throttles, with no duration, and again where the API call ends.
        if throttle and duration_ms == 0:
            _record({"FunctionName": function_name}, {"Throttles": 1})

    wrap(SERVICE, "_execute_function_dispatch", dispatch)
    replace(SERVICE, "_emit_lambda_metrics", count_throttle)


def _record(config: Any, values: dict[str, float], unit: str = "Count") -> None:
    """Stores one value for each metric and dimension set of an invocation."""
    name = config.get("FunctionName", "")
    sets: list[dict[str, str]] = [{}, {"FunctionName": name}]
    qualifier = str(config.get("FunctionArn", "")).split(":function:")[-1].partition(":")[2]
    if qualifier:
        sets.append({"FunctionName": name, "Resource": f"{name}:{qualifier}"})
    record = require("services.cloudwatch", "record_metric")
    for metric, value in values.items():
        for dimensions in sets:
            record(NAMESPACE, metric, value, unit, dimensions)
    metrics_changed()


def write_logs_as_the_role() -> None:
    """Writes a function's log, and the metrics embedded in it, only if its role may.

    Gap: ministack writes logs whatever the role allows, and reads no embedded metric format.
    AWS: the execution role needs `logs:CreateLogStream` and `logs:PutLogEvents` on the log group; without them there
    is no log ("Defining Lambda function permissions with an execution role"). Embedded metrics are extracted from the
    log events, so no log means no metrics (CloudWatch User Guide, "Embedding metrics within logs").
    """

    def write(original: Any, function: Any, request_id: str, text: str, *arguments: Any, **options: Any) -> Any:
        config = function.get("config") or function
        if not _may_log(config):
            return None
        result = original(function, request_id, text, *arguments, **options)
        store_embedded_metrics(text)
        return result

    wrap(SERVICE, "_emit_lambda_logs", write)


def _may_log(config: Any) -> bool:
    """Whether the function's role may write to its log group."""
    group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config.get('FunctionName')}"
    stream = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:any"
    return simulate(config.get("Role", ""), "logs:PutLogEvents", stream, {}).allowed


def store_embedded_metrics(text: str) -> None:
    """Stores the metrics of all EMF documents in a log."""
    data = [datum for line in text.splitlines() for datum in emf.parse(line)]
    store = require("services.cloudwatch", "_store_datum")
    for datum in data:
        store(
            datum.namespace,
            datum.name,
            dict(datum.dimensions),
            datum.timestamp,
            datum.unit,
            None,
            list(datum.values),
            list(datum.counts),
            None,
        )
    if data:
        metrics_changed()

"""Writes the history of executions to a state machine's log group.

Source: Step Functions Developer Guide, "Using CloudWatch Logs to log execution history": levels ALL, ERROR, FATAL and
OFF, and `includeExecutionData`, without which inputs and outputs are left out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rft_local.emulator.upstream import require

LOGS = "services.cloudwatch_logs"
FATAL_EVENTS = frozenset({"ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"})
DATA_FIELDS = frozenset({"input", "output", "parameters"})


def log_event(machine: Mapping[str, Any], execution: Mapping[str, Any], event: Mapping[str, Any]) -> None:
    """Writes one history event to the log group of its state machine, if its level asks for it.

    Args:
        machine: The state machine's record.
        execution: The execution's record.
        event: The history event.
    """
    configuration = machine.get("loggingConfiguration") or {}
    group = _group_name(configuration)
    if group is None or not _wanted(str(configuration.get("level", "OFF")), str(event["type"])):
        return
    groups = require(LOGS, "_log_groups")
    if group not in groups:
        return
    entry = _entry(execution, event, bool(configuration.get("includeExecutionData")))
    now = int(time.time() * 1000)
    stream = _stream(groups[group], f"states/{machine['name']}/{execution['name']}", now)
    message = {"timestamp": now, "message": json.dumps(entry), "ingestionTime": now}
    require(LOGS, "_append_log_events")(stream, [message])


def _group_name(configuration: Mapping[str, Any]) -> str | None:
    """The log group's name out of the destination's ARN."""
    for destination in configuration.get("destinations") or []:
        arn = (destination.get("cloudWatchLogsLogGroup") or {}).get("logGroupArn", "")
        if ":log-group:" in arn:
            return str(arn.split(":log-group:", 1)[1].split(":")[0])
    return None


def _wanted(level: str, kind: str) -> bool:
    """Whether a level includes a kind of event."""
    if level == "ALL":
        return True
    if level == "ERROR":
        return kind in FATAL_EVENTS or kind.endswith(("Failed", "TimedOut", "Aborted"))
    return level == "FATAL" and kind in FATAL_EVENTS


def _entry(execution: Mapping[str, Any], event: Mapping[str, Any], with_data: bool) -> dict[str, Any]:
    """A log entry in the documented form."""
    details: Mapping[str, Any] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
    kept = {key: value for key, value in details.items() if with_data or key not in DATA_FIELDS}
    moment = datetime.fromisoformat(str(event["timestamp"]).replace("Z", "+00:00"))
    return {
        "id": str(event["id"]),
        "type": event["type"],
        "details": kept,
        "previous_event_id": str(max(0, int(event["id"]) - 1)),
        "event_timestamp": str(int(moment.timestamp() * 1000)),
        "execution_arn": execution["executionArn"],
    }


def _stream(group: Any, name: str, now: int) -> Any:
    """The log stream of one execution, made at its first event."""
    if name not in group["streams"]:
        group["streams"][name] = {
            "events": [],
            "uploadSequenceToken": "1",
            "creationTime": now,
            "firstEventTimestamp": None,
            "lastEventTimestamp": None,
            "lastIngestionTime": None,
        }
    return group["streams"][name]

"""CloudWatch patches: when and how alarms are evaluated."""

from __future__ import annotations

import contextvars
import json
import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from rft_local.emulator.patches.metric_data import alarm_series
from rft_local.emulator.upstream import replace, require

SERVICE = "services.cloudwatch"
IDLE_SECONDS = 5.0

logger = logging.getLogger("rft.alarms")

_changed = threading.Event()


def metrics_changed() -> None:
    """Tells the evaluation of alarms that metrics were recorded."""
    _changed.set()


def evaluate_alarms() -> None:
    """Evaluates every alarm on its exact metric or expression, on every change of metrics and every few seconds.

    Gap: ministack evaluates only when data is put by API, mixes all dimensions of a metric, ignores periods without
    data, TreatMissingData, DatapointsToAlarm and metric math.
    AWS: "Using Amazon CloudWatch alarms": an alarm watches one metric or one expression; M of the last N periods must
    breach; missing periods count as TreatMissingData says. Each change of state runs the actions and is an event
    "CloudWatch Alarm State Change".
    Simplification: periods end now instead of on the clock, and `missing` looks no further back than N periods.
    """
    replace(SERVICE, "_evaluate_alarm", _evaluate)
    thread = threading.Thread(target=contextvars.copy_context().run, args=(_watch,), daemon=True, name="alarms")
    thread.start()


def _watch() -> None:
    """Evaluates all alarms after each change and, for missing data, from time to time."""
    evaluate_all = require(SERVICE, "_evaluate_all_alarms")
    while True:
        _changed.wait(IDLE_SECONDS)
        _changed.clear()
        try:
            evaluate_all()
        except RuntimeError:  # the alarms changed while they were walked: the next turn sees them all
            logger.debug("alarms changed during their evaluation")
        time.sleep(0.1)


def _evaluate(alarm: Any) -> None:
    """Brings one alarm's state up to date."""
    old, new, reason = alarm["StateValue"], *judge(alarm, datapoints(alarm, time.time()))
    if new is None or old == new:
        return
    alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    require(SERVICE, "_record_history")(alarm["AlarmName"], old, new, reason)
    require(SERVICE, "_dispatch_alarm_actions")(alarm, old, new, reason)
    require(SERVICE, "_evaluate_parent_alarms")(alarm)
    _publish(alarm, old, new, reason)


def datapoints(alarm: Any, now: float) -> list[float | None]:
    """The alarm's last datapoints, newest first; None where a period has no data."""
    period, count = int(alarm.get("Period") or 60), int(alarm.get("EvaluationPeriods") or 1)
    return [alarm_series(alarm, now - (index + 1) * period, now - index * period, period) for index in range(count)]


def judge(alarm: Any, points: Sequence[float | None]) -> tuple[str | None, str]:
    """The state an alarm should be in, and why.

    Args:
        alarm: Its configuration.
        points: Its last datapoints, newest first; None for missing ones.

    Returns:
        `OK`, `ALARM` or `INSUFFICIENT_DATA`, or None when the state is to stay as it is; and the reason.
    """
    treatment = alarm.get("TreatMissingData") or "missing"
    operator, threshold = alarm.get("ComparisonOperator", ""), float(alarm.get("Threshold") or 0)
    needed = int(alarm.get("DatapointsToAlarm") or alarm.get("EvaluationPeriods") or 1)
    known = [point for point in points if point is not None]
    if not known and treatment in ("missing", "ignore"):
        return (
            ("INSUFFICIENT_DATA", "Insufficient Data: no datapoints were received")
            if treatment == "missing"
            else (
                None,
                "",
            )
        )
    breaching = sum(breaches(point, operator, threshold) for point in known)
    breaching += (len(points) - len(known)) if treatment == "breaching" else 0
    crossed = "ALARM" if breaching >= needed else "OK"
    comparison = f"{breaching} of the last {len(points)} datapoints {operator} {threshold}, {needed} make an alarm"
    return crossed, f"Threshold Crossed: {comparison}; datapoints {known}, {len(points) - len(known)} missing"


def breaches(point: float, operator: str, threshold: float) -> bool:
    """Whether one datapoint is on the wrong side of the threshold."""
    return {
        "GreaterThanOrEqualToThreshold": point >= threshold,
        "GreaterThanThreshold": point > threshold,
        "LessThanThreshold": point < threshold,
        "LessThanOrEqualToThreshold": point <= threshold,
    }.get(operator, False)


def _publish(alarm: Any, old: str, new: str, reason: str) -> None:
    """Sends the event "CloudWatch Alarm State Change"."""
    detail = {
        "alarmName": alarm["AlarmName"],
        "state": {"value": new, "reason": reason},
        "previousState": {"value": old},
    }
    entry = {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Detail": json.dumps(detail),
        "Resources": [alarm["AlarmArn"]],
    }
    require("services.eventbridge", "_put_events")({"Entries": [entry]}, allow_aws_source=True)

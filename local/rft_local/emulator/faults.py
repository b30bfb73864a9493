"""Faults that somebody ordered: which calls they strike, how often, and what a refusal looks like on the wire.

A fault strikes one of three kinds of happening, told apart by `operation`:

* a call of an AWS API, named as boto3 names it: `bedrock:CreateModelCustomizationJob`, `s3:*`;
* `lambda:Execution`: a function being run, whoever called it;
* `events:Delivery`: an event being delivered to a target of a rule.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any
from xml.sax.saxutils import escape

import msgspec

from rft_local.emulator.operation import service_model
from rft_local.emulator.upstream import require

EXECUTION = "lambda:Execution"
DELIVERY = "events:Delivery"
_TURN_SECONDS = 0.05

Answer = tuple[int, dict[str, str], bytes]


class Effect(StrEnum):
    """What a fault does.

    | effect | call of an API | execution of a function | delivery of an event |
    |---|---|---|---|
    | `refuse` | not done, the caller gets the error | it does not run, the caller gets the error | lost |
    | `lose` | done, the caller gets the error | it runs, the caller gets the error | |
    | `kill` | the calling function's process dies before | the function's process dies at once | |
    | `kill-after` | the calling function's process dies once it is done | | |
    | `replace` | | it does not run, the caller gets `answer` | |
    | `repeat` | | it runs twice | delivered twice |
    | `delay` | done after `delay_seconds` | it runs after `delay_seconds` | |
    """

    REFUSE = "refuse"
    LOSE = "lose"
    KILL = "kill"
    KILL_AFTER = "kill-after"
    REPLACE = "replace"
    REPEAT = "repeat"
    DELAY = "delay"


_EFFECTS = {
    EXECUTION: frozenset(Effect) - {Effect.KILL_AFTER},
    DELIVERY: frozenset({Effect.REFUSE, Effect.REPEAT}),
}
_EFFECTS_ON_CALLS = frozenset({Effect.REFUSE, Effect.LOSE, Effect.KILL, Effect.KILL_AFTER, Effect.DELAY})


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An order: what goes wrong.

    Args:
        operation: What it strikes; `*` and `?` are wildcards among calls of APIs, and fit no execution or delivery.
        effect: What it does.
        error: Code of the error, or the name of a function's exception.
        message: The error's message.
        status: HTTP status. Default: what the service's model says of this error.
        caller: Text in the ARN of who calls; of an execution, in the function's name; of a delivery, in the rule's.
        about: Regular expressions that must all be found in the call's address or body, or in the event of the function
            that makes it.
        without: Regular expressions of which none may be found there.
        after: Fitting calls that go well first.
        times: Fitting calls that it strikes then; None: all.
        delay_seconds: How long the caller waits for the effect; at most until the fault is lifted.
        answer: What `replace` answers, any JSON.
    """

    operation: str
    effect: Effect = Effect.REFUSE
    error: str = "ServiceUnavailableException"
    message: str = "a fault that was ordered from the embedded AWS"
    status: int | None = None
    caller: str = ""
    about: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    after: int = 0
    times: int | None = 1
    delay_seconds: float = 0.0
    answer: Any = None

    def __post_init__(self) -> None:
        allowed = _EFFECTS.get(self.operation, _EFFECTS_ON_CALLS)
        if self.effect not in allowed:
            raise ValueError(
                f"effect: got {self.effect.value!r} for {self.operation}, wanted {', '.join(sorted(allowed))}"
            )
        for pattern in (*self.about, *self.without):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"about, without: {pattern!r} is no regular expression: {error}") from None
        if ":" not in self.operation:
            raise ValueError(f"operation: got {self.operation!r}, wanted service:Operation, such as s3:PutObject")

    def fits(self, operation: str, caller: str, texts: Sequence[str]) -> bool:
        """Whether it is meant for a call.

        Args:
            operation: The call's service and operation.
            caller: Who makes it.
            texts: Everything that the call is about.
        """
        is_meant = self.operation == operation if operation in _EFFECTS else fnmatchcase(operation, self.operation)
        return (
            is_meant
            and self.caller in caller
            and all(any(re.search(wanted, text) for text in texts) for wanted in self.about)
            and not any(re.search(unwanted, text) for unwanted in self.without for text in texts)
        )


class _Order:
    """A fault and how often it was met."""

    def __init__(self, number: int, fault: Fault) -> None:
        self.number = number
        self.fault = fault
        self.met = 0

    @property
    def struck(self) -> int:
        """How often it had its effect."""
        past = max(0, self.met - self.fault.after)
        return past if self.fault.times is None else min(past, self.fault.times)

    def strikes(self) -> bool:
        """Count a fitting call, and say whether it is struck."""
        before = self.struck
        self.met += 1
        return self.struck > before


class Faults:
    """The faults in force; safe for many threads."""

    def __init__(self) -> None:
        self._orders: list[_Order] = []
        self._numbers = 0
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._orders)

    def add(self, fault: Fault) -> int:
        """Put a fault into force and return its number."""
        with self._lock:
            self._numbers += 1
            self._orders.append(_Order(self._numbers, fault))
            return self._numbers

    def clear(self, numbers: Sequence[int] = ()) -> None:
        """Lift faults; without numbers all of them."""
        with self._lock:
            self._orders = [order for order in self._orders if numbers and order.number not in numbers]

    def listed(self) -> list[dict[str, Any]]:
        """Return every fault in force with how often it was met, and how often it had its effect."""
        with self._lock:
            return [
                {
                    "number": order.number,
                    "met": order.met,
                    "struck": order.struck,
                    "fault": msgspec.to_builtins(order.fault),
                }
                for order in self._orders
            ]

    def strike(self, operation: str, caller: str, *texts: str) -> Fault | None:
        """Return the fault that strikes a call, the oldest first; None when the call goes well.

        Args:
            operation: Service and operation, `lambda:Execution` or `events:Delivery`.
            caller: ARN of who calls, name of the function, or name of the rule.
            texts: Everything that the call is about.
        """
        with self._lock:
            for order in self._orders:
                if order.fault.fits(operation, caller, texts) and order.strikes():
                    return order.fault
        return None

    def waiting(self, fault: Fault) -> Iterator[float]:
        """Yield the seconds to sleep, again and again, as long as a fault keeps its caller waiting."""
        deadline = time.monotonic() + fault.delay_seconds
        while time.monotonic() < deadline and any(order.fault is fault for order in self._orders):
            yield _TURN_SECONDS


FAULTS = Faults()
"""Those of this emulator."""


def refusal(fault: Fault, service: str, headers: dict[str, str]) -> Answer:
    """Return a fault's error in the protocol in which the request came.

    Args:
        fault: The fault.
        service: botocore's name of the service.
        headers: The request's headers, names in lower case.
    """
    code, message = fault.error, fault.message
    status = fault.status or _status(service, code)
    if "cbor" in headers.get("smithy-protocol", ""):
        answered: Answer = require("services.cloudwatch", "_error")(code, message, status, use_cbor=True)
        return answered
    if service == "s3":
        text = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        return status, {"Content-Type": "application/xml"}, text.encode()
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        kind = "Sender" if status < 500 else "Receiver"
        error = f"<Type>{kind}</Type><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        text = f"<ErrorResponse><Error>{error}</Error><RequestId>fault</RequestId></ErrorResponse>"
        return status, {"Content-Type": "text/xml"}, text.encode()
    kind = "application/x-amz-json-1.1" if "x-amz-target" in headers else "application/json"
    body = {"__type": code, "message": message, "Message": message}
    return status, {"Content-Type": kind, "x-amzn-errortype": code}, json.dumps(body).encode()


_STATUS_BY_NAME = (
    ("Throttl", 400),
    ("TooManyRequests", 429),
    ("SlowDown", 503),
    ("Unavailable", 503),
    ("Internal", 500),
    ("ServiceException", 500),
    ("AccessDenied", 403),
    ("NotFound", 404),
    ("NoSuch", 404),
    ("PreconditionFailed", 412),
)


def _status(service: str, code: str) -> int:
    """Return the HTTP status of an error: the service's model knows some, its name tells the others."""
    for shape in service_model(service).error_shapes:
        status = shape.metadata.get("error", {}).get("httpStatusCode")
        if status and code in (shape.name, shape.metadata["error"].get("code")):
            return int(status)
    return next((status for part, status in _STATUS_BY_NAME if part in code), 400)

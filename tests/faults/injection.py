"""Faults of AWS operations, put between a handler and the account in memory."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

import botocore.exceptions
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import Shape, StructureShape

from rft_runtime.clients import Clients
from rft_runtime.platform import Platform
from tests.faults.case import ApiFault
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.service_models import service_model

SERVICES = {
    "s3": "s3",
    "bedrock": "bedrock",
    "bedrock_runtime": "bedrock-runtime",
    "cloudwatch": "cloudwatch",
    "functions": "lambda",
    "grading": "lambda",
    "sns": "sns",
    "ssm": "ssm",
    "states": "stepfunctions",
    "events": "events",
    "sts": "sts",
    "iam": "iam",
    "kms": "kms",
    "signing": "kms",
    "quotas": "service-quotas",
}
"""Client of `Clients` -> botocore's service."""

STATUSES = {
    "ThrottlingException": 429,
    "Throttling": 400,
    "ThrottledException": 429,
    "TooManyRequestsException": 429,
    "SlowDown": 503,
    "ServiceUnavailable": 503,
    "ServiceUnavailableException": 503,
    "InternalServerException": 500,
    "InternalError": 500,
    "InternalFailure": 500,
    "InternalServiceFault": 500,
    "ServiceException": 500,
    "ServiceFailureException": 500,
    "KMSInternalException": 500,
    "DependencyTimeoutException": 503,
    "AccessDenied": 403,
    "AccessDeniedException": 403,
    "AuthorizationError": 403,
    "PreconditionFailed": 412,
    "ConditionalRequestConflict": 409,
    "ConflictException": 409,
    "ResourceConflictException": 409,
}
"""HTTP status of an error code; of others 400."""


class Killed(BaseException):
    """The end of a function's process: nothing in it sees that coming."""


@dataclass(frozen=True)
class Call:
    """One call of an AWS operation.

    Args:
        state: In which state.
        handler: Of which handler.
        operation: botocore's service and operation.
    """

    state: str
    handler: str
    operation: str


@dataclass
class Injector:
    """Stands between the handlers and the account.

    Args:
        aws: The account.
        fault: What fails; None: nothing.
        state: Where the execution is.
        handler: Whose calls these are.
        fault_state: In which state alone the fault strikes; None: in any.
        seen: Every call that was made.
        steps: How many different calls in a row the handler that is at work has made; a hundred rollouts are one step.
        struck: How often the fault did.
        lost: The operation of which an answer was lost.
        killed_in: The handler whose process was killed.
        watch: Told the step after each call; what it raises, the handler meets.
    """

    aws: FakeAws
    fault: ApiFault | None = None
    fault_state: str | None = None
    state: str = ""
    handler: str = ""
    seen: set[Call] = field(default_factory=set)
    steps: int = 0
    watch: Callable[[int], None] = lambda number: None
    dead: bool = False
    struck: int = 0
    lost: str | None = None
    killed_in: str | None = None
    _matched: int = 0
    _last: tuple[str, str] = ("", "")

    def platform(self) -> Platform:
        """Return the account as the handlers get it."""
        clients = SimpleNamespace(**{name: Client(getattr(self.aws, name), name, self) for name in SERVICES})
        return replace(self.aws.platform(), clients=cast(Clients, clients))

    def begin(self, state: str, handler: str) -> None:
        """Let a handler begin."""
        self.state, self.handler, self.steps, self.dead = state, handler, 0, False
        self._last = ("", "")

    def recover(self) -> None:
        """Let AWS be well again."""
        self.fault = None

    def strikes(self, operation: str, key: str) -> ApiFault | None:
        """Return the fault when it meets this call."""
        fault = self.fault
        if fault is None or (fault.handler, fault.operation) != (self.handler, operation):
            return None
        if self.fault_state not in (None, self.state) or re.search(fault.key, key) is None:
            return None
        self._matched += 1
        if self._matched <= fault.after or (fault.times != "always" and self.struck >= fault.times):
            return None
        self.struck += 1
        return fault

    def made(self, client: str, name: str, arguments: dict[str, Any], work: Callable[[], Any]) -> Any:
        """Make one call, or let it fail."""
        if self.dead:
            raise Killed
        operation = operation_of(SERVICES[client], name)
        self.seen.add(Call(self.state, self.handler, operation))
        key = str(arguments.get("Key", arguments.get("Prefix", "")))
        if (operation, key) != self._last:
            self.steps, self._last = self.steps + 1, (operation, key)
        fault = self.strikes(operation, key)
        if fault is not None and fault.answer == "refused":
            raise error_of(fault)
        try:
            answer = work()
        finally:  # an object that is not there is an answer too
            self._tell_watch()
        if fault is not None:
            self.lost = operation
            raise error_of(fault)
        return answer

    def _tell_watch(self) -> None:
        try:
            self.watch(self.steps)
        except Killed:
            self.dead, self.killed_in = True, self.handler
            raise


class Client:
    """A client whose calls go through the injector."""

    def __init__(self, client: Any, name: str, injector: Injector) -> None:
        self._client, self._name, self._injector = client, name, injector

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not callable(found):
            return found

        def call(**arguments: Any) -> Any:
            return self._injector.made(self._name, name, arguments, lambda: found(**arguments))

        return call

    def get_paginator(self, operation: str) -> Any:
        """Return a paginator, whose first page is a call."""
        paginator = self._client.get_paginator(operation)

        def paginate(**arguments: Any) -> Iterator[Any]:
            yield from self._injector.made(
                self._name, operation, arguments, lambda: list(paginator.paginate(**arguments))
            )

        return SimpleNamespace(paginate=paginate)


@cache
def _operations(service: str) -> dict[str, str]:
    return {xform_name(name): name for name in service_model(service).operation_names}


def operation_of(service: str, method: str) -> str:
    """Return `service:Operation` of a client's method."""
    return f"{service}:{_operations(service)[method]}"


def errors(service: str, operation: str) -> Iterator[tuple[str, Shape]]:
    """Yield the codes and shapes of the errors that the service model documents for an operation."""
    for shape in service_model(service).operation_model(operation).error_shapes:
        assert isinstance(shape, StructureShape)
        yield str(shape.error_code), shape


def error_of(fault: ApiFault) -> Exception:
    """Return what the SDK raises."""
    if (lost := getattr(botocore.exceptions, fault.error, None)) is not None:
        error: BotoCoreError = lost(endpoint_url=f"https://{fault.operation.split(':')[0]}", error="the network")
        return error
    service, name = fault.operation.split(":")
    documented = {code: shape.metadata.get("error", {}).get("httpStatusCode") for code, shape in errors(service, name)}
    response = {
        "Error": {"Code": fault.error, "Message": fault.message or "said AWS"},
        "ResponseMetadata": {"HTTPStatusCode": documented.get(fault.error) or STATUSES.get(fault.error, 400)},
    }
    return ClientError(cast(Any, response), name)

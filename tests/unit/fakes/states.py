"""AWS Step Functions in memory."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.unit.fakes.account import EXECUTION
from tests.unit.fakes.service_models import aws_error, check_request


@dataclass
class FakeStates:
    """Executions by name: status and when they ended; those not named do not exist."""

    executions: dict[str, tuple[str, datetime | None]] = field(default_factory=dict)

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:
        check_request("stepfunctions", "DescribeExecution", {"executionArn": executionArn})
        name = executionArn.removeprefix(EXECUTION)
        if name not in self.executions:
            raise aws_error("ExecutionDoesNotExist", "DescribeExecution")
        status, ended = self.executions[name]
        return {"status": status, **({} if ended is None else {"stopDate": ended})}

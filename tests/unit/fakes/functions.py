"""AWS Lambda in memory."""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from rft_contract.reward_spec import FILE_NAME, RewardSpec
from rft_runtime.grading import grade_batch
from tests.unit.fakes.account import FUNCTION_ARN, REWARD, REWARD_FUNCTION, REWARD_HASH
from tests.unit.fakes.service_models import aws_error, check_request

Grader = Callable[[dict[str, Any]], float | None]


@dataclass
class FakeLambda:
    live: dict[str, str] = field(default_factory=lambda: {REWARD_FUNCTION: "7"})
    aliases: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    grade: Grader = lambda item: 1.0
    events: list[list[dict[str, Any]]] = field(default_factory=list)
    crashes: int = 0
    crash_error: str = "KeyError"
    reports_errors: bool = False
    """Whether an error of `grade` is answered as Lambda does it, and not raised in the test."""
    spec: RewardSpec | None = REWARD
    """What the code says that it is made of; None: it is its author's own."""
    variables: dict[str, str] = field(default_factory=lambda: {"RFT_REWARD_HASH": REWARD_HASH})
    unreserved: int = 1000
    reserved: int | None = None
    runs_its_code: bool = False
    """Whether completions are graded as `spec` says, and not by `grade`."""

    def get_function(self, *, FunctionName: str, Qualifier: str) -> dict[str, Any]:
        check_request("lambda", "GetFunction", {"FunctionName": FunctionName, "Qualifier": Qualifier})
        if Qualifier != "live" and (FunctionName, Qualifier) not in self.aliases:
            raise aws_error("ResourceNotFoundException", "GetFunction", 404)
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            # A ZipInfo has a date of its own, so equal code has an equal hash.
            archive.writestr(zipfile.ZipInfo("handler.py"), "")
            if self.spec is not None:
                archive.writestr(zipfile.ZipInfo(FILE_NAME), json.dumps(self.spec.to_json()))
        body = base64.b64encode(code.getvalue()).decode()
        sha256 = base64.b64encode(hashlib.sha256(code.getvalue()).digest()).decode()
        return {
            "Configuration": {"CodeSha256": sha256, "Environment": {"Variables": self.variables}},
            "Code": {"Location": f"data:application/zip;base64,{body}"},
        }

    def get_alias(self, *, FunctionName: str, Name: str) -> dict[str, str]:
        if Name == "live" and FunctionName in self.live:
            return {"FunctionVersion": self.live[FunctionName], "AliasArn": f"{FUNCTION_ARN}:live"}
        if (FunctionName, Name) in self.aliases:
            return self.aliases[FunctionName, Name]
        raise aws_error("ResourceNotFoundException", "GetAlias", 404)

    def create_alias(self, *, FunctionName: str, Name: str, FunctionVersion: str) -> dict[str, str]:
        request = {"FunctionName": FunctionName, "Name": Name, "FunctionVersion": FunctionVersion}
        check_request("lambda", "CreateAlias", request)
        if (FunctionName, Name) in self.aliases:
            raise aws_error("ResourceConflictException", "CreateAlias", 409)
        alias = {"AliasArn": f"{FUNCTION_ARN}:{Name}", "FunctionVersion": FunctionVersion}
        self.aliases[FunctionName, Name] = alias
        return alias

    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": {"UnreservedConcurrentExecutions": self.unreserved}}

    def get_function_concurrency(self, *, FunctionName: str) -> dict[str, int]:
        check_request("lambda", "GetFunctionConcurrency", {"FunctionName": FunctionName})
        return {} if self.reserved is None else {"ReservedConcurrentExecutions": self.reserved}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_aliases"
        return SimpleNamespace(
            paginate=lambda FunctionName, PaginationConfig: [
                {"Aliases": [{"Name": name} for function, name in self.aliases if function == FunctionName]}
            ]
        )

    def delete_alias(self, *, FunctionName: str, Name: str) -> None:
        self.aliases.pop((FunctionName, Name), None)

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        check_request("lambda", "Invoke", {"FunctionName": FunctionName, "Payload": Payload})
        assert FunctionName.rsplit(":", 1)[-1] in {name for _, name in self.aliases}
        if self.crashes:
            self.crashes -= 1
            return _crash(self.crash_error)
        event = json.loads(Payload)
        self.events.append(event)
        try:
            answer = [self._result(item) for item in event]
        except Exception as error:
            if not self.reports_errors:
                raise
            return _crash(type(error).__name__, str(error))
        if self.runs_its_code and self.spec is not None:
            answer = grade_batch(self.spec, event)
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def _result(self, item: dict[str, Any]) -> dict[str, Any]:
        reward = self.grade(item)
        metrics = [("invalid", float(reward is None))]
        if reward is None:
            metrics.append(("invalid.reference-missing", 1.0))
        return {
            "id": item["id"],
            "aggregate_reward_score": 0.0 if reward is None else reward,
            "metrics_list": [{"name": name, "value": value, "type": "Metric"} for name, value in metrics],
        }


def _crash(error: str, message: str = "") -> dict[str, Any]:
    body = json.dumps({"errorType": error, "errorMessage": message})
    return {"FunctionError": "Unhandled", "Payload": io.BytesIO(body.encode())}

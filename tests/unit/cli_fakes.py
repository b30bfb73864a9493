"""An environment in memory, for the command line."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rft_cli import environment
from rft_cli.environment import Aws, Environment
from rft_contract.outputs import StackOutputs
from tests.unit.runtime_fakes import BUCKET, FakeS3, aws_error

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:dev"
OUTPUTS = StackOutputs(
    bucket=BUCKET,
    key_arn="arn:aws:kms:us-east-1:123456789012:key/1",
    state_machine_arn=MACHINE,
    close_function="dev-close",
    dashboard="dev-Rft",
    topic_arn="arn:aws:sns:us-east-1:123456789012:dev",
    rewards={"routing": "dev-reward-routing", "gsm8k": "dev-reward-gsm8k"},
)


class Pages:
    def __init__(self, *pages: dict[str, Any]) -> None:
        self.pages = pages

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        return iter(self.pages)


class CliS3(FakeS3):
    uploads: list[str]

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.objects:
            raise aws_error("404", "HeadObject", 404)
        return {}

    def upload_file(self, name: str, bucket: str, key: str) -> None:
        self.put(key, Path(name).read_bytes())

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_objects_v2"
        return SimpleNamespace(
            paginate=lambda Bucket, Prefix: [
                {"Contents": [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)]}
            ]
        )


class NameTaken(Exception):
    pass


class NotThere(Exception):
    pass


@dataclass
class FakeStates:
    """Step Functions with executions that run until they are stopped."""

    exceptions: Any = field(
        default_factory=lambda: SimpleNamespace(
            ExecutionAlreadyExists=NameTaken, ExecutionDoesNotExist=NotThere, InvalidArn=NotThere
        )
    )
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:
        assert stateMachineArn == MACHINE
        if name in self.inputs:
            raise NameTaken
        self.inputs[name] = json.loads(input)
        return {}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:
        name = executionArn.removeprefix(MACHINE.replace("stateMachine", "execution") + ":")
        if name not in self.inputs:
            raise NotThere
        started = datetime(2026, 11, 22, 10, tzinfo=UTC)
        if name in self.stopped:
            return {"status": "ABORTED", "startDate": started, "stopDate": started}
        return {"status": "RUNNING", "startDate": started}

    def stop_execution(self, *, executionArn: str, error: str, cause: str) -> None:
        self.stopped[executionArn.rpartition(":")[2]] = cause

    def get_paginator(self, operation: str) -> Pages:
        assert operation == "list_executions"
        started = datetime(2026, 11, 22, 10, tzinfo=UTC)
        found = [{"name": name, "status": "RUNNING", "startDate": started} for name in self.inputs]
        return Pages({"executions": found})


@dataclass
class FakeFunctions:
    """Lambda, whose one function is the closing handler."""

    closed: list[dict[str, Any]] = field(default_factory=list)
    failure: str | None = None
    on_close: Callable[[], None] = lambda: None

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert FunctionName == OUTPUTS.close_function
        event = json.loads(Payload)
        self.closed.append(event)
        self.on_close()
        if self.failure:
            body = json.dumps({"errorMessage": self.failure})
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(body.encode())}
        return {"Payload": io.BytesIO(json.dumps({"run_id": event["run_id"], "outcome": "STOPPED"}).encode())}


@dataclass
class Bench:
    """An environment and what the test can look at."""

    s3: CliS3 = field(default_factory=CliS3)
    states: FakeStates = field(default_factory=FakeStates)
    functions: FakeFunctions = field(default_factory=FakeFunctions)
    cloudwatch: Any = None

    def environment(self, name: str = "local") -> Environment:
        aws = Aws(session=None, endpoint="http://127.0.0.1:1" if name == "local" else None)  # type: ignore[arg-type]  # its clients are replaced below
        aws.__dict__.update(
            s3=self.s3, states=self.states, functions=self.functions, cloudwatch=self.cloudwatch
        )  # where cached_property keeps them
        return Environment(name=name, option=f"--env {name}", stack=f"{name}-Rft", aws=aws, outputs=OUTPUTS)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench()
    monkeypatch.setattr(environment, "open_environment", lambda env, stack: made.environment(env or "local"))
    return made


def row(text: str, label: str = "billing") -> str:
    return json.dumps({"messages": [{"role": "user", "content": text}], "reference_answer": label})


def write_recipe(folder: Path, **changes: Any) -> Path:
    """Write a legal recipe with legal datasets beside it; `changes` replace top-level keys."""
    import yaml

    for split, rows in (("train", 120), ("held_out", 100)):
        lines = [row(f"{split} ticket number {number}") for number in range(rows)]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    recipe = {
        "schema": 1,
        "line": "routing",
        "reward": "routing",
        "base_model": "local.smollm2-135m-instruct-v1:0",
        "datasets": {"train": "train.jsonl", "held_out": "held_out.jsonl"},
        **changes,
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path

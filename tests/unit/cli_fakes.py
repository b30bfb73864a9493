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
from rft_contract.plan_facts import PlanFacts
from rft_contract.reward_facts import RewardFacts
from rft_contract.services import REWARD_HASH
from rft_contract.settings import PlatformResources, PlatformSettings
from tests.unit.fakes.account import BUCKET, SIGNING_KEY
from tests.unit.fakes.cloudwatch import FakeCloudWatch
from tests.unit.fakes.kms import FakeKms
from tests.unit.fakes.s3 import FakeS3

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:dev"
OUTPUTS = StackOutputs(
    bucket=BUCKET,
    key_arn="arn:aws:kms:us-east-1:123456789012:key/1",
    release_key_arn=SIGNING_KEY,
    state_machine_arn=MACHINE,
    close_function="dev-close",
    sweep_function="dev-sweep",
    rollback_function="dev-rollback",
    dashboard="dev-Rft",
    topic_arn="arn:aws:sns:us-east-1:123456789012:dev",
    rewards={"routing": "dev-reward-routing", "gsm8k": "dev-reward-gsm8k"},
    keep_releases=3,
    rejected_model_days=7.0,
)


FACTS = PlanFacts(
    settings=PlatformSettings(environment="dev"),
    resources=PlatformResources(
        bucket=BUCKET,
        key_arn=OUTPUTS.key_arn,
        customization_role_arn="arn:aws:iam::123456789012:role/dev-customization",
        topic_arn=OUTPUTS.topic_arn,
        rewards=OUTPUTS.rewards,
        reward_facts={"routing": RewardFacts(floor=0.0, ceiling=1.0, memory_mib=512)},
    ),
)


class Pages:
    def __init__(self, *pages: dict[str, Any]) -> None:
        self.pages = pages

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        return iter(self.pages)


class CliS3(FakeS3):
    uploads: list[str]

    def upload_file(self, name: str, bucket: str, key: str, ExtraArgs: dict[str, Any]) -> None:
        self.put(key, Path(name).read_bytes())
        self.metadata[key] = ExtraArgs["Metadata"]


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
    facts: PlanFacts = FACTS
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)

    def describe_state_machine(self, *, stateMachineArn: str) -> dict[str, Any]:
        assert stateMachineArn == MACHINE
        return {"definition": json.dumps({"States": {"Plan": {"Parameters": self.facts.to_json()}}})}

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:
        assert stateMachineArn == MACHINE
        if name in self.inputs:
            raise NameTaken
        self.inputs[name] = json.loads(input)
        return {}

    def describe_execution(self, *, executionArn: str, includedData: str = "ALL_DATA") -> dict[str, Any]:
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
    on_rollback: Callable[[dict[str, Any]], dict[str, Any]] = lambda event: {}
    variables: dict[str, str] = field(default_factory=lambda: {REWARD_HASH: "0" * 64})

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:
        assert FunctionName in OUTPUTS.rewards.values()
        return {"CodeSha256": "code", "Environment": {"Variables": self.variables}}

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        if FunctionName == OUTPUTS.rollback_function:
            return self._rollback(json.loads(Payload))
        assert FunctionName == OUTPUTS.close_function
        event = json.loads(Payload)
        self.closed.append(event)
        self.on_close()
        if self.failure:
            body = json.dumps({"errorMessage": self.failure})
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(body.encode())}
        return {"Payload": io.BytesIO(json.dumps({"run_id": event["run_id"], "outcome": "STOPPED"}).encode())}

    def _rollback(self, event: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"Payload": io.BytesIO(json.dumps(self.on_rollback(event)).encode())}
        except Exception as error:
            body = json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)})
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(body.encode())}


@dataclass
class Bench:
    """An environment and what the test can look at."""

    s3: CliS3 = field(default_factory=CliS3)
    states: FakeStates = field(default_factory=FakeStates)
    functions: FakeFunctions = field(default_factory=FakeFunctions)
    kms: FakeKms = field(default_factory=FakeKms)
    cloudwatch: Any = field(default_factory=FakeCloudWatch)

    def environment(self, name: str = "local") -> Environment:
        aws = Aws(session=None, endpoint="http://127.0.0.1:1" if name == "local" else None)  # type: ignore[arg-type]  # its clients are replaced below
        aws.__dict__.update(
            s3=self.s3, states=self.states, functions=self.functions, cloudwatch=self.cloudwatch, kms=self.kms
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

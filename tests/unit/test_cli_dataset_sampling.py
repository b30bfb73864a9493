"""`rft dataset sample-logs`: starting a sample, finding it again, waiting for its end."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from rft_cli import environment
from rft_cli.environment import Aws, Environment
from rft_cli.main import main
from rft_contract.layout import log_shards
from rft_contract.outputs import StackOutputs
from tests.unit.cli_fakes import OUTPUTS, CliS3, NotThere
from tests.unit.fakes.account import BUCKET

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:sampler"
RUN = "arn:aws:states:us-east-1:123456789012:mapRun:sampler/map:1"


class Bucket(CliS3):
    def list_objects_v2(self, *, Bucket: str, Prefix: str, MaxKeys: int) -> dict[str, Any]:
        assert Bucket == BUCKET
        return {"KeyCount": min(MaxKeys, sum(key.startswith(Prefix) for key in self.objects))}


@dataclass
class States:
    """Step Functions, whose executions end at the third look."""

    s3: Bucket
    ends: str = "SUCCEEDED"
    writes: bool = True
    cause: str = json.dumps({"errorType": "RunFailed", "errorMessage": "s3://logs/a.json.gz: GetObject: AccessDenied"})
    exceptions: Any = field(default_factory=lambda: SimpleNamespace(ExecutionDoesNotExist=NotThere))
    inputs: dict[str, str] = field(default_factory=dict)
    started: int = 0
    looks: int = 0

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:
        assert stateMachineArn == MACHINE
        self.inputs[name] = input
        self.started += 1
        return {}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:
        name = executionArn.removeprefix(MACHINE.replace("stateMachine", "execution") + ":")
        if name == "child":
            return {"status": "FAILED", "error": "RunFailed", "cause": self.cause}
        if name not in self.inputs:
            raise NotThere
        self.looks += 1
        if self.looks < 3:
            return {"status": "RUNNING", "input": self.inputs[name]}
        if self.writes:
            self.s3.put(f"{log_shards(name)}0.jsonl.gz", b"")
        return {"status": self.ends, "input": self.inputs[name], "error": "States.ExceedToleratedFailureThreshold"}

    def list_map_runs(self, *, executionArn: str) -> dict[str, Any]:
        return {"mapRuns": [{"mapRunArn": RUN}] if self.looks > 1 else []}

    def describe_map_run(self, *, mapRunArn: str) -> dict[str, Any]:
        assert mapRunArn == RUN
        return {"executionCounts": {"succeeded": 3, "total": 40}}

    def list_executions(self, *, mapRunArn: str, statusFilter: str, maxResults: int) -> dict[str, Any]:
        assert (mapRunArn, statusFilter, maxResults) == (RUN, "FAILED", 1)
        return {"executions": [{"executionArn": MACHINE.replace("stateMachine", "execution") + ":child"}]}


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> Iterator[States]:
    s3 = Bucket()
    made = States(s3)
    aws = Aws(session=None)  # type: ignore[arg-type]  # its clients are replaced below
    aws.__dict__.update(s3=s3, states=made)  # where cached_property keeps them
    outputs = replace(OUTPUTS, log_sampler_arn=MACHINE)
    found = Environment(name="dev", option="--env dev", stack="dev-Rft", aws=aws, outputs=outputs)
    monkeypatch.setattr(environment, "open_environment", lambda env, stack: found)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    yield made


def sample(*options: str) -> int:
    return main(["dataset", "sample-logs", "--env", "dev", "--name", "november", *options])


def test_a_sample_is_started_with_what_was_asked(states: States, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ("--metadata", "team=a", "--not-metadata", "stage=dev", "--model", "amazon.nova-2-lite-v1:0")
    assert sample("--day", "2026/11/25", "--size", "50", "--stratify", "length", "--seed", "7", *chosen) == 0
    given = json.loads(states.inputs["november"])
    assert given["below"] == "2026/11/25/"
    assert given["sample"] == {
        "size": 150,
        "seed": 7,
        "by": "length",
        "distinct": True,
        "wanted": {
            "conditions": [
                {"key": "team", "value": "a", "equals": True},
                {"key": "stage", "value": "dev", "equals": False},
            ],
            "any_of": False,
            "model": "amazon.nova-2-lite-v1:0",
        },
    }
    told = capsys.readouterr()
    address = f"s3://{BUCKET}/log-samples/november/shards/"
    assert told.out.strip() == address
    assert f"rft dataset from-logs {address} --output FILE --size 50 --seed 7" in told.err


def test_waiting_tells_how_far_it_is(states: States, capsys: pytest.CaptureFixture[str]) -> None:
    assert sample("--wait", "--repeats", "--size", "50") == 0
    told = capsys.readouterr().err
    assert "3 of 40 shards" in told
    assert "next: rft dataset compare TRAIN --logs" in told
    given = json.loads(states.inputs["november"])
    assert (given["below"], given["sample"]["size"], given["sample"]["distinct"]) == ("", 50, False)


def test_the_same_command_finds_the_sample_again(states: States, capsys: pytest.CaptureFixture[str]) -> None:
    assert sample("--prefix", "2026/1") == 0
    assert sample("--prefix", "2026/1", "--wait", "--json") == 0
    assert states.started == 1
    answer = capsys.readouterr().out
    assert json.loads(answer[answer.index("{") :])["status"] == "SUCCEEDED"


def test_the_answer_can_be_json(states: States, capsys: pytest.CaptureFixture[str]) -> None:
    assert sample("--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "name": "november",
        "status": "RUNNING",
        "shards": f"s3://{BUCKET}/log-samples/november/shards/",
    }


def test_a_name_stands_for_one_sample(states: States, capsys: pytest.CaptureFixture[str]) -> None:
    assert sample() == 0
    assert sample("--seed", "1") == 1
    assert "the name is taken" in capsys.readouterr().err
    states.inputs.clear()
    states.s3.put(f"{log_shards('november')}0.jsonl.gz", b"")
    assert sample() == 1
    assert "taken by an old one" in capsys.readouterr().err
    assert states.started == 1


def test_a_failed_sample_says_why(states: States, capsys: pytest.CaptureFixture[str]) -> None:
    states.ends = "FAILED"
    assert sample("--wait") == 1
    assert "sample november: ended FAILED: s3://logs/a.json.gz: GetObject: AccessDenied" in capsys.readouterr().err


def test_no_logs_are_told(states: States, capsys: pytest.CaptureFixture[str]) -> None:
    states.writes = False
    assert sample("--wait", "--day", "2031/01/01") == 1
    assert "no log objects there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (("--day", "2026-11-25"), "wanted YYYY/MM/DD"),
        (("--day", "2026/11", "--prefix", "x"), "got both, wanted one"),
        (("--metadata", "team"), "wanted KEY=VALUE"),
        (("--stratify", "weather"), "got 'weather'"),
        (("--name", "Not A Name"), "--name: got 'Not A Name'"),
    ],
)
def test_wrong_options_are_named(
    states: States, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], wanted: str
) -> None:
    assert sample(*options) == 1
    assert wanted in capsys.readouterr().err
    assert not states.inputs


def test_an_environment_without_logs_says_what_to_do(
    states: States, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = environment.open_environment("dev", None)
    bare = replace(found, outputs=replace(found.outputs, log_sampler_arn=None))
    monkeypatch.setattr(environment, "open_environment", lambda env, stack: bare)
    assert sample() == 1
    assert "`invocation_logs` of its RftConfig" in capsys.readouterr().err


def test_the_output_of_the_stack_is_optional() -> None:
    assert StackOutputs.from_outputs(OUTPUTS.to_outputs()) == OUTPUTS
    sampling = replace(OUTPUTS, log_sampler_arn=MACHINE)
    assert StackOutputs.from_outputs(sampling.to_outputs()) == sampling

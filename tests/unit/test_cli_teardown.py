"""`rft teardown` and `rft models`: what stands outside the stack is named, ended where asked, and otherwise told of."""

import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rft_cli import environment as environments
from rft_cli import teardown
from rft_cli.environment import Environment
from rft_cli.main import main
from rft_runtime.data_bucket import DataBucket
from rft_runtime.releases.current import Change, ChangeKind, Current
from rft_runtime.releases.release_store import ReleaseStore
from rft_runtime.run_record import RunRecord, RunStore
from tests.unit.cli_fakes import OUTPUTS, Bench, bench
from tests.unit.fakes.account import ACCOUNT, BUCKET, EXECUTION, REGION
from tests.unit.fakes.listed_bedrock import ListedBedrock

__all__ = ["bench"]

MODEL = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:custom-model/amazon.nova-2-lite-v1:0:256k/aaaabbbbcccc"
STARTED = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class FakeAlarms:
    names: list[str] = field(default_factory=lambda: ["dev-Rft-live-routing"])

    def get_paginator(self, operation: str) -> Any:
        assert operation == "describe_alarms"
        return self

    def paginate(self, *, AlarmNamePrefix: str) -> list[dict[str, Any]]:
        return [{"MetricAlarms": [{"AlarmName": name} for name in self.names if name.startswith(AlarmNamePrefix)]}]

    def delete_alarms(self, *, AlarmNames: list[str]) -> None:
        self.names = [name for name in self.names if name not in AlarmNames]


@dataclass
class FakeParameters:
    names: list[str] = field(
        default_factory=lambda: [
            *(f"/dev-Rft/routing/{name}" for name in ("deployment", "model", "release")),
            "/dev-Rft/routing/somebody-elses",
        ]
    )

    def get_paginator(self, operation: str) -> Any:
        assert operation == "get_parameters_by_path"
        return self

    def paginate(self, *, Path: str, Recursive: bool) -> list[dict[str, Any]]:
        assert Recursive
        return [{"Parameters": [{"Name": name}]} for name in self.names if name.startswith(Path)]

    def delete_parameters(self, *, Names: list[str]) -> None:
        assert len(Names) <= 10
        self.names = [name for name in self.names if name not in Names]


@dataclass
class Sweeper:
    asked: list[dict[str, Any]] = field(default_factory=list)
    failure: str | None = None

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        assert FunctionName == OUTPUTS.sweep_function
        self.asked.append(json.loads(Payload))
        if self.failure:
            return {
                "FunctionError": "Unhandled",
                "Payload": io.BytesIO(json.dumps({"errorMessage": self.failure}).encode()),
            }
        swept = {"closing": [], "removed": ["alias dev-reward-routing:run-old"], "models": [], "failures": []}
        return {"Payload": io.BytesIO(json.dumps(swept).encode())}


@dataclass
class Place:
    """An environment with a running run, one that was never closed, and a line that is live."""

    bench: Bench
    bedrock: ListedBedrock = field(default_factory=ListedBedrock)
    alarms: FakeAlarms = field(default_factory=FakeAlarms)
    parameters: FakeParameters = field(default_factory=FakeParameters)
    sweeper: Sweeper = field(default_factory=Sweeper)

    @property
    def bucket(self) -> DataBucket:
        return DataBucket(self.bench.s3, BUCKET)  # type: ignore[arg-type]  # in memory

    @property
    def releases(self) -> ReleaseStore:
        return ReleaseStore(self.bucket, "dev")

    def environment(self, name: str) -> Environment:
        made = self.bench.environment(name)
        made.aws.__dict__.update(
            bedrock=self.bedrock, cloudwatch=self.alarms, ssm=self.parameters, grading=self.sweeper
        )
        return made

    def deploy(self, name: str, **tags: str) -> str:
        marks = [{"key": f"rft:{key}", "value": value} for key, value in tags.items()]
        made = self.bedrock.create_custom_model_deployment(modelDeploymentName=name, modelArn=MODEL, tags=marks)
        return made["customModelDeploymentArn"]

    def run(self, run_id: str, **values: Any) -> None:
        RunStore(self.bucket).create(
            RunRecord(run_id=run_id, environment="dev", started=STARTED, execution_arn=EXECUTION + run_id, **values)
        )


@pytest.fixture
def place(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(bench)
    monkeypatch.setattr(environments, "open_environment", lambda env, stack: made.environment(env or "local"))
    monkeypatch.setattr(teardown, "sleep", lambda seconds: None)
    bench.states.inputs["going"] = {}
    made.run("going")
    made.run("left")
    arn = made.deploy("dev-routing-live", role="live", line="routing", environment="dev")
    made.deploy("dev-other-live", role="live", line="other", environment="prod")

    def live(current: Current) -> Current:
        return Current(line="routing", environment="dev", release=3, model_arn=MODEL, deployment_arn=arn)

    made.releases.update("routing", live)
    return made


def test_runs_are_stopped_and_closed_and_the_rest_is_swept(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["teardown", "--env", "dev", "--yes", "--json"]) == 0
    assert list(place.bench.states.stopped) == ["going"]
    assert [event["run_id"] for event in place.bench.functions.closed] == ["going", "left"]
    (asked,) = place.sweeper.asked
    assert asked == {
        "rewards": ["dev-reward-routing", "dev-reward-gsm8k"],
        "close_function": "dev-close",
        "keep_releases": 3,
        "rejected_model_days": 7.0,
        "stray_minutes": 0,
    }
    told = json.loads(capsys.readouterr().out)
    assert told["closed"] == {"left": "STOPPED", "going": "STOPPED"}
    assert told["removed"] == ["alias dev-reward-routing:run-old"]
    assert told["failures"] == []
    assert len(told["live"]) == 5


def test_what_is_live_is_named_and_stays(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["teardown", "--env", "dev", "--yes"]) == 0
    said = capsys.readouterr().err
    assert said.count("live, and stays without --live: ") == 5
    assert "of line routing" in said
    assert set(place.bedrock.deployments) == {"dev-routing-live", "dev-other-live"}
    assert place.releases.current("routing").release == 3
    assert (len(place.alarms.names), len(place.parameters.names)) == (1, 4)


def test_with_live_it_goes_and_no_later_run_is_compared_with_it(place: Place) -> None:
    assert main(["teardown", "--env", "dev", "--yes", "--live"]) == 0
    assert list(place.bedrock.deployments) == ["dev-other-live"]  # another environment's
    assert place.alarms.names == []
    assert place.parameters.names == ["/dev-Rft/routing/somebody-elses"]
    assert place.releases.current("routing").live is None
    assert main(["teardown", "--env", "dev", "--yes", "--live"]) == 0


def test_a_line_that_is_being_changed_keeps_its_deployment(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    change = Change(kind=ChangeKind.ROLLBACK, id="t", since=STARTED, release=2, model_arn=MODEL)
    place.releases.update("routing", lambda current: Current(line="routing", environment="dev", change=change))
    assert main(["teardown", "--env", "dev", "--yes", "--live"]) == 1
    assert "line routing: rollback by t is under way" in capsys.readouterr().err
    assert "dev-routing-live" in place.bedrock.deployments


def test_nothing_is_ended_without_asking(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["teardown", "--env", "dev", "--live"]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "In dev: stop and close 2 runs (going, left), and end what runs left behind, and take out of service" in said
    assert "Say --yes" in said
    assert not place.bench.functions.closed
    assert not place.sweeper.asked


def test_a_closing_that_fails_is_repeated_and_then_told_of(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.bench.functions.failure = "the deployment is being made"
    assert main(["teardown", "--env", "dev", "--yes", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["closed"] == {}
    assert len(told["failures"]) == 2
    assert "run going: it has ended but closing failed: the deployment is being made" in " ".join(told["failures"])
    assert len(place.bench.functions.closed) == 10
    assert place.sweeper.asked


def test_a_closing_that_works_later_is_no_failure(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.bench.functions.failure = "not yet"

    def soon() -> None:
        if len(place.bench.functions.closed) > 2:
            place.bench.functions.failure = None

    place.bench.functions.on_close = soon
    assert main(["teardown", "--env", "dev", "--yes", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["closed"]) == {"going", "left"}


def test_a_sweep_that_fails_is_told_of(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.sweeper.failure = "alias x: throttled"
    assert main(["teardown", "--env", "dev", "--yes"]) == 1
    assert "error: sweeping: alias x: throttled" in capsys.readouterr().err


def test_a_stack_alone_does_not_say_which_deployments_are_meant(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environments, "open_environment", lambda env, stack: place.environment(stack))
    for command in ("teardown", "models"):
        assert main([command, "--stack", "dev-Rft"]) == 1
        assert "environment: got 'dev-Rft'" in capsys.readouterr().err
    assert not place.sweeper.asked


def test_models_and_deployments_are_listed_with_their_reasons(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    ended = datetime.now(UTC) - timedelta(days=30)
    place.run("over", status="ENDED", outcome="REJECTED", ended=ended, recipe={"line": "routing"})
    place.bedrock.add_model("dev-over", 1, "over")
    place.bedrock.add_model("dev-going", 2, "going")
    place.deploy("dev-over-candidate", run="over", environment="dev")
    place.deploy("dev-going-candidate", run="going", environment="dev")
    place.deploy("dev-by-hand")
    place.deploy("dev-gone-live", role="live", line="gone", environment="dev")
    assert main(["models", "--env", "dev", "--json"]) == 0
    found = {fate["name"]: fate for fate in json.loads(capsys.readouterr().out)}
    told = {name: (fate["kind"], fate["goes"], fate["needed"], fate["reason"]) for name, fate in found.items()}
    tagless = "it bears the environment's name and not its tags"
    assert told.pop("dev-over")[:3] == ("model", True, False)
    assert told == {
        "dev-going": ("model", False, True, "run going goes on"),
        "dev-routing-live": ("deployment", False, True, "release 3 of line routing is live through it"),
        "dev-other-live": ("deployment", False, False, tagless),
        "dev-over-candidate": ("deployment", True, False, "run over is over"),
        "dev-going-candidate": ("deployment", False, True, "run going goes on"),
        "dev-by-hand": ("deployment", False, False, tagless),
        "dev-gone-live": ("deployment", False, False, "nothing is live on line gone; `rft teardown --live` deletes it"),
    }
    assert (found["dev-over"]["run_id"], found["dev-over"]["line"]) == ("over", "routing")
    assert found["dev-routing-live"]["release"] == 3


def test_orphans_are_what_nothing_needs(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.bedrock.add_model("dev-going", 1, "going")
    place.bedrock.add_model("dev-unknown", 2, "unknown")
    assert main(["models", "--env", "dev", "--orphans"]) == 0
    said = capsys.readouterr().out
    assert "dev-unknown" in said
    assert "dev-going" not in said
    assert "dev-routing-live" not in said


def test_no_models_are_no_error(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Place(bench)
    monkeypatch.setattr(environments, "open_environment", lambda env, stack: made.environment("dev"))
    assert main(["models"]) == 0
    assert "has no custom models" in capsys.readouterr().err

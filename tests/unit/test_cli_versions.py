"""`rft versions`: what anything needs stays, the rest goes on request, and no function ever does."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rft_cli import environment as environments
from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_cli.function_versions import FunctionVersion, delete_version
from rft_cli.main import main
from rft_runtime.data_bucket import DataBucket
from rft_runtime.run_record import RunRecord, RunStore
from tests.unit.cli_fakes import Bench, bench
from tests.unit.fakes.account import BUCKET, EXECUTION
from tests.unit.fakes.service_models import aws_error, check_request

__all__ = ["bench"]  # pytest finds the fixture in this module

ARN = "arn:aws:lambda:us-east-1:123456789012:function"
CALLED = {"dev-reward:1": 1, "dev-reward:2": 4, "dev-plan:5": 2}
STACK = [
    ("AWS::Lambda::Function", "dev-plan"),
    ("AWS::Lambda::Version", f"{ARN}:dev-plan:7"),
    ("AWS::Lambda::Function", "dev-reward"),
    ("AWS::Lambda::Version", f"{ARN}:dev-reward:2"),
    ("AWS::S3::Bucket", "dev-data"),
]


@dataclass
class Pages:
    pages: list[dict[str, Any]]

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        return self.pages


class FakeStack:
    def get_paginator(self, operation: str) -> Pages:
        assert operation == "list_stack_resources"
        kinds = [{"ResourceType": kind, "PhysicalResourceId": name} for kind, name in STACK]
        return Pages([{"StackResourceSummaries": kinds[:2]}, {"StackResourceSummaries": kinds[2:]}])


@dataclass
class FakeDefinitions:
    running: dict[str, str] = field(default_factory=dict)

    def describe_state_machine_for_execution(self, *, executionArn: str) -> dict[str, str]:
        if executionArn not in self.running:
            raise aws_error("ExecutionDoesNotExist")
        return {"definition": self.running[executionArn]}


@dataclass
class FakeVersions:
    published: dict[str, int] = field(default_factory=lambda: {"dev-plan": 10, "dev-reward": 2})
    aliases: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    environments: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: list[tuple[str, str]] = field(default_factory=list)
    error: ClientError | None = None

    def get_paginator(self, operation: str) -> Any:
        return self if operation == "list_versions_by_function" else Aliases(self)

    def paginate(self, *, FunctionName: str) -> list[dict[str, Any]]:
        numbers = ["$LATEST", *(str(number) for number in range(self.published[FunctionName], 0, -1))]
        facts = {"LastModified": "2026-11-30T08:00:00.000+0000", "CodeSize": 2**20}
        shown = {number: {"Environment": self.environments.get(f"{FunctionName}:{number}", {})} for number in numbers}
        return [{"Versions": [{"Version": number, **facts, **shown[number]}]} for number in numbers]

    def delete_function(self, **request: str) -> None:
        check_request("lambda", "DeleteFunction", request)
        if self.error is not None:
            raise self.error
        self.deleted.append((request["FunctionName"], request["Qualifier"]))


@dataclass
class Aliases:
    of: FakeVersions

    def paginate(self, *, FunctionName: str) -> list[dict[str, Any]]:
        return [{"Aliases": self.of.aliases.get(FunctionName, [])}]


@dataclass
class Place:
    bench: Bench
    functions: FakeVersions = field(default_factory=FakeVersions)
    definitions: FakeDefinitions = field(default_factory=FakeDefinitions)

    def environment(self, name: str) -> Environment:
        made = self.bench.environment(name)
        made.aws.__dict__.update(functions=self.functions, states=self.definitions, cloudformation=FakeStack())
        return made

    def run(self, run_id: str, definition: str | None) -> None:
        store = RunStore(DataBucket(self.bench.s3, BUCKET))  # type: ignore[arg-type]  # in memory
        arn = EXECUTION + run_id
        store.create(RunRecord(run_id=run_id, environment="dev", started=datetime.now(UTC), execution_arn=arn))
        if definition is not None:
            self.definitions.running[arn] = definition


@pytest.fixture
def place(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(bench)
    monkeypatch.setattr(environments, "open_environment", lambda env, stack: made.environment(env or "local"))
    return made


def needed(place: Place, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, str | None]:
    assert main(["versions", "--env", "dev", "--json", *options]) == 0
    found = json.loads(capsys.readouterr().out)["versions"]
    assert not place.functions.deleted
    return {f"{item['function']}:{item['version']}": item["needed"] for item in found}


def test_what_needs_each_version_is_told(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.run("going", f'{{"Resource":"{ARN}:dev-plan:3"}}')
    place.run("gone", None)
    routed = {"FunctionVersion": "10", "Name": "slow", "RoutingConfig": {"AdditionalVersionWeights": {"5": 0.1}}}
    place.functions.aliases["dev-plan"] = [{"FunctionVersion": "4", "Name": "run-a"}, routed]
    assert needed(place, capsys, "--keep", "1") == {
        "dev-plan:1": None,
        "dev-plan:2": None,
        "dev-plan:3": "a run that is not closed calls it",
        "dev-plan:4": "alias run-a",
        "dev-plan:5": "alias slow",
        "dev-plan:6": None,
        "dev-plan:7": "the stack names it",
        "dev-plan:8": None,
        "dev-plan:9": None,
        "dev-plan:10": "alias slow",
        "dev-reward:1": None,
        "dev-reward:2": "the stack names it",
    }


def test_what_a_needed_version_calls_is_needed(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    calls = {name: {"Variables": {"RUNNER": f"{ARN}:dev-plan:{number}"}} for name, number in CALLED.items()}
    place.functions.environments = calls
    place.functions.published["dev-reward"] = 3
    place.functions.aliases["dev-reward"] = [{"FunctionVersion": "1", "Name": "run-a"}]
    found = needed(place, capsys, "--keep", "1")
    assert found["dev-plan:1"] == "dev-reward:1 calls it"
    assert found["dev-plan:4"] == "dev-reward:2 calls it"
    assert found["dev-plan:2"] is None


def test_variables_that_are_not_shown_end_the_list(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.functions.environments["dev-plan:1"] = {"Error": {"ErrorCode": "AccessDenied", "Message": "no key"}}
    assert main(["versions", "--env", "dev", "--delete", "--yes"]) == 1
    assert "dev-plan:1: its variables, which may name versions that it calls, cannot be read: no key" in (
        capsys.readouterr().err
    )
    assert not place.functions.deleted


def test_the_newest_stay_by_number_and_not_by_text(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    found = needed(place, capsys)
    newest = [name for name, reason in found.items() if reason == "one of the newest 3"]
    assert newest == ["dev-plan:8", "dev-plan:9", "dev-plan:10", "dev-reward:1"]


def test_only_what_nothing_needs_is_deleted_each_with_its_number(place: Place) -> None:
    assert main(["versions", "--env", "dev", "--delete", "--yes"]) == 0
    assert place.functions.deleted == [("dev-plan", str(number)) for number in range(1, 7)]


def test_nothing_is_deleted_without_a_word(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["versions", "--env", "dev", "--delete"]) == 1
    assert "Delete 6 versions of functions of dev for good? Say --yes" in capsys.readouterr().err
    assert not place.functions.deleted


def test_a_refusal_is_told_and_the_exit_code_says_so(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.functions.error = aws_error("ResourceConflictException", "DeleteFunction")
    assert main(["versions", "--env", "dev", "--delete", "--yes", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["deleted"] == []
    assert "dev-plan:1: DeleteFunction: ResourceConflictException" in told["failures"][0]


@pytest.mark.parametrize("version", ["$LATEST", "", "live", "0", "1a"])
def test_without_a_number_nothing_is_deleted(place: Place, version: str) -> None:
    found = FunctionVersion(function="dev-plan", version=version, published="", code_bytes=0, needed=None)
    with pytest.raises(ValueError, match="wanted a number"):
        delete_version(place.environment("dev"), found)
    assert not place.functions.deleted


def test_what_is_needed_is_not_deleted(place: Place) -> None:
    found = FunctionVersion(function="dev-plan", version="7", published="", code_bytes=0, needed="the stack names it")
    with pytest.raises(CliError, match="dev-plan:7 stays: the stack names it"):
        delete_version(place.environment("dev"), found)
    assert not place.functions.deleted


def test_the_list_for_people(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["versions", "--env", "dev"]) == 0
    captured = capsys.readouterr()
    assert "the stack names it" in captured.out
    assert "6 of 12 versions are not needed; --delete deletes them" in captured.err

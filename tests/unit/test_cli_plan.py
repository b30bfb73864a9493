"""`rft plan`, `rft preflight` and what `rft run` tells before it starts."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rft_cli.environment import Environment
from rft_cli.main import main
from tests.unit.cli_fakes import OUTPUTS, Bench, bench, write_recipe
from tests.unit.fakes.bedrock import FakeBedrock
from tests.unit.fakes.functions import FakeLambda
from tests.unit.fakes.iam import FakeIam
from tests.unit.fakes.kms import FakeKms
from tests.unit.fakes.quotas import FakeQuotas
from tests.unit.fakes.sts import FakeSts

__all__ = ["bench"]


def test_plan_tells_ranges_and_the_gate_and_touches_nothing(
    tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", str(write_recipe(tmp_path, gate={"live_margin": 0.5}))]) == 0
    told = capsys.readouterr().out
    assert "training steps       4" in told
    assert "960 to 1,024 rollouts" in told
    assert "with 100 held-out prompts" in told
    assert "how long Bedrock trains is not documented" in told
    assert not bench.s3.objects
    assert not bench.states.inputs


def test_plan_as_json(tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", str(write_recipe(tmp_path)), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["estimate"]["parts"]["training"]["rollouts"] == {"low": 960, "high": 1024}
    assert told["gate"]["prompts"] == 100
    assert told["refused"] is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"limits": {"rollouts": 10}}, "OVER_LIMIT: recipe.limits.rollouts: 10 allowed"),
        ({"limits": {"money": {"amount": 1, "currency": "USD"}}}, "FAILED: recipe.limits.money"),
        ({"gate": {"min_gain": 0.99}}, "FAILED: the gate cannot pass"),
    ],
)
def test_plan_says_what_would_be_refused_and_run_refuses_it(
    changes: dict[str, Any], words: str, tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write_recipe(tmp_path, **changes)
    assert main(["plan", str(recipe)]) == 1
    assert words in capsys.readouterr().err
    assert main(["run", str(recipe)]) == 1
    assert words.split(": ", 1)[1] in capsys.readouterr().err
    assert not bench.s3.objects
    assert not bench.states.inputs


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reward": "none"}, "recipe.reward: got 'none', environment local has gsm8k, routing"),
        ({"base_model": "some.model"}, "recipe.base_model: got 'some.model'"),
        ({"datasets": {"train": "train.jsonl", "held_out": "train.jsonl"}}, "the same prompts as datasets.train"),
        (
            {"datasets": {"train": "train.jsonl", "held_out": "gone.jsonl"}},
            "datasets.held_out: gone.jsonl: No such file",
        ),
        ({"limit": {}}, "recipe.limit: unknown key"),
    ],
)
def test_a_recipe_that_cannot_work_is_one_line(
    changes: dict[str, Any], words: str, tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", str(write_recipe(tmp_path, **changes))]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert words in line


def test_a_limit_that_may_be_exceeded_is_a_warning(
    tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write_recipe(tmp_path, limits={"rollouts": 1000})
    assert main(["plan", str(recipe)]) == 3
    assert main(["run", str(recipe), "--run-id", "first"]) == 0
    assert "may exceed the limit" in capsys.readouterr().err


def test_run_goes_on_where_no_estimate_can_be_made_here(
    tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    there = {"train": "s3://dev-data/a.jsonl", "held_out": "s3://dev-data/b.jsonl"}
    assert main(["run", str(write_recipe(tmp_path, datasets=there)), "--run-id", "first"]) == 0
    assert "no estimate here: datasets.train: s3://dev-data/a.jsonl cannot be read" in capsys.readouterr().err
    assert "first" in bench.states.inputs


def test_a_workflow_of_another_version_is_named(
    tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench.states, "describe_state_machine", lambda **_: {"definition": '{"States": {}}'})
    assert main(["plan", str(write_recipe(tmp_path))]) == 1
    assert "is of another version of the platform" in capsys.readouterr().err


class Functions(FakeLambda):
    dry_runs: list[dict[str, Any]]

    def invoke(self, **request: Any) -> dict[str, Any]:
        assert (request["Qualifier"], request["InvocationType"]) == ("live", "DryRun")
        self.dry_runs.append(request)
        return {}


@pytest.fixture
def functions(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Functions:
    """Give the environment the clients that preflight uses."""
    made = Functions(live=dict.fromkeys(OUTPUTS.rewards.values(), "7"))
    made.dry_runs = []
    clients = {
        "sts": FakeSts(),
        "iam": FakeIam(),
        "kms": FakeKms(),
        "quotas": FakeQuotas(),
        "bedrock": FakeBedrock(models={"local.smollm2-135m-instruct-v1:0": "ACTIVE"}),
        "functions": made,
    }
    before = bench.environment

    def environment(name: str = "local") -> Environment:
        found = before(name)
        found.aws.__dict__.update(clients)
        return replace(found, outputs=replace(OUTPUTS, key_arn=OUTPUTS.key_arn))

    monkeypatch.setattr(bench, "environment", environment)
    return made


def test_preflight_tells_every_finding_with_the_callers_rights(
    bench: Bench, functions: Functions, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["preflight"]) == 0
    told = capsys.readouterr().out
    assert "reward routing: version 7 of dev-reward-routing can be called by its qualified ARN" in told
    assert "0 of 10 customization jobs are in use" in told
    assert len(functions.dry_runs) == len(OUTPUTS.rewards)


def test_preflight_of_a_recipe_checks_what_its_run_needs(
    tmp_path: Path, bench: Bench, functions: Functions, capsys: pytest.CaptureFixture[str]
) -> None:
    functions.unreserved = 0
    assert main(["preflight", "--recipe", str(write_recipe(tmp_path)), "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    (concurrency,) = [finding for finding in found if finding["check"] == "concurrency"]
    assert concurrency["severity"] == "warning"
    assert [request["FunctionName"] for request in functions.dry_runs] == ["dev-reward-routing"]


def test_preflight_fails_for_what_no_run_survives(
    bench: Bench, functions: Functions, capsys: pytest.CaptureFixture[str]
) -> None:
    functions.live.clear()
    assert main(["preflight"]) == 1
    assert "-> deploy the stack again" in capsys.readouterr().out


def test_preflight_refuses_a_recipe_of_another_environment(
    tmp_path: Path, bench: Bench, functions: Functions, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["preflight", "--recipe", str(write_recipe(tmp_path, reward="none"))]) == 1
    assert "recipe.reward: got 'none'" in capsys.readouterr().err
    assert main(["preflight", "--recipe", str(write_recipe(tmp_path, base_model="some.model"))]) == 1
    assert "recipe.base_model: got 'some.model'" in capsys.readouterr().err

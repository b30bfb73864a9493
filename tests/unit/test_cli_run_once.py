"""`rft run --detach`: one run for one content, however often a pipeline asks for it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rft_cli.main import main
from rft_cli.run_start import content_run_id
from rft_contract.outcomes import RunFailed
from rft_contract.recipe import Recipe
from rft_contract.recipe_sections import Datasets, Gate
from rft_contract.services import REWARD_HASH
from rft_runtime.run_record import RunStore
from tests.unit.cli_fakes import Bench, bench, row, write_recipe
from tests.unit.fakes.account import BUCKET

__all__ = ["bench"]

ADDRESS = f"s3://{BUCKET}/datasets/{'1' * 64}/train.jsonl"
RECIPE = Recipe(
    line="routing",
    reward="routing",
    base_model="amazon.nova-2-lite-v1:0:256k",
    datasets=Datasets(train=ADDRESS, held_out=ADDRESS.replace("train", "held_out")),
)


def detach(recipe: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert main(["run", str(recipe), "--detach", "--json", "--env", "dev", *options]) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_the_same_content_is_run_once(tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write_recipe(tmp_path)
    first = detach(recipe, capsys)
    assert first == {"run_id": first["run_id"], "environment": "dev", "started": True}
    assert detach(recipe, capsys) == first | {"started": False}
    assert list(bench.states.inputs) == [first["run_id"]]


def test_a_run_is_known_by_its_record_when_step_functions_has_forgotten_it(
    tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = write_recipe(tmp_path)
    first = detach(recipe, capsys)
    bench.states.inputs.clear()
    found = {first["run_id"]: "its record"}
    monkeypatch.setattr(RunStore, "find", lambda store, run_id: found.get(run_id))
    assert detach(recipe, capsys) == first | {"started": False}
    assert not bench.states.inputs


def test_what_was_run_before_is_known_even_when_plan_would_refuse_it_by_now(
    tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RunFailed("the gate cannot pass")

    recipe = write_recipe(tmp_path)
    first = detach(recipe, capsys)
    monkeypatch.setattr("rft_cli.run_plan.foretell", refuse)
    assert detach(recipe, capsys) == first | {"started": False}
    with (tmp_path / "train.jsonl").open("a") as train:
        train.write(row("one more ticket that nobody had seen") + "\n")
    assert main(["run", str(recipe), "--detach", "--env", "dev"]) == 1
    assert "the gate cannot pass" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["recipe", "data", "reward"])
def test_other_content_is_another_run(
    part: str, tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    before = detach(write_recipe(tmp_path), capsys)
    recipe = write_recipe(tmp_path, **({"limits": {"hours": 3}} if part == "recipe" else {}))
    if part == "data":
        with (tmp_path / "train.jsonl").open("a") as train:
            train.write(row("one more ticket that nobody had seen") + "\n")
    if part == "reward":
        bench.functions.variables[REWARD_HASH] = "f" * 64
    after = detach(recipe, capsys)
    assert after["started"]
    assert after["run_id"] != before["run_id"]


def test_a_reward_of_another_make_is_known_by_its_package(
    tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.functions.variables.clear()
    started = detach(write_recipe(tmp_path), capsys)["run_id"]
    uploaded = Recipe.from_json(bench.states.inputs[started]["recipe"])
    assert started == content_run_id(uploaded, "code")


def test_the_name_of_a_content_stays_what_it_is() -> None:
    assert content_run_id(RECIPE, "0" * 64) == "routing-3ca17ce5d15f"
    assert content_run_id(replace(RECIPE, gate=Gate()), "0" * 64) == content_run_id(RECIPE, "0" * 64)
    assert len(content_run_id(replace(RECIPE, line="a" * 24), "0" * 64)) == 37


@pytest.mark.parametrize("option", [["--wait"], ["--run-id", "mine"]])
def test_a_detached_run_is_named_by_its_content_and_left_alone(
    option: list[str], tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(write_recipe(tmp_path)), "--detach", *option]) == 2
    assert "--detach names the run and leaves it alone" in capsys.readouterr().err
    assert not bench.states.inputs


def test_a_person_reads_what_to_do(tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write_recipe(tmp_path)
    for _ in range(2):
        assert main(["run", str(recipe), "--detach"]) == 0
    captured = capsys.readouterr()
    assert len(set(captured.out.split())) == 1
    assert "was run before with the same data and reward" in captured.err
    assert "rft watch routing-" in captured.err

"""`rft validate`: what a person sees, what programs read, and the exit code by severity."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rft_cli import alignment
from rft_cli.environment import Aws
from rft_cli.main import main
from rft_contract.json_value import JsonObject, JsonValue
from tests.unit.cli_fakes import Bench, bench

__all__ = ["bench"]

COLOURS = ("red", "green", "blue")


def row(number: int, **more: JsonValue) -> JsonObject:
    values: JsonObject = {
        "messages": [
            {"role": "user", "content": f"Which colour has item number {number * 7919 % 1009} on shelf {number}?"}
        ],
        "reference_answer": COLOURS[number % 3],
    }
    return values | more


def write(path: Path, rows: list[JsonObject]) -> Path:
    path.write_text("".join(json.dumps(item) + "\n" for item in rows))
    return path


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write(tmp_path / "train.jsonl", [row(number) for number in range(210)])


def test_nothing_worse_than_advice_is_valid(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(good)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "valid"


def test_warnings_have_an_exit_code_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [row(number) for number in range(210)] + [row(1, reference_answer="red", id="again")]
    assert main(["validate", str(write(tmp_path / "train.jsonl", rows))]) == 3
    shown = capsys.readouterr().out
    assert "warning duplicate-prompt (1): keep one of the rows" in " ".join(shown.split())
    assert "train.jsonl:211 $.messages: the prompt of line 2" in shown
    assert "warning contradictory-reference (1)" in shown
    assert shown.splitlines()[-1] == "2 warnings"


def test_errors_come_first_and_each_rule_says_once_what_to_do(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held_out = write(tmp_path / "held_out.jsonl", [row(number) for number in range(30)])
    assert main(["validate", str(good), "--held-out", str(held_out)]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith("error leak-prompt (30): keep the prompt in one of the two")
    assert shown.count("held_out.jsonl:") == 21  # twenty leaks, and the file as a whole
    assert "and 10 more: --json has" in shown
    assert shown.splitlines()[-1] == "30 errors"


def test_programs_get_every_finding(good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held_out = write(tmp_path / "held_out.jsonl", [row(number) for number in range(30)])
    assert main(["validate", str(good), "--held-out", str(held_out), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["valid"] is False
    assert [finding["line"] for finding in answer["across"]["findings"]] == list(range(1, 31))
    assert set(answer["across"]["findings"][0]) == {"file", "line", "path", "severity", "code", "message", "fix"}
    assert answer["datasets"]["train"]["rows"] == 210


def test_a_recipe_names_the_datasets_and_tells_the_steps(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "held_out.jsonl", [row(number) for number in range(1000, 1110)])
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "schema: 1\nline: colours\nreward: colours\nbase_model: amazon.nova-2-lite-v1:0:256k\n"
        "datasets: {train: train.jsonl, held_out: held_out.jsonl}\nhyperparameters: {batchSize: 16, epochCount: 2}\n"
    )
    assert main(["validate", "--recipe", str(recipe)]) == 0
    assert f"train: 210 rows in {good}, 28 training steps" in capsys.readouterr().out.replace("\n", " ")


class Counting:
    """A model whose tokens have four characters, and whose chat template adds three tokens."""

    def __init__(self) -> None:
        self.meta = SimpleNamespace(region_name="us-east-1")
        self.asked: list[str] = []

    def converse(self, **request: Any) -> dict[str, Any]:
        assert request["inferenceConfig"]["maxTokens"] == 1
        self.asked.append(request["messages"][0]["content"][0]["text"])
        return {"usage": {"inputTokens": len(self.asked[-1]) // 4 + 3}}


def colours(folder: Path) -> Path:
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        "schema: 1\nline: colours\nreward: colours\nbase_model: amazon.nova-2-lite-v1:0:256k\n"
        "datasets: {train: train.jsonl, held_out: s3://elsewhere/held_out.jsonl}\nhyperparameters: {batchSize: 16}\n"
    )
    return recipe


def test_the_base_model_counts_its_own_tokens(
    good: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Counting()
    monkeypatch.setattr(Aws, "bedrock_runtime", model)
    monkeypatch.setattr(alignment, "alignment_readers", lambda *_, **__: None)  # its reward is not deployed

    def tokens(*options: str) -> tuple[int, int]:
        assert main(["validate", "--recipe", str(colours(good.parent)), "--json", *options]) == 0
        facts = json.loads(capsys.readouterr().out)["datasets"]["train"]["facts"]["prompt_lengths"]
        return facts["fewest_tokens"]["50"], facts["most_tokens"]["50"]

    estimated = tokens()
    assert not model.asked
    counted = tokens("--count-tokens", "--env", "dev")
    assert len(set(model.asked)) == 50
    right = len("Which colour has item number 500 on shelf 100?") // 4 + 3
    assert counted[0] <= right <= counted[1]
    assert counted[1] - counted[0] < (estimated[1] - estimated[0]) / 4


def test_a_stand_in_does_not_count_for_another_model(
    good: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Aws, "bedrock_runtime", Counting())
    assert main(["validate", "--recipe", str(colours(good.parent)), "--count-tokens"]) == 1
    assert "has a stand-in for amazon.nova-2-lite-v1:0:256k" in capsys.readouterr().err
    assert main(["validate", str(good), "--count-tokens"]) == 1
    assert "--count-tokens: needs --recipe" in capsys.readouterr().err


@pytest.mark.parametrize("given", [[], ["missing.jsonl"], ["."]])
def test_what_cannot_be_read_is_one_line(
    given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["validate", *given]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert len(told.err.splitlines()) == 1

"""`rft validate`: what a person sees, what programs read, and the exit code by severity."""

import json
from pathlib import Path

import pytest

from rft_cli.main import main
from rft_contract.json_value import JsonObject, JsonValue

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

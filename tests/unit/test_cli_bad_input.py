"""Whatever a person gets wrong is answered by one line and exit code 1, and nothing has happened."""

import builtins
import importlib.util
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rft_cli.main import main, one_line
from rft_local import project
from tests.unit.cli_fakes import Bench, bench, row, write_recipe

__all__ = ["bench"]


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 1) -> str:
    """Run a command that must fail, and return its one line without `error: `."""
    assert main(list(arguments)) == code
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    return lines[0].removeprefix("error: ")


def test_a_broken_dataset_line_is_named_before_anything_is_uploaded(
    tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write_recipe(tmp_path)
    train = tmp_path / "train.jsonl"
    lines = train.read_text().splitlines()
    lines[41] = '{"messages": ['
    train.write_text("\n".join(lines) + "\n")
    error = error_of(capsys, "run", str(recipe))
    assert f"{train}:42:" in error
    assert "invalid-json" in error
    assert "nothing was uploaded" in error
    assert not bench.s3.objects
    assert not bench.states.inputs


def test_a_prompt_in_both_training_and_held_out_is_refused(
    tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write_recipe(tmp_path)
    with (tmp_path / "held_out.jsonl").open("a") as file:
        file.write(row("train ticket number 7") + "\n")
    assert "leak-prompt" in error_of(capsys, "run", str(recipe))
    assert not bench.s3.objects


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reward": "nope"}, ["recipe.reward", "'nope'", "gsm8k, routing"]),
        ({"hyperparameters": {"batchSize": 8}}, ["hyperparameters.batchSize", "got 8", "16 to 512"]),
        ({"hyperparameters": {"batch_size": 32}}, ["hyperparameters.batch_size", "unknown", "batchSize"]),
        ({"hyperparamters": {}}, ["hyperparamters", "unknown"]),
        ({"gate": {"success_at": "high"}}, ["gate.success_at", "'high'"]),
        ({"datasets": {"train": "nowhere.jsonl", "held_out": "held_out.jsonl"}}, ["datasets.train", "nowhere.jsonl"]),
        ({"schema": 2}, ["schema", "got 2"]),
    ],
)
def test_a_bad_recipe_is_refused(
    changes: dict[str, Any], words: list[str], tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    error = error_of(capsys, "run", str(write_recipe(tmp_path, **changes)))
    for word in words:
        assert word in error
    assert not bench.s3.objects


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("line: [", "recipe.yaml:1: not YAML"),
        ("line: a\nline: b\n", "recipe.yaml:2: not YAML: key line stands twice"),
        ("- just\n- a list\n", "got list, wanted a mapping"),
        ("", "got NoneType, wanted a mapping"),
        ("1: x\n", "key 1 is no text"),
        ("line: !!python/object:os.system {}\n", "could not determine a constructor"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(
    text: str, words: str, tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    assert words in error_of(capsys, "run", str(path))


def test_a_missing_recipe_is_named(tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert error_of(capsys, "run", str(tmp_path / "none.yaml")).endswith("none.yaml: No such file or directory")


def test_a_taken_run_id_is_refused(tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write_recipe(tmp_path)
    assert main(["run", str(recipe), "--run-id", "mine"]) == 0
    capsys.readouterr()
    assert main(["run", str(recipe), "--run-id", "mine"]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: run mine: the name is taken")
    assert "--run-id" in error


def test_an_illegal_run_id_is_refused(tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert "'My_Run'" in error_of(capsys, "run", str(write_recipe(tmp_path)), "--run-id", "My_Run")
    assert not bench.s3.objects


def test_an_unknown_run_is_named(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert "rft runs --env local" in error_of(capsys, "stop", "nothing-here")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout on which `make setup` never ran."""
    for name in ("cdk.json", "app.py"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RFT_MODELS", raising=False)
    return tmp_path


@pytest.mark.parametrize("command", [["local", "up"], ["demo"]])
def test_a_missing_setup_is_said(command: list[str], checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "make setup" in error_of(capsys, *command)
    assert not (checkout / ".rft").exists()


def test_missing_weights_are_said(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cdk = checkout / "node_modules" / ".bin" / "cdk"
    cdk.parent.mkdir(parents=True)
    cdk.touch()
    error = error_of(capsys, "local", "up")
    assert "weights" in error
    assert "make setup" in error


def test_a_missing_python_package_is_said(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (checkout / "node_modules" / ".bin" / "cdk", checkout / ".rft" / "models" / project.WEIGHTS):
        path.parent.mkdir(parents=True)
        path.touch()
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ministack" else found(name))
    error = error_of(capsys, "local", "up")
    assert "ministack" in error
    assert "make setup" in error


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_in_use_is_named(
    checkout: Path, taken_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project.Project, "check_setup", lambda self: None)
    error = error_of(capsys, "local", "up", "--port", str(taken_port))
    assert f"port {taken_port} is in use" in error
    assert "--port" in error
    assert not (checkout / ".rft" / "local" / "state.json").exists()


def test_outside_a_project_the_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    error = error_of(capsys, "local", "status")
    assert str(tmp_path) in error
    assert "cdk.json" in error


def test_commands_for_a_stopped_embedded_aws_say_how_to_start_it(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "rft local up" in error_of(capsys, "runs")
    assert "rft local up" in error_of(capsys, "local", "exec", "--", "true")


@pytest.mark.parametrize("arguments", [["nonsense"], ["run"], ["runs", "--limit", "x"], ["local", "up", "--port", "0"]])
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "--help" in error_of(capsys, *arguments, code=2)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    real = builtins.__import__

    def without_boto3(name: str, *rest: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "boto3":
            raise ModuleNotFoundError("No module named 'boto3'", name="boto3")
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without_boto3)
    assert "bedrock-rft-constructs[cli]" in error_of(capsys, "runs", "--env", "dev")


def test_an_unexpected_error_is_one_line_unless_asked(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(bench.states, "describe_execution", broken)
    assert "unexpected RuntimeError: two lines (RFT_DEBUG=1" in error_of(capsys, "stop", "run-1")
    monkeypatch.setenv("RFT_DEBUG", "1")
    with pytest.raises(RuntimeError):
        main(["stop", "run-1"])


def test_botocore_errors_are_said_to_be_of_aws() -> None:
    from botocore.exceptions import NoCredentialsError

    assert one_line(NoCredentialsError()) == "AWS: Unable to locate credentials"

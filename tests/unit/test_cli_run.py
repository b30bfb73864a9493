"""Starting, following and stopping a run."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rft_cli import follow, snapshot
from rft_cli.execution import new_run_id
from rft_cli.main import main
from rft_cli.report import files
from rft_cli.snapshot import Snapshot
from rft_contract.naming import check_run_id
from rft_runtime.report import decode_report
from tests.unit.cli_fakes import Bench, bench, write_recipe

__all__ = ["bench"]

CASES = Path(__file__).parents[1] / "cases"


def test_a_run_is_uploaded_by_content_and_started(
    tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write_recipe(tmp_path)
    assert main(["run", str(recipe), "--run-id", "first"]) == 0
    captured = capsys.readouterr()
    assert captured.out.strip() == "first"
    assert "rft watch first --env local" in captured.err
    started = bench.states.inputs["first"]
    assert started["run_id"] == "first"
    for split in ("train", "held_out"):
        address = started["recipe"]["datasets"][split]
        assert re.fullmatch(rf"s3://dev-data/datasets/[0-9a-f]{{64}}/{split}\.jsonl", address)
        key = address.removeprefix("s3://dev-data/")
        assert bench.s3.objects[key] == (tmp_path / f"{split}.jsonl").read_bytes()
        assert bench.s3.metadata[key] == {"rft-split": split}


def test_the_same_content_is_uploaded_once(tmp_path: Path, bench: Bench) -> None:
    recipe = write_recipe(tmp_path)
    for run_id in ("first", "second"):
        assert main(["run", str(recipe), "--run-id", run_id]) == 0
    assert set(bench.s3.versions.values()) == {1}
    assert bench.states.inputs["first"]["recipe"] == bench.states.inputs["second"]["recipe"]


def test_datasets_in_s3_are_left_where_they_are(tmp_path: Path, bench: Bench) -> None:
    there = {"train": "s3://dev-data/a.jsonl", "held_out": "s3://dev-data/b.jsonl"}
    assert main(["run", str(write_recipe(tmp_path, datasets=there)), "--run-id", "first"]) == 0
    assert bench.states.inputs["first"]["recipe"]["datasets"] == {**there, "validation": None, "guards": {}}
    assert not bench.s3.objects


def test_the_answer_can_be_json(tmp_path: Path, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(write_recipe(tmp_path)), "--run-id", "first", "--json", "--env", "dev"]) == 0
    assert json.loads(capsys.readouterr().out) == {"run_id": "first", "environment": "dev"}


def test_a_run_id_says_line_and_time() -> None:
    assert new_run_id("routing", datetime(2026, 11, 22, 9, 5, 7, tzinfo=UTC)) == "routing-20261122-090507"
    assert check_run_id(new_run_id("a" * 24))


def interrupt(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_stops_a_local_run_and_closes_it(
    tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(follow, "follow", interrupt)
    assert main(["run", str(write_recipe(tmp_path)), "--wait", "--run-id", "first"]) == 130
    assert bench.states.stopped == {"first": "Ctrl-C"}
    assert bench.functions.closed == [{"run_id": "first", "stop": "Ctrl-C"}]
    assert "run first ended STOPPED" in capsys.readouterr().err


def test_ctrl_c_leaves_a_run_in_aws_alone(
    tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(follow, "follow", interrupt)
    assert main(["run", str(write_recipe(tmp_path)), "--wait", "--run-id", "first", "--env", "dev"]) == 130
    assert not bench.states.stopped
    assert "rft stop first --env dev" in capsys.readouterr().err


def test_a_run_is_closed_before_its_execution_ends(bench: Bench) -> None:
    bench.states.inputs["first"] = {}
    stopped_at_closing = []
    bench.functions.on_close = lambda: stopped_at_closing.append("first" in bench.states.stopped)
    assert main(["stop", "first", "--reason", "too dear"]) == 0
    assert stopped_at_closing == [False]
    assert bench.states.stopped == {"first": "too dear"}


def test_a_closing_that_fails_is_told_with_what_to_do(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.states.inputs["first"] = {}
    bench.functions.failure = "no permission"
    assert main(["stop", "first"]) == 1
    assert "first" in bench.states.stopped
    assert "no permission" in (error := capsys.readouterr().err)
    assert "rft stop first --env local" in error


@pytest.mark.parametrize(("outcome", "code"), [("PASSED", 0), ("PROMOTED", 0), ("REJECTED", 1), ("FAILED", 1)])
def test_only_a_passed_run_exits_0(
    outcome: str,
    code: int,
    tmp_path: Path,
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    body = json.loads((CASES / "report.json").read_bytes()) | {"outcome": outcome}
    written = files.WrittenReport(decode_report(json.dumps(body).encode()), (tmp_path / "report.html",))
    ended = Snapshot(run_id="first", stage="Close", stages={}, started=datetime.now(UTC), running=False)
    monkeypatch.setattr(snapshot, "look", lambda environment, run_id: ended)
    monkeypatch.setattr(files, "write_report", lambda environment, run_id, folder: written)
    assert main(["watch", "first"]) == code
    shown = capsys.readouterr().out
    assert outcome in shown
    assert "report.html" in shown


def test_a_run_without_a_report_is_told_how_to_get_one(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "first"]) == 1
    assert "rft watch first --env local" in capsys.readouterr().err

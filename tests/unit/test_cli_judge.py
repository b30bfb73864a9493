"""`rft judge calibrate`, against the judge stand-in of a served Bedrock endpoint."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from rft_cli import judge_calibration
from rft_cli.environment import Aws
from rft_cli.main import main
from rft_local.bedrock.judge_settings import JudgeSettings
from rft_runtime.calibration import decode_calibration
from tests.unit.bedrock_bench import Bench, bench

MODEL = "openai.gpt-oss-120b-1:0"
GOLD = "The capital of France is Paris, which lies on the river Seine."


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("state"), judge=JudgeSettings(noise=0.02)) as served:
        yield served


@pytest.fixture(autouse=True)
def local(bed: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    monkeypatch.setattr(judge_calibration, "local_aws", lambda: Aws(session, bed.url))


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Sixty answers that hold more or fewer of the reference's words, padded to the same length."""
    draw, rows = random.Random(5), []
    for number in range(60):
        right = number % 7
        others = ("".join(draw.choices("qxz", k=len(word))) for word in GOLD.split()[2 * right :])
        completion = " ".join([*GOLD.split()[: 2 * right], *others])
        rows.append({"prompt": "Which capital?", "completion": completion, "label": right, "reference_answer": GOLD})
    path = tmp_path / "labelled.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def run(*words: Any) -> int:
    return main(["judge", "calibrate", *map(str, words), "--model", MODEL])


def test_a_judge_is_calibrated_and_the_file_is_written(
    labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "calibration.json"
    assert run(labelled, "--rubric", "instruction_following", "--repeats", 2, "--out", out) == 0
    screen = capsys.readouterr()
    assert "PASSED" in screen.out and "judge-stand-in" in screen.out and "retest spread" in screen.out
    assert "120 requests" in screen.err
    found = decode_calibration(out.read_bytes())
    assert found is not None and found.stand_in == "judge-stand-in" and found.agreement.low > 0.6
    assert found.objection({"model": MODEL, "rubric": "instruction_following"}, is_local=True) is None


def test_a_rubric_may_be_a_file(labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rubric = tmp_path / "mine.md"
    rubric.write_text("scale: 1 to 5\nIs the capital named?\n")
    out = tmp_path / "calibration.json"
    assert run(labelled, "--rubric", rubric, "--repeats", 2, "--limit", 50, "--out", out, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["count"] == 50 and printed["verdict"] == "PASSED"
    found = decode_calibration(out.read_bytes())
    assert found is not None and found.objection({"model": MODEL, "rubric": rubric.read_text()}, is_local=True) is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rubric", "no_such"], "rubric: there is no 'no_such'"),
        (["--rubric", "missing.md"], "missing.md: No such file"),
    ],
)
def test_mistakes_are_one_line(
    labelled: Path, tmp_path: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(labelled, *words, "--out", tmp_path / "c.json") == 1
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert len(error) == 1 and message in error[0]
    assert not (tmp_path / "c.json").exists()


def test_too_few_rows_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "few.jsonl"
    path.write_text(json.dumps({"prompt": "p", "completion": "c", "label": 1}))
    assert run(path, "--rubric", "summary", "--out", tmp_path / "c.json") == 1
    assert "got 1 rows, wanted at least 50" in capsys.readouterr().err

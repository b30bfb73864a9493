"""`rft certify`: one screen, an exit code, and what is kept for the environment's runs."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rft_cli import environment as environments
from rft_cli.main import main
from rft_contract.layout import CERTIFICATES, calibrations_key, cases_key
from rft_contract.reward_spec import RewardSpec
from rft_runtime.calibration import encode_calibration
from rft_runtime.certification.subject import Demands
from tests.cases.tried_reward import JUDGE, calibrated
from tests.unit.cli_fakes import Bench
from tests.unit.fakes.account import REWARD_HASH
from tests.unit.fakes.functions import FakeLambda

REWARD = "dev-reward-routing"
SPEC = RewardSpec(name="routing", grader="label", options={"labels": ["billing", "shipping"]})


@dataclass(frozen=True, slots=True, kw_only=True)
class Quick(Demands):
    sample: int = 20
    event_bytes: int = 50_000


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench()
    functions = FakeLambda(live={REWARD: "7"}, spec=SPEC, runs_its_code=True, reports_errors=True)
    functions.aliases[REWARD, "live"] = {}
    found = made.environment("dev")
    found.aws.__dict__.update(functions=functions, grading=functions)
    made.functions = functions  # type: ignore[assignment]  # another Lambda than the other commands' tests need
    monkeypatch.setattr(environments, "open_environment", lambda env, stack: found)
    monkeypatch.setattr("rft_runtime.certification.subject.Demands", Quick)
    return made


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    lines = [
        {
            "messages": [{"role": "user", "content": f"ticket {number}: billing or shipping?"}],
            "reference_answer": ["billing", "shipping"][number % 2],
        }
        for number in range(40)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def functions_of(bench: Bench) -> FakeLambda:
    assert isinstance(bench.functions, FakeLambda)
    return bench.functions


def stored(bench: Bench) -> list[str]:
    return sorted(key for key in bench.s3.objects if key.startswith(CERTIFICATES))


def certify(*words: object) -> int:
    return main(["certify", "routing", *map(str, words), "--env", "dev"])


def test_a_good_reward_passes(bench: Bench, dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert certify("--dataset", dataset) == 0
    screen = capsys.readouterr()
    assert "PASSED  reward routing (label) on 40 rows in dev" in screen.out
    assert "beats-other-gold" in screen.out
    assert "the contract on 40 rows" in screen.err
    (key,) = stored(bench)
    assert key.startswith(f"{CERTIFICATES}{REWARD_HASH}/")
    assert key in screen.out


def test_a_bad_one_fails_and_the_screen_says_what_where_and_why(
    bench: Bench, dataset: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    functions = functions_of(bench)
    functions.runs_its_code = False
    functions.grade = lambda item: float(item["metadata"]["reference_answer"] in item["messages"][-1]["content"])
    assert certify("--dataset", dataset) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("FAILED")
    assert any(line.split()[:2] == ["✗", "beats-all-answers"] for line in lines)
    (first, *_) = [line for line in lines if "all-answers scores 1" in line]
    assert first.split()[0] == "1"  # the line of the dataset
    assert "billing, shipping" in first


def test_json_is_the_certificate(bench: Bench, dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert certify("--dataset", dataset, "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    (key,) = stored(bench)
    assert found == json.loads(bench.s3.objects[key])
    assert (found["verdict"], found["reward_hash"], found["rows"]) == ("PASSED", REWARD_HASH, 40)


def test_own_code_needs_cases_and_they_are_kept(bench: Bench, dataset: Path, tmp_path: Path) -> None:
    functions = functions_of(bench)
    functions.spec, functions.runs_its_code = None, False
    functions.grade = lambda item: float(item["messages"][-1]["content"] == item["metadata"]["reference_answer"])
    assert certify("--dataset", dataset) == 3
    case = {"prompt": "?", "reference_answer": "shipping", "good": ["shipping"] * 20, "bad": ["billing"] * 20}
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps({"schema": 1, "cases": [case]}))
    assert certify("--dataset", dataset, "--cases", cases) == 0
    assert bench.s3.objects[cases_key(REWARD_HASH)] == cases.read_bytes()
    assert certify("--dataset", dataset) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense", "--dataset", "x"], "reward nonsense: unknown in environment dev; it has gsm8k, routing"),
        (["routing", "--dataset", "no-such-file"], "dataset no-such-file: No such file or directory"),
        (["routing"], "--dataset"),
        (["routing", "--dataset", "x", "--margin", "7"], "--margin"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    bench: Bench, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["certify", *words]) in (1, 2)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("[]", 'cases: wanted {"schema": 1, "cases": [...]}'),
        ('{"schema": 1, "cases": [7]}', "cases[0]: got int, wanted an object"),
        ('{"schema": 1, "cases": [{"good": ["x"]}]}', "cases[0]: wanted `prompt`"),
        ('{"schema": 1, "cases": [{"prompt": "?"}]}', "cases[0]: wanted completions"),
        ('{"schema": 1, "cases": [{"prompt": "?", "bad": [{}]}]}', "cases[0].bad: completion: wanted a text"),
        ("{", "cases: not JSON"),
    ],
)
def test_broken_cases_are_refused_by_name(
    bench: Bench, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], body: str, said: str
) -> None:
    cases = tmp_path / "cases.json"
    cases.write_text(body)
    assert certify("--dataset", dataset, "--cases", cases) == 1
    assert said in capsys.readouterr().err
    assert not stored(bench)


def test_a_dataset_that_is_none_is_refused_with_its_line(
    bench: Bench, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset.write_text(dataset.read_text() + "oops\n")
    assert certify("--dataset", dataset) == 1
    assert "line 41: not a row" in capsys.readouterr().err


def test_calibrations_are_kept_and_something_else_is_refused(
    bench: Bench, dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "calibration.json"
    path.write_bytes(encode_calibration(calibrated(JUDGE.options)))
    assert certify("--dataset", dataset, "--calibration", path) == 0
    assert calibrations_key(REWARD_HASH) in bench.s3.objects
    path.write_text("{}")
    assert certify("--dataset", dataset, "--calibration", path) == 1
    assert "not what `rft judge calibrate` writes" in capsys.readouterr().err

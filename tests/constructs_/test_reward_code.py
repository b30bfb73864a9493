import json
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import App, Stack

from bedrock_rft import AssetError, RewardCode, RewardFunction, RewardSpec

SPEC = RewardSpec(name="teams", grader="label", options={"labels": ["billing", "sales"]})
EVENT = [
    {
        "id": "1",
        "messages": [{"role": "user", "content": "Which team?"}, {"role": "assistant", "content": "billing"}],
        "metadata": {"reference_answer": "billing"},
    }
]
CALL = """
import json, sys
sys.path.insert(0, sys.argv[1])
from rft_handlers.reward import handler
class Context:
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f:run-one"
result = handler(json.loads(sys.argv[2]), Context())
print("RESULT", json.dumps(result))
"""


def asset(code: RewardCode, tmp_path: Path) -> Path:
    """Return the folder that would be uploaded."""
    app = App(outdir=str(tmp_path / "out"))
    RewardFunction(Stack(app, "S"), "Reward", code=code, environment_name="dev")
    app.synth()
    (folder,) = (tmp_path / "out").glob("asset.*")
    return folder


def test_the_asset_grades_with_the_standard_library_alone(tmp_path: Path) -> None:
    folder = asset(RewardCode.builtin(SPEC), tmp_path)
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", CALL, str(folder), json.dumps(EVENT)],
        capture_output=True,
        text=True,
        env={"RFT_ENVIRONMENT": "dev", "LAMBDA_TASK_ROOT": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    assert result.returncode == 0, result.stderr
    graded = json.loads(result.stdout.rpartition("RESULT")[2])
    assert [(item["id"], item["aggregate_reward_score"]) for item in graded] == [("1", 1.0)]


def test_the_asset_holds_what_a_reward_needs_and_nothing_else(tmp_path: Path) -> None:
    folder = asset(RewardCode.builtin(SPEC), tmp_path)
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {name for name in names if name.startswith(("rft_runtime/", "rft_handlers/"))} == {
        "rft_handlers/__init__.py",
        "rft_handlers/reward.py",
        "rft_runtime/__init__.py",
        "rft_runtime/grading.py",
        "rft_runtime/reward_events.py",
        "rft_runtime/telemetry.py",
    }
    assert {name.partition("/")[0] for name in names} == {
        "reward.json",
        "rft_contract",
        "rft_handlers",
        "rft_rewards",
        "rft_runtime",
    }
    assert RewardSpec.from_json(json.loads((folder / "reward.json").read_text())) == SPEC


def test_equal_specs_share_an_asset_and_others_do_not(tmp_path: Path) -> None:
    same = RewardSpec(name="teams", grader="label", options={"labels": ["billing", "sales"]})
    other = RewardSpec(name="teams", grader="label", options={"labels": ["billing", "returns"]})
    first, second, third = (
        asset(RewardCode.builtin(spec), tmp_path / str(number)).name for number, spec in enumerate((SPEC, same, other))
    )
    assert first == second != third


def test_an_unknown_grader_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="reward x: got the grader 'maths', wanted one of math, label, json_fields"):
        RewardCode.builtin(RewardSpec(name="x", grader="maths"))


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    source = tmp_path / "mine"
    (source / "__pycache__").mkdir(parents=True)
    (source / "reward.py").write_text("def handler(event, context):\n    return []\n")
    (source / "__pycache__" / "reward.cpython-314.pyc").write_bytes(b"bytecode")
    code = RewardCode.from_directory("mine", source)
    assert (code.name, code.handler) == ("mine", "reward.handler")
    assert [path.name for path in asset(code, tmp_path).iterdir()] == ["reward.py"]


def test_a_folder_without_its_handler_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"reward mine: handler 'grade\.handler' needs the file .*grade\.py"):
        RewardCode.from_directory("mine", tmp_path, handler="grade.handler")

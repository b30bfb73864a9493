import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack

from bedrock_rft import AssetError, HandlerPlatform, RewardCode, RewardFunction, RewardSpec, _assets, import_closure
from bedrock_rft.reward_content import RewardContent, reward_content
from bedrock_rft.yaml_file import read_yaml
from rft_cli.cli_error import CliError
from rft_cli.yaml_file import read_yaml as cli_read_yaml
from rft_contract.graders import GRADERS
from rft_contract.reward_needs import SERVICE_MODULES

SPEC = RewardSpec(name="teams", grader="label", options={"labels": ["billing", "sales"]})
SCORE = (
    "from rft_rewards.grade import Score\ndef score(sample):\n    return Score(float(sample.completion == 'billing'))\n"
)
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
    def get_remaining_time_in_millis(self):
        return 60_000
result = handler(json.loads(sys.argv[2]), Context())
print("RESULT", json.dumps(result))
"""
BUILD = """
import json, pathlib, sys
sys.path.insert(0, sys.argv[1])
from rft_contract.reward_spec import RewardSpec
from rft_rewards.deadline import Deadline
from rft_rewards.registry import build
import rft_runtime.services
spec = RewardSpec.from_json(json.loads(pathlib.Path(sys.argv[1], "reward.json").read_text()))
build(spec, {"deadline": Deadline(), "runner": object(), "judge": object()})
for name in sys.argv[2].split():
    __import__(name)
ours = [module for name, module in sys.modules.items() if name.startswith("rft_")]
assert all(module.__file__.startswith(sys.argv[1]) for module in ours), ours
"""
OPTIONS: dict[str, Any] = {
    "label": {"labels": ["a", "b"]},
    "text": {"metric": "exact"},
    "numeric": {"abs": 0},
    "length": {"at_most": 9, "buffer": 3},
    "format": {"required": ["a"]},
    "judge": {"model": "m", "rubric": "summary"},
    "verified_judge": {"model": "m", "verify": {"grader": "math_latex"}},
    "compose": {"graders": {"a": {"grader": "text", "options": {"metric": "exact"}}, "b": {"grader": "math"}}},
}


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes a reward's folder."""

    def write(**files: str) -> Path:
        made = tmp_path / "mine"
        made.mkdir()
        for name, content in files.items():
            (made / name.replace("__", ".")).write_text(content)
        return made

    return write


def asset(code: RewardCode, tmp_path: Path) -> Path:
    """Return the folder that would be uploaded."""
    app = App(outdir=str(tmp_path / "out"))
    RewardFunction(Stack(app, "S"), "Reward", code=code, environment_name="dev")
    app.synth()
    (folder,) = (tmp_path / "out").glob("asset.*")
    return folder


def scores(folder: Path) -> list[tuple[str, float]]:
    """Return what the asset, with the standard library alone, makes of the event."""
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", CALL, str(folder), json.dumps(EVENT)],
        capture_output=True,
        text=True,
        env={"RFT_ENVIRONMENT": "dev", "LAMBDA_TASK_ROOT": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    assert result.returncode == 0, result.stderr
    graded = json.loads(result.stdout.rpartition("RESULT")[2])
    return [(item["id"], item["aggregate_reward_score"]) for item in graded]


def names(content: RewardContent, package: str) -> set[str]:
    """Return the modules that an asset holds of a package."""
    return {path.removeprefix(f"{package}/").removesuffix(".py") for path in content.files if path.startswith(package)}


def test_the_asset_grades_with_the_standard_library_alone(tmp_path: Path) -> None:
    assert scores(asset(RewardCode.builtin(SPEC), tmp_path)) == [("1", 1.0)]


def test_the_asset_holds_what_a_reward_needs_and_nothing_else(tmp_path: Path) -> None:
    content = reward_content(SPEC)
    assert names(content, "rft_handlers") == {"__init__", "reward"}
    assert names(content, "rft_runtime") == {
        "__init__",
        "answered_events",
        "event_groups",
        "grading",
        "judge_usage",
        "reward_events",
        "services",
        "telemetry",
    }
    assert {"label", "label_set", "registry"} < names(content, "rft_rewards")
    others = {entry.module for entry in GRADERS.values()} - {"label"}
    assert not names(content, "rft_rewards") & others
    assert (content.locks, content.services) == ((), frozenset())
    uploaded = asset(RewardCode.builtin(SPEC), tmp_path)
    assert RewardSpec.from_json(json.loads((uploaded / "reward.json").read_text())) == SPEC
    assert {path.relative_to(uploaded).as_posix() for path in uploaded.rglob("*.*") if path.is_file()} == set(
        content.files
    )


@pytest.mark.parametrize("grader", [grader for grader in GRADERS if grader != "own"])
def test_every_grader_finds_all_of_its_modules_in_its_asset(grader: str) -> None:
    content = reward_content(RewardSpec(name="mine", grader=grader, options=OPTIONS.get(grader, {})))
    folder = _assets.assemble(content.files)
    modules = " ".join(SERVICE_MODULES[service] for service in content.services if service in SERVICE_MODULES)
    # Third-party packages come from this environment: here it is our own modules that must be there.
    result = subprocess.run(
        [sys.executable, "-I", "-B", "-c", BUILD, str(folder), modules], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_rewards_that_call_aws_have_the_handlers_boto3_and_others_do_not() -> None:
    code = reward_content(RewardSpec(name="mine", grader="code"))
    assert [lock.owner for lock in code.locks] == ["workflow handlers"]
    assert code.services == {"runner", "deadline"}
    assert {"code_runner", "patience"} < names(code, "rft_runtime")
    assert "bedrock_judge" not in names(code, "rft_runtime")


def test_locks_and_modules_of_graders_within_others_are_found() -> None:
    parts: Any = {
        "right": {"grader": "verified_judge", "options": OPTIONS["verified_judge"]},
        "near": {"grader": "text"},
    }
    content = reward_content(RewardSpec(name="mine", grader="compose", options={"graders": parts}))
    assert [lock.owner for lock in content.locks] == ["workflow handlers", "grader math_latex", "grader text"]
    assert {"compose", "verified_judge", "math_latex", "text", "prompts/judge.md"} < names(content, "rft_rewards")


def test_an_asset_has_the_packages_of_its_grader_for_the_platform(tmp_path: Path) -> None:
    spec = RewardSpec(name="near", grader="text", options={"metric": "exact"})
    code = RewardCode.builtin(spec, platform=HandlerPlatform.HOST)
    uploaded = asset(code, tmp_path)
    assert (uploaded / "rapidfuzz").is_dir()
    assert scores(uploaded) == [("1", 1.0)]
    assert code.reward_hash == reward_content(spec).reward_hash


def test_an_edit_of_another_grader_leaves_the_hash_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("rft_contract", "rft_rewards", "rft_runtime", "rft_handlers"):
        shutil.copytree(_assets.package_folder(package), tmp_path / package)
    monkeypatch.setattr(import_closure, "package_folder", lambda package: tmp_path / package)
    math = RewardSpec(name="sums", grader="math")
    before = reward_content(SPEC).reward_hash, reward_content(math).reward_hash
    for module in ("rft_rewards/math.py", "rft_runtime/code_runner.py", "rft_runtime/gate.py", "rft_handlers/plan.py"):
        with (tmp_path / module).open("a") as file:
            file.write("\n# edited\n")
    after = reward_content(SPEC).reward_hash, reward_content(math).reward_hash
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_equal_specs_share_an_asset_and_others_do_not(tmp_path: Path) -> None:
    same = RewardSpec(name="teams", grader="label", options={"labels": ["billing", "sales"]})
    other = RewardSpec(name="teams", grader="label", options={"labels": ["billing", "returns"]})
    first, second, third = (RewardCode.builtin(spec) for spec in (SPEC, same, other))
    assert first.reward_hash == second.reward_hash != third.reward_hash
    uploaded = [asset(code, tmp_path / str(number)).name for number, code in enumerate((first, second, third))]
    assert uploaded[0] == uploaded[1] != uploaded[2]


def test_an_unknown_grader_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="reward x: got the grader 'maths', wanted one of math, "):
        RewardCode.builtin(RewardSpec(name="x", grader="maths"))
    parts: Any = {"a": {"grader": "maths"}}
    with pytest.raises(ValueError, match="reward x: got the grader 'maths'"):
        RewardCode.builtin(RewardSpec(name="x", grader="compose", options={"graders": parts}))


def test_a_composed_reward_is_canonical_json_in_its_asset(tmp_path: Path, folder: Callable[..., Path]) -> None:
    yaml = "name: teams\nrange: [-1, 1]\ngraders:\n  team: {grader: label, options: {labels: [billing, sales]}}\n"
    team = "{options: {labels: [billing, sales]}, grader: label}"
    other = f"# the same\ngraders:\n  team: {team}\nrange: [-1, 1]\nname: teams"
    path = folder(reward__yaml=yaml) / "reward.yaml"
    code = RewardCode.composed(path)
    uploaded = asset(code, tmp_path)
    assert scores(uploaded) == [("1", 1.0)]
    spec = RewardSpec.from_json(json.loads((uploaded / "reward.json").read_text()))
    assert (spec.grader, spec.floor, code.name) == ("compose", -1.0, "teams")
    assert not list(uploaded.glob("*.yaml"))
    path.write_text(other)
    assert RewardCode.composed(path).reward_hash == code.reward_hash
    assert RewardCode.of(path.parent).reward_hash == code.reward_hash


@pytest.mark.parametrize(
    ("yaml", "error", "words"),
    [
        ("name: a\nname: b\n", AssetError, "reward.yaml:1: not YAML: key name stands twice"),
        ("name: [a\n", AssetError, "reward.yaml:2: not YAML"),
        ("name: a\nrange: [0, 1]\n", ValueError, "reward.yaml: wanted either grader"),
        ("name: a\nrange: [0, 1]\ngrader: maths\n", ValueError, "reward.yaml: reward a: got the grader 'maths'"),
        ("- a\n", ValueError, "reward.yaml: got list, wanted a mapping"),
    ],
)
def test_a_file_that_cannot_be_is_refused(
    folder: Callable[..., Path], yaml: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as caught:
        RewardCode.composed(folder(reward__yaml=yaml) / "reward.yaml")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "a: 4e-4",
        "a: 1E3",
        "a: [1, 2.5, yes, null, ~, '4e-4']",
        "a: {b: on}",
        "1: 2",
        "a: 1\na: 2",
        "a: &x 1\nb: *x",
        "- a",
        "",
    ],
)
def test_the_command_line_reads_a_file_as_synth_does(tmp_path: Path, text: str) -> None:
    path = tmp_path / "reward.yaml"
    path.write_text(text)

    def read_by(reader: Callable[[], object]) -> object:
        try:
            return reader()
        except (AssetError, CliError):
            return "refused"

    assert read_by(lambda: read_yaml(path)) == read_by(lambda: cli_read_yaml(path, "reward"))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match=r"absent\.yaml: No such file"):
        RewardCode.composed(tmp_path / "absent.yaml")


def test_a_function_of_ones_own_is_wrapped(tmp_path: Path, folder: Callable[..., Path]) -> None:
    source = folder(reward__py=f"import words\n{SCORE}", words__py="", cases__json="{}", README__md="# Mine")
    code = RewardCode.from_directory(source)
    assert (code.name, code.handler) == ("mine", "rft_handlers.reward.handler")
    uploaded = asset(code, tmp_path)
    assert {"reward.py", "words.py", "reward.json"} == {path.name for path in uploaded.iterdir() if path.is_file()}
    assert scores(uploaded) == [("1", 1.0)]
    (source / "cases.json").write_text("[]")
    assert RewardCode.of(source).reward_hash == code.reward_hash
    (source / "words.py").write_text("x = 1")
    assert RewardCode.of(source).reward_hash != code.reward_hash


def test_a_function_of_ones_own_may_be_a_part_with_a_range(tmp_path: Path, folder: Callable[..., Path]) -> None:
    team = "{grader: label, options: {labels: [billing, x]}}"
    yaml = f"name: mixed\nrange: [-1, 1]\ngraders:\n  mine: {{grader: own}}\n  team: {team}\n"
    code = RewardCode.from_directory(folder(reward__py=SCORE, reward__yaml=yaml))
    assert code.name == "mixed"
    assert scores(asset(code, tmp_path)) == [("1", 1.0)]


def test_what_ones_own_code_imports_of_the_graders_comes_along(folder: Callable[..., Path]) -> None:
    content = reward_content(folder(reward__py=f"from rft_rewards.text import text\n{SCORE}"))
    assert "rft_rewards/words.py" in content.files
    assert [lock.owner for lock in content.locks] == ["grader text"]


def test_a_handler_of_ones_own_stays_as_it_is(tmp_path: Path, folder: Callable[..., Path]) -> None:
    source = folder(reward__py="raise SystemExit\ndef handler(event, context):\n    return []\n" + SCORE)
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "reward.cpython-314.pyc").write_bytes(b"bytecode")
    code = RewardCode.from_directory(source, name="other")
    assert (code.name, code.handler) == ("other", "reward.handler")
    uploaded = asset(code, tmp_path)
    assert {"reward.py"} == {path.name for path in uploaded.iterdir() if path.is_file()}
    assert not list(uploaded.rglob("*.pyc"))


def test_locked_packages_of_ones_own_are_part_of_the_hash(folder: Callable[..., Path]) -> None:
    source = folder(reward__py=SCORE, requirements__txt="\n")
    before = reward_content(source)
    (source / "requirements.txt").write_text("numpy==2.4.0 --hash=sha256:00\n")
    after = reward_content(source)
    assert (before.locks, [lock.owner for lock in after.locks]) == ((), ["reward mine"])
    assert before.reward_hash != after.reward_hash
    assert before.files == after.files


@pytest.mark.parametrize(
    ("files", "handler", "words"),
    [
        ({}, "grade.handler", "reward mine: needs the file"),
        ({"reward__py": "def grade(sample): ..."}, None, "does not define score(sample) or handler(event, context)"),
        ({"reward__py": SCORE}, "reward.grade", "does not define a function grade"),
        ({"reward__py": "def score(:"}, None, "reward.py:1: invalid syntax"),
        ({"reward__py": SCORE, "reward__json": "{}"}, None, "rename"),
        ({"reward__py": SCORE, "rft_rewards": ""}, None, "rename rft_rewards"),
    ],
)
def test_a_folder_that_cannot_be_is_refused(
    folder: Callable[..., Path], files: dict[str, str], handler: str | None, words: str
) -> None:
    with pytest.raises(AssetError) as caught:
        RewardCode.from_directory(folder(**files), handler=handler)
    assert words in str(caught.value)


def test_a_function_whose_grader_executes_programs_wants_a_code_runner(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "bedrock_rft.reward_content.third_party", lambda lock, platform: _assets.assemble({"boto3.py": b""})
    )
    code = RewardCode.builtin(RewardSpec(name="programs", grader="code"))
    with pytest.raises(ValueError, match="reward programs: code_runner: got None"):
        RewardFunction(stack, "Reward", code=code, environment_name="dev")

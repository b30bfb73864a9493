"""The wheel: every source once, and usable by another app, without this checkout, network or third parties."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "bedrock_rft": "constructs",
    "rft_contract": "lambda",
    "rft_rewards": "lambda",
    "rft_dataset": "lambda",
    "rft_runner": "lambda",
    "rft_runtime": "lambda",
    "rft_handlers": "lambda",
    "rft_local": "local",
    "rft_cli": "cli",
}
CONSUMER = """
import importlib.abc, json, sys
from pathlib import Path


class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"boto3", "botocore", "msgspec", "typer", "jax", "numpy"}:
            raise ImportError(f"{name} is not installed here")


sys.meta_path.insert(0, Refuse())
import aws_cdk as cdk
import bedrock_rft
from bedrock_rft import CustomizationRole, DatasetBucket, RewardCode, RewardFunction, RewardSpec, RftKey

app = cdk.App(outdir="out")
stack = cdk.Stack(app, "Theirs", env=cdk.Environment(account="123456789012", region="us-east-1"))
key = RftKey(stack, "Key")
datasets = DatasetBucket(stack, "Datasets", key=key)
code = RewardCode.builtin(RewardSpec(name="gsm8k", grader="math"))
reward = RewardFunction(stack, "Reward", code=code, environment_name="dev")
CustomizationRole(stack, "Role", datasets=datasets, key=key, rewards=[reward])
app.synth()
ours = sorted({name.partition(".")[0] for name in sys.modules if name.startswith(("rft_", "bedrock_rft"))})
print(json.dumps({"from": bedrock_rft.__file__, "loaded": ours}))
"""


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheel's content, as an installer would leave it."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def sources() -> Iterator[str]:
    for package, root in PACKAGES.items():
        for path in (ROOT / root / package).rglob("*.py"):
            yield path.relative_to(ROOT / root).as_posix()


def test_every_source_is_in_it_once(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert len(names) == len(set(names))
    assert sorted(name for name in names if name.endswith(".py")) == sorted(sources())
    assert not [name for name in names if name.endswith(".pyc")]
    for package in PACKAGES:
        assert f"{package}/py.typed" in names
    assert "rft_handlers/requirements.lock" in names


def test_another_app_uses_it_with_aws_cdk_lib_alone(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(CONSUMER)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    result = subprocess.run(
        [sys.executable, "app.py"],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(installed), "PIP_NO_INDEX": "1", "CDK_VALIDATION": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert Path(seen["from"]).is_relative_to(installed)
    assert seen["loaded"] == ["bedrock_rft", "rft_contract"]


def test_an_asset_from_the_wheel_is_the_one_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    script = (
        "from bedrock_rft import RewardCode, RewardSpec\n"
        "from bedrock_rft import _assets\n"
        "RewardCode.builtin(RewardSpec(name='gsm8k', grader='math'))\n"
        "print(next(_assets.bundles_folder().iterdir()).name)\n"
    )
    names = []
    for number, path in enumerate(
        (str(installed), os.pathsep.join(str(ROOT / root) for root in ("constructs", "lambda")))
    ):
        # The checkout's `constructs` folder may follow, never precede, the library of that name.
        folder = tmp_path / str(number)
        folder.mkdir()
        result = subprocess.run(
            [sys.executable, "-c", script],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        names.append(result.stdout.strip())
    assert names[0] == names[1]

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run_app(tmp_path: Path, context: dict[str, object]) -> subprocess.CompletedProcess[str]:
    """Run app.py as the CDK command line does."""
    flags = json.loads((ROOT / "cdk.json").read_text())["context"]
    environment = os.environ | {
        "CDK_CONTEXT_JSON": json.dumps(flags | context),
        "CDK_OUTDIR": str(tmp_path / "out"),
        "CDK_VALIDATION": "false",
    }
    return subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_one_environment_can_be_chosen(tmp_path: Path) -> None:
    result = run_app(tmp_path, {"env": "local"})
    assert result.returncode == 0, result.stderr
    manifest = json.loads((tmp_path / "out" / "assembly-local" / "manifest.json").read_text())
    stacks = [item for item in manifest["artifacts"].values() if item["type"] == "aws:cloudformation:stack"]
    assert [stack["properties"]["stackName"] for stack in stacks] == ["local-Rft"]
    assert [path.name for path in (tmp_path / "out").glob("assembly-*")] == ["assembly-local"]


def test_an_unknown_environment_is_one_line(tmp_path: Path) -> None:
    result = run_app(tmp_path, {"env": "qa"})
    assert result.returncode == 1
    assert result.stderr.splitlines() == ["error: environment: got 'qa', wanted one of local, dev, staging, prod"]


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        ('account="111111111111"', 'account="1"', "dev: account: got '1', wanted 12 digits"),
        (
            'settings=PlatformSettings(environment="prod")',
            'settings=PlatformSettings(environment="prod"), network=Network(cidr="10.0.0.0/8")',
            "cidr: got '10.0.0.0/8', wanted /16 to /26",
        ),
        (
            'account="222222222222"',
            'account="333333333333"',
            "staging and prod: account: got 333333333333 in us-east-1 for each, wanted one of their own, or "
            "shared_account=True in all of them",
        ),
    ],
    ids=["a value", "a part", "two environments"],
)
def test_a_bad_configuration_is_one_line(tmp_path: Path, good: str, bad: str, says: str) -> None:
    for name in ("app.py", "package.json"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks")
    source = tmp_path / "stacks" / "config.py"
    text = source.read_text()
    assert good in text
    source.write_text(text.replace(good, bad))
    for command in (["app.py"], ["-m", "stacks.config", "check", "dev"]):
        result = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr.splitlines()) == (1, [f"error: {says}"])


def test_the_committed_flags_keep_their_effect() -> None:
    cdk = json.loads((ROOT / "cdk.json").read_text())
    assert cdk["app"] == "python3 app.py"
    assert len(cdk["context"]) == 89
    assert cdk["context"]["@aws-cdk/aws-stepfunctions:useDistributedMapResultWriterV2"] is True

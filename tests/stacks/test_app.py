import json
import os
import subprocess
import sys
from pathlib import Path

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


def test_the_committed_flags_keep_their_effect() -> None:
    cdk = json.loads((ROOT / "cdk.json").read_text())
    assert cdk["app"] == "python3 app.py"
    assert len(cdk["context"]) == 89
    assert cdk["context"]["@aws-cdk/aws-stepfunctions:useDistributedMapResultWriterV2"] is True

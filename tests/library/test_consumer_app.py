"""examples/consumer_app: an app with the wheel and what that asks for, in a folder and an environment of its own."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.constructs_.conftest import flat

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "consumer_app"
ACCOUNT = "123456789012"


def required(names: list[str]) -> Iterator[Distribution]:
    """Yield what an installer would bring: distributions, and what they require."""
    seen = set[str]()
    while names:
        requirement = Requirement(names.pop())
        if requirement.name in seen or not (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(requirement.name)
        found = distribution(requirement.name)
        yield found
        names += found.requires or []


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    """Run a program that sees nothing of this checkout; return what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}
    result = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the interpreter of a new environment with the wheel and its requirements, and nothing else."""
    folder = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    interpreter = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", interpreter, "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", "--no-compile", wheel, cwd=folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    (metadata,) = packages.glob("bedrock_rft_constructs-*.dist-info")
    for found in required(Distribution.at(metadata).requires or []):
        for name in {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}:
            if not (packages / name).exists():
                (packages / name).symlink_to(str(found.locate_file(name)))
    assert run(*pip, "check", cwd=folder) == "No broken requirements found.\n"
    return interpreter


@pytest.fixture(scope="module")
def template(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the template that the app synthesizes in a folder of its own."""
    folder = tmp_path_factory.mktemp("consumer") / "app"
    shutil.copytree(EXAMPLE, folder)
    # What `python3 -m bedrock_rft arm64` fetches.
    (folder / ".bundles").mkdir()
    (folder / ".bundles" / "third-party").symlink_to(ROOT / ".bundles" / "third-party")
    (word, script) = json.loads((folder / "cdk.json").read_text())["app"].split()
    assert word == "python3"
    target = {"CDK_DEFAULT_ACCOUNT": ACCOUNT, "CDK_DEFAULT_REGION": "us-east-1"}
    run(python, script, cwd=folder, CDK_OUTDIR=str(folder / "out"), PIP_NO_INDEX="1", **target)
    return json.loads((folder / "out" / "Tickets.template.json").read_text())["Resources"]


def of_type(template: Any, kind: str) -> dict[str, Any]:
    return {name: flat(one["Properties"]) for name, one in template.items() if one["Type"] == kind}


def only(template: Any, kind: str) -> str:
    (name,) = of_type(template, kind)
    return name


def statements(template: Any, role: str) -> list[Any]:
    """Return what a role of the app's may do."""
    policies = of_type(template, "AWS::IAM::Policy").values()
    return [
        one for policy in policies if policy["Roles"] == [f"<{role}>"] for one in policy["PolicyDocument"]["Statement"]
    ]


def test_nothing_of_the_checkout_is_in_it(python: Path, tmp_path: Path) -> None:
    missing = ["boto3", "msgspec", "stacks", "tests"]
    script = f"""
import json
from importlib.util import find_spec

import bedrock_rft

print(json.dumps([bedrock_rft.__file__, [name for name in {missing} if find_spec(name) is None]]))
"""
    file, found = json.loads(run(python, "-c", script, cwd=tmp_path))
    assert Path(file).is_relative_to(python.parents[1])
    assert found == missing


def test_what_the_app_has_is_used_and_nothing_made_beside_it(template: Any) -> None:
    for kind in (
        "S3::Bucket",
        "KMS::Key",
        "EC2::VPC",
        "SNS::Topic",
        "StepFunctions::StateMachine",
        "CloudWatch::Dashboard",
    ):
        assert len(of_type(template, f"AWS::{kind}")) == 1, kind
    assert not [one for one in template.values() if one["Type"].startswith("Custom::")]


def test_the_key_of_the_app_lets_logs_and_alarms_in(template: Any) -> None:
    (key,) = of_type(template, "AWS::KMS::Key").values()
    sids = [statement.get("Sid") for statement in key["KeyPolicy"]["Statement"]]
    assert sids == [None, "LogGroups", "Alarms", "LogDelivery"]


def test_the_role_of_the_app_gets_what_jobs_need(template: Any) -> None:
    (name,) = (name for name in of_type(template, "AWS::IAM::Role") if name.startswith("Trainer"))
    trust = of_type(template, "AWS::IAM::Role")[name]["AssumeRolePolicyDocument"]["Statement"]
    assert [(one["Principal"], sorted(one["Condition"])) for one in trust] == [
        ({"Service": "bedrock.amazonaws.com"}, ["ArnLike", "StringEquals"])
    ]
    bucket = only(template, "AWS::S3::Bucket")
    granted = statements(template, name)
    (read,) = (one for one in granted if one["Action"] == "s3:GetObject")
    assert read["Resource"] == f"<{bucket}.Arn>/runs/*/data/*"
    assert [one for one in granted if one["Action"] == "lambda:InvokeFunction"]


def test_the_reward_runs_with_the_roles_and_the_network_of_the_app(template: Any) -> None:
    functions = of_type(template, "AWS::Lambda::Function")
    assert {len(one["VpcConfig"]["SubnetIds"]) for one in functions.values()} == {2}
    (reward,) = (one for one in functions.values() if one["Description"].endswith("reward teams"))
    (grader,) = (name for name in of_type(template, "AWS::IAM::Role") if name.startswith("Grader"))
    assert reward["Role"] == f"<{grader}.Arn>"
    denied = [one for one in statements(template, grader) if one["Effect"] == "Deny"]
    assert [one["Sid"] for one in denied] == ["NoInterfacesFromInside"]


def test_the_state_machine_of_the_app_trains(template: Any) -> None:
    (machine,) = of_type(template, "AWS::StepFunctions::StateMachine").values()
    states = json.loads(machine["DefinitionString"])["States"]
    path, state = ["Plan"], "Plan"
    while following := states[state].get("Next"):
        path.append(state := following)
        if path.count(state) > 1:
            break
    assert path[:5] == ["Plan", "Validate", "Freeze", "Certify", "StartTraining"]
    assert states["Trained"]["Next"] == "Judge"
    assert states["Judge"]["Next"] == "Close"
    (dashboard,) = of_type(template, "AWS::CloudWatch::Dashboard").values()
    assert f"<{only(template, 'AWS::StepFunctions::StateMachine')}>" in dashboard["DashboardBody"]


def test_the_requirements_name_this_version(wheel: Path) -> None:
    (line,) = (EXAMPLE / "requirements.txt").read_text().splitlines()
    version = re.fullmatch(r"bedrock-rft-constructs==(.+)", line)
    assert version is not None
    assert wheel.name.startswith(f"bedrock_rft_constructs-{version[1]}-")

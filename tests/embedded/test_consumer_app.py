"""examples/consumer_app on the embedded AWS: its functions run in its own role, its runs lie in its own bucket."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rft_local.emulator.environment import ACCOUNT, REGION
from tests.embedded.conftest import until
from tests.embedded.test_log_sampling import ASSETS

pytestmark = pytest.mark.embedded

ROOT = Path(__file__).resolve().parents[2]
STACK = "Tickets"
Physical = dict[tuple[str, str], str]


def upload_assets(emulator: Any, folder: Path) -> None:
    """Put the functions' code where the template looks for it."""
    s3 = emulator.client("s3")
    if ASSETS not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=ASSETS)
    for asset in json.loads((folder / f"{STACK}.assets.json").read_text())["files"].values():
        if asset["source"]["packaging"] == "zip":
            source, packed = folder / asset["source"]["path"], io.BytesIO()
            with zipfile.ZipFile(packed, "w") as archive:
                for file in source.rglob("*"):
                    archive.write(file, file.relative_to(source))
            (place,) = asset["destinations"].values()
            s3.put_object(Bucket=ASSETS, Key=place["objectKey"], Body=packed.getvalue())


def deployable(template: Any) -> Any:
    """Return the template for an account that nobody bootstrapped, without the NAT gateway, which nothing simulates."""
    resources = template["Resources"]
    gone = {name for name, one in resources.items() if one["Type"] in ("AWS::EC2::EIP", "AWS::EC2::NatGateway")}
    gone |= {name for name, one in resources.items() if "NatGatewayId" in one.get("Properties", {})}
    kept = {name: one for name, one in resources.items() if name not in gone}
    for one in kept.values():
        if "DependsOn" in one:
            one["DependsOn"] = [name for name in one["DependsOn"] if name not in gone]
    return {"Resources": kept}


@pytest.fixture(scope="module")
def deployed(emulator: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Physical]:
    """The app's stack: type and logical id -> physical id."""
    folder = tmp_path_factory.mktemp("cdk")
    target = {"CDK_DEFAULT_ACCOUNT": ACCOUNT, "CDK_DEFAULT_REGION": REGION, "CDK_OUTDIR": str(folder)}
    target["CDK_CONTEXT_JSON"] = json.dumps({"platform": "host"})
    command = [sys.executable, "examples/consumer_app/app.py"]
    result = subprocess.run(command, cwd=ROOT, env=os.environ | target, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    upload_assets(emulator, folder)
    template = deployable(json.loads((folder / f"{STACK}.template.json").read_text()))
    emulator.client("s3").put_object(Bucket=ASSETS, Key="template.json", Body=json.dumps(template).encode())
    cloudformation = emulator.client("cloudformation")
    address = f"{emulator.url}/{ASSETS}/template.json"
    cloudformation.create_stack(StackName=STACK, TemplateURL=address, Capabilities=["CAPABILITY_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    found = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    yield {(one["ResourceType"], one["LogicalResourceId"]): one["PhysicalResourceId"] for one in found}
    cloudformation.delete_stack(StackName=STACK)


def only(deployed: Physical, kind: str, start: str) -> str:
    (found,) = (one for (type_, name), one in deployed.items() if type_ == f"AWS::{kind}" and name.startswith(start))
    return found


def test_the_reward_runs_in_the_role_of_the_app(emulator: Any, deployed: Physical) -> None:
    functions = emulator.client("lambda")
    name = only(deployed, "Lambda::Function", "Teams")
    configuration = functions.get_function_configuration(FunctionName=name)
    assert configuration["Role"].endswith(f"/{only(deployed, 'IAM::Role', 'Grader')}")


def test_the_state_machine_starts_with_plan_and_closes_what_fails(emulator: Any, deployed: Physical) -> None:
    """A recipe that is none: Plan refuses it, and Close ends the run in the app's own bucket."""
    machines, run = emulator.client("stepfunctions"), "tickets-1"
    started = machines.start_execution(
        stateMachineArn=only(deployed, "StepFunctions::StateMachine", "Training"),
        name=run,
        input=json.dumps({"run_id": run, "recipe": {}}),
    )
    ended = until(
        lambda: machines.describe_execution(executionArn=started["executionArn"]),
        lambda told: told["status"] != "RUNNING",
    )
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["outcome"] == "FAILED"
    record = emulator.client("s3").get_object(Bucket=only(deployed, "S3::Bucket", "Lake"), Key=f"runs/{run}/run.json")
    assert json.loads(record["Body"].read())["outcome"] == "FAILED"

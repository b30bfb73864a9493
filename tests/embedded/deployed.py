"""The app's own stack, deployed, with models that nobody trained and runs as Decide leaves them.

The models lie in the Bedrock endpoint's records before it starts.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest

from rft_cli.environment import Environment, open_environment
from rft_contract.layout import certificate_key
from rft_contract.naming import live_deployment_name
from rft_contract.settings import PlatformResources, PlatformSettings
from rft_local.bedrock.records import CustomModel
from rft_local.bedrock.requests import CreateJob, S3Address, TrainingData
from rft_local.connection import endpoint
from rft_local.emulator.environment import ACCOUNT, REGION
from rft_local.lifecycle import BEDROCK_HEALTH, down, healthy, running
from rft_local.process import Process, stop_all
from rft_local.project import Project
from rft_runtime.gate import Decision
from rft_runtime.graded import GradedCompletion, encode_graded
from rft_runtime.releases.current import Current
from rft_runtime.releases.release_store import ReleaseStore
from rft_runtime.run_record import DatasetUse, RunRecord, RunStore
from rft_runtime.shards import BASE as BASE_ARM
from rft_runtime.shards import CANDIDATE, encode_shards, shards_of
from tests.embedded.checkout import check_out

ROOT = Path(__file__).parents[2]
PORT = 4950 + 10 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
"""Three modules deploy this project, each once, and `make test` may run them side by side."""

LINE = "ticket-routing"
LIVE = live_deployment_name("local", LINE)
BASE = "local.smollm2-135m-instruct-v1:0"

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.model,
    pytest.mark.skipif(not Project(ROOT).cdk.exists(), reason="needs `make setup`"),
]


def model(name: str) -> str:
    return f"arn:aws:bedrock:{REGION}:{ACCOUNT}:custom-model/{BASE}/{name:a<12}"


def record(name: str) -> CustomModel:
    return CustomModel(
        id=f"{name:a<12}",
        arn=model(name),
        created=time.time(),
        tags={"rft:environment": "local", "rft:run": name},
        name=name,
        job_arn=model(name).replace("custom-model", "model-customization-job"),
        base_model=BASE,
        base_model_arn=f"arn:aws:bedrock:{REGION}::foundation-model/{BASE}",
        request=CreateJob(
            job_name=name,
            custom_model_name=name,
            role_arn=f"arn:aws:iam::{ACCOUNT}:role/none",
            base_model_identifier=BASE,
            training_data_config=TrainingData(s3_uri="s3://bucket/key"),
            output_data_config=S3Address(s3_uri="s3://bucket/key"),
        ),
    )


def give_models(project: Project, *names: str) -> None:
    """Stop the Bedrock endpoint, put models into its records, and start it as it was started."""
    state = running(project)
    assert state is not None
    proc = Path("/proc") / str(state.bedrock.pid)
    command = proc.joinpath("cmdline").read_text().split("\0")[:-1]
    environment = dict(item.split("=", 1) for item in proc.joinpath("environ").read_text().split("\0") if "=" in item)
    stop_all([state.bedrock], grace=10)
    folder = Path(command[command.index("--state") + 1]) / "bedrock" / "models"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{record(name).id}.json").write_bytes(msgspec.json.encode(record(name)))
    log = project.logs / "bedrock-again.log"
    bedrock = Process.start("bedrock", command, environment=environment, log=log, folder=project.root)
    msgspec.structs.replace(state, bedrock=bedrock).save(project.state_file)
    until(lambda: healthy(endpoint(state.bedrock_port) + BEDROCK_HEALTH) or not bedrock.is_alive, seconds=150)
    assert bedrock.is_alive, log.read_text()[-2000:]


def until(ask: Any, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"not in {seconds:g} s"
        time.sleep(0.2)
    return answer


def rft(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rft_cli.main", *arguments]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, assembly: Path) -> Iterator[Project]:
    """The app's own stack, deployed, with models that nobody trained."""
    project = check_out(tmp_path_factory.mktemp("checkout"), assembly=assembly)
    try:
        up = rft(project, "local", "up", "--port", str(PORT))
        assert up.returncode == 0, up.stderr
        give_models(project, "first", "second", "third", "fourth")
        yield project
    finally:
        down(project)


@pytest.fixture(scope="module")
def environment(project: Project) -> Iterator[Environment]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        yield open_environment("local", None)


def client(environment: Environment, service: str, credentials: dict[str, str] | None = None) -> Any:
    session = environment.aws.session
    if credentials is not None:
        session = boto3.Session(
            aws_access_key_id=credentials["access_key_id"],
            aws_secret_access_key=credentials["secret_access_key"],
            aws_session_token=credentials["session_token"],
            region_name=REGION,
        )
    return session.client(service, endpoint_url=environment.aws.endpoint, config=environment.aws.config)  # type: ignore[call-overload]  # any service


def function(environment: Environment, part: str) -> dict[str, Any]:
    """Return the one function whose name holds a text."""
    pages = client(environment, "lambda").get_paginator("list_functions").paginate()
    (found,) = [found for page in pages for found in page["Functions"] if part in found["FunctionName"]]
    return dict(found)


def call(environment: Environment, part: str, event: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Call a function; return the name of its error, and what it answered."""
    name = function(environment, part)["FunctionName"]
    answer = environment.aws.functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    result: dict[str, Any] = json.loads(answer["Payload"].read())
    return (result.get("errorType"), result) if "FunctionError" in answer else (None, result)


def as_function(environment: Environment, part: str, service: str) -> Any:
    """Return a client with the credentials of a function's own role."""
    return as_role(environment, function(environment, part)["Role"], service)


def as_role(environment: Environment, role: str, service: str) -> Any:
    """Return a client with the credentials of a role that Lambda may assume."""
    asked = {"role_arn": role, "service": "lambda.amazonaws.com", "source_arn": role, "source_account": ACCOUNT}
    request = urllib.request.Request(
        f"{environment.aws.endpoint}/_rft/service-session", json.dumps(asked).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return client(environment, service, json.loads(answer.read()))


def decided(environment: Environment, run_id: str) -> None:
    """Write a run as Decide leaves it, planned by now, whose candidate is the model of that name."""
    outputs, sha256 = environment.outputs, "0" * 64
    resources = PlatformResources(
        bucket=outputs.bucket,
        key_arn=outputs.key_arn,
        customization_role_arn=f"arn:aws:iam::{ACCOUNT}:role/none",
        topic_arn=outputs.topic_arn,
        rewards=outputs.rewards,
    )
    recipe = {
        "schema": 1,
        "line": LINE,
        "reward": "routing",
        "base_model": BASE,
        "datasets": {"train": "s3://bucket/train", "held_out": "s3://bucket/held_out"},
        "promote": True,
    }
    record = RunRecord(
        run_id=run_id,
        environment="local",
        started=datetime.now(UTC),
        recipe=recipe,
        settings=PlatformSettings(environment="local", poll_first_seconds=1).to_json(),
        resources=resources.to_json(),
        datasets={"held_out": DatasetUse(address="s3://bucket/held_out", sha256=sha256, rows=2)},
        reward_version="1",
        reward_hash=sha256,
        certificates={"held_out": "PASSED"},
        live=current(environment).live,
        model_arn=model(run_id),
    )
    RunStore(environment.bucket).create(record)
    decision = Decision(
        outcome="PASSED",
        reason="better",
        mode="greedy",
        prompts=2,
        mean_gain=1.0,
        lower_bound=1.0,
        min_gain=0.0,
        missing_share=0.0,
    )
    row = json.dumps({"messages": [{"role": "user", "content": "where is it?"}], "reference_answer": "billing"})
    environment.bucket.write(record.keys.data("held_out"), f"{row}\n{row}\n".encode())
    environment.bucket.write(record.keys.decision, msgspec.json.encode(decision))
    environment.bucket.write(certificate_key(sha256, sha256), b'{"verdict":"PASSED"}')
    shards = list(
        shards_of([9, 9], data="held_out", subjects=(BASE_ARM, CANDIDATE), rows_per_shard=2, samples=0, temperature=0)
    )
    environment.bucket.write(record.keys.shards, encode_shards(shards))
    for shard in shards:
        reward = float(shard.subject == CANDIDATE)
        graded = [
            GradedCompletion(
                row=row,
                sample=0,
                reward=reward,
                invalid=None,
                components={},
                tokens_out=1,
                stop_reason="end_turn",
                completion="billing",
            )
            for row in range(2)
        ]
        key = record.keys.graded(shard.data, shard.subject, shard.mode, shard.shard)
        environment.bucket.write(key, encode_graded(graded))


def current(environment: Environment) -> Current:
    return ReleaseStore(environment.bucket, "local").current(LINE)


def promote(environment: Environment, run_id: str) -> dict[str, Any]:
    """Do what the state machine does after Decide."""
    error, answer = call(environment, "PromoteStart", {"run_id": run_id})
    assert error is None, answer
    for _ in range(60):
        error, answer = call(environment, "PromotePoll", {"run_id": run_id, "wait_seconds": 1})
        assert error is None, answer
        if answer["progress"] == "DONE":
            return answer
        time.sleep(0.5)
    raise AssertionError(answer)

"""The Bedrock endpoint, served, with everything around it faked."""

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from rft_contract.hyperparameters import Hyperparameters
from rft_local.bedrock.endpoint import Endpoint
from rft_local.bedrock.endpoint_settings import ACCOUNT, REGION, EndpointSettings, GraderSettings
from rft_local.bedrock.server import Server
from tests.unit.fakes.emulator import FakeEmulator, Json, running
from tests.unit.fakes.engine import FakeEngine

if TYPE_CHECKING:
    from types_boto3_bedrock import BedrockClient
    from types_boto3_bedrock_runtime import BedrockRuntimeClient

ROLE = f"arn:aws:iam::{ACCOUNT}:role/customization"
CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/starter/session"
GRADER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:reward:run-1"
BASE = f"arn:aws:bedrock:{REGION}::foundation-model/local.smollm2-135m-instruct-v1:0"


@dataclass
class Bench:
    """A served endpoint with everything around it faked."""

    url: str
    endpoint: Endpoint
    emulator: FakeEmulator
    engine: FakeEngine

    @functools.cached_property
    def control(self) -> "BedrockClient":
        """The control plane, called as the emulator forwards calls."""
        client = _session().client("bedrock", **_arguments(self.url))
        client.meta.events.register("before-sign.bedrock", _say_caller)
        return client

    @functools.cached_property
    def runtime(self) -> "BedrockRuntimeClient":
        """The runtime."""
        return _session().client("bedrock-runtime", **_arguments(self.url))

    def create(self, name: str = "job", **changes: Json) -> str:
        """Create a job; returns its ARN."""
        return self.control.create_model_customization_job(**request(name, **changes))["jobArn"]

    def ended(self, job: str) -> dict[str, Json]:
        """Wait for the end of a job."""
        return self.until(job, lambda found: found["status"] in ("Completed", "Failed", "Stopped"))

    def until(self, job: str, accept: Callable[[dict[str, Json]], bool]) -> dict[str, Json]:
        """Ask for a job until it is as wanted."""
        client, deadline = self.control, time.monotonic() + 10
        while True:
            found: dict[str, Json] = {**client.get_model_customization_job(jobIdentifier=job)}
            if accept(found):
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.01)

    def first_step_done(self, job: str) -> None:
        """Wait until a job has written its first step; its training then waits for the engine's `go`."""
        folder = f"model-customization-job-{job.rsplit('/', 1)[1]}"
        self.until(job, lambda _: any(folder in key and key.endswith(".csv") for key in [*self.emulator.objects]))

    def trained(self, name: str = "job") -> str:
        """Run a job to its end; returns the custom model's ARN."""
        self.engine.go.set()
        found = self.ended(self.create(name))
        assert found["status"] == "Completed", found
        return str(found["outputModelArn"])


@contextmanager
def bench(state: Path, engine: FakeEngine | None = None, **changes: Json) -> Iterator[Bench]:
    """Serve an endpoint; `changes` are `EndpointSettings`."""
    emulator, engine = FakeEmulator(), engine or FakeEngine()
    emulator.put_rows("train.jsonl", 100, reference_answer="billing")
    emulator.put_rows("validation.jsonl", 3)
    with running(emulator):
        settings = EndpointSettings(
            emulator_url=emulator.url, state=state, deployment_seconds=0, grader=GraderSettings(backoff_seconds=0)
        )
        endpoint = Endpoint(replace(settings, **changes), engine)
        server = Server(0, endpoint)
        endpoint.start()
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield Bench(server.url, endpoint, emulator, engine)
        finally:
            engine.go.set()
            endpoint.stop()
            server.shutdown()
            server.server_close()


def request(name: str = "job", **changes: Json) -> dict[str, Json]:
    """A legal CreateModelCustomizationJob; a value of None leaves a member out."""
    hyperparameters = Hyperparameters(batchSize=16, trainingSamplePerPrompt=4).to_json()
    members = {
        "jobName": name,
        "customModelName": name,
        "roleArn": ROLE,
        "baseModelIdentifier": BASE,
        "customizationType": "REINFORCEMENT_FINE_TUNING",
        "trainingDataConfig": {"s3Uri": "s3://data/train.jsonl"},
        "validationDataConfig": {"validators": [{"s3Uri": "s3://data/validation.jsonl"}]},
        "outputDataConfig": {"s3Uri": "s3://data/out/"},
        "customizationConfig": {
            "rftConfig": {"graderConfig": {"lambdaGrader": {"lambdaArn": GRADER}}, "hyperParameters": hyperparameters}
        },
        **changes,
    }
    return {key: value for key, value in members.items() if value is not None}


@functools.cache
def _session() -> boto3.Session:
    return boto3.Session()


def _arguments(url: str) -> Json:
    return {
        "endpoint_url": url,
        "region_name": REGION,
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
        "config": Config(retries={"max_attempts": 0}, parameter_validation=False, max_pool_connections=64),
    }


def _say_caller(request: Json, **_: object) -> None:
    request.headers["x-rft-caller-arn"] = CALLER

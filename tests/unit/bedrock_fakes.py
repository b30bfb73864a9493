"""What the Bedrock endpoint talks to, faked: an emulator with S3, Lambda, IAM and EventBridge, and a model."""

import functools
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import boto3
from botocore.config import Config

from rft_contract.hyperparameters import Hyperparameters
from rft_local.bedrock.endpoint import Endpoint
from rft_local.bedrock.endpoint_settings import ACCOUNT, REGION, EndpointSettings, GraderSettings
from rft_local.bedrock.engine import (
    AskedUsed,
    Completion,
    Decoding,
    Message,
    Rollout,
    TrainingHooks,
    TrainingStep,
    TrainingTask,
)
from rft_local.bedrock.server import Server

if TYPE_CHECKING:
    from types_boto3_bedrock import BedrockClient
    from types_boto3_bedrock_runtime import BedrockRuntimeClient

ROLE = f"arn:aws:iam::{ACCOUNT}:role/customization"
CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/starter/session"
GRADER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:reward:run-1"
BASE = f"arn:aws:bedrock:{REGION}::foundation-model/local.smollm2-135m-instruct-v1:0"

Json = Any
Response = tuple[int, dict[str, str], bytes]


def perfect(event: list[dict[str, Json]]) -> Json:
    """A reward function that likes everything."""
    return [{"id": sample["id"], "aggregate_reward_score": 1.0} for sample in event]


@dataclass
class FakeEmulator:
    """An emulator in a thread. Everything is allowed until a test says otherwise.

    Args:
        grade: The reward function's code.
        denied: Actions that IAM refuses, such as `iam:PassRole` or `s3:PutObject`.
        trust: Why the role cannot be assumed; empty when it can.
    """

    grade: Callable[[list[dict[str, Json]]], Json] = perfect
    denied: set[str] = field(default_factory=set)
    trust: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    events: list[dict[str, Json]] = field(default_factory=list)
    graded: list[list[dict[str, Json]]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    questions: list[dict[str, Json]] = field(default_factory=list)
    sessions: list[dict[str, Json]] = field(default_factory=list)
    url: str = ""

    def put_rows(self, name: str, count: int, **fields: Json) -> None:
        """Put a dataset into the bucket `data`."""
        lines = [
            json.dumps({"messages": [{"role": "user", "content": f"question {row}"}], "rft": {"row": row}, **fields})
            for row in range(count)
        ]
        self.objects[f"/data/{name}"] = ("\n".join(lines) + "\n").encode()

    def respond(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Response:
        """Answer one request."""
        self.requests.append((method, path))
        if path == "/_rft/simulate":
            question = json.loads(body)
            self.questions.append(question)
            allowed = question["action"] not in self.denied
            return _json(200, {"allowed": allowed, "reason": "" if allowed else "no policy allows it"})
        if path == "/_rft/service-session":
            self.sessions.append(json.loads(body))
            if self.trust:
                return _json(403, {"reason": self.trust})
            keys = {"access_key_id": "ASIAROLE", "secret_access_key": "s", "session_token": "t"}
            return _json(200, keys)
        if path == "/_rft/service-event":
            self.events.append(json.loads(body))
            return _json(200, {})
        if path.startswith("/2015-03-31/functions/"):
            return self._function(headers, body)
        return self._object(method, path, headers, body)

    def _function(self, headers: dict[str, str], body: bytes) -> Response:
        if "lambda:InvokeFunction" in self.denied:
            return 403, {"x-amzn-errortype": "AccessDeniedException"}, b'{"Message": "not authorized to invoke"}'
        if headers.get("x-amz-invocation-type") == "DryRun":
            return 204, {}, b""
        event = json.loads(body)
        self.graded.append(event)
        try:
            return _json(200, self.grade(event))
        except Exception as error:
            fault = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return 200, {"x-amz-function-error": "Unhandled"}, json.dumps(fault).encode()

    def _object(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Response:
        action = {"GET": "s3:GetObject", "PUT": "s3:PutObject", "DELETE": "s3:DeleteObject"}[method]
        if action in self.denied and "ASIAROLE" in headers.get("authorization", ""):
            return 403, {}, b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        if method == "PUT":
            self.objects[path] = body
        elif method == "DELETE":
            self.objects.pop(path, None)
        elif path not in self.objects:
            return 404, {}, b"<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>"
        return 200, {}, self.objects[path] if method == "GET" else b""


def _json(status: int, value: Json) -> Response:
    return status, {"content-type": "application/json"}, json.dumps(value).encode()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients go away when a test ends."""


@contextmanager
def running(emulator: FakeEmulator) -> Iterator[FakeEmulator]:
    """Serve a fake emulator."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            path = unquote(urlsplit(self.path).path)
            status, sent, payload = emulator.respond(self.command, path, headers, body)
            self.send_response(status)
            for name, value in sent.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test output quiet."""

    server = _QuietServer(("127.0.0.1", 0), Handler)
    emulator.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield emulator
    server.shutdown()
    server.server_close()


@dataclass
class FakeEngine:
    """A model without weights: it repeats the question, and its training takes `steps` steps of two prompts.

    Args:
        steps: Steps of every training.
        go: Training waits for it before its second step.
        failure: Raised by `generate` for a prompt that contains it.
    """

    steps: int = 3
    go: threading.Event = field(default_factory=threading.Event)
    failure: str = ""
    calls: list[tuple[int, int, Path | None]] = field(default_factory=list)
    tasks: list[TrainingTask] = field(default_factory=list)
    name: str = "fake model"

    def load(self) -> None:
        """Nothing to load."""

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Words count as tokens."""
        return sum(len(message["content"].split()) for message in messages)

    def generate(
        self,
        prompts: Sequence[Sequence[Message]],
        *,
        adapter: Path | None,
        samples: int,
        decoding: Decoding,
        seed: int,
    ) -> Sequence[Sequence[Completion]]:
        """Repeat the last turn, `max_tokens` words of it."""
        self.calls.append((len(prompts), samples, adapter))
        if self.failure and any(self.failure in prompt[-1]["content"] for prompt in prompts):
            raise ValueError(f"the prompt {self.failure} does not fit")
        return [[_repeated(prompt, decoding, sample) for sample in range(samples)] for prompt in prompts]

    def train(self, task: TrainingTask, hooks: TrainingHooks) -> None:
        """Have two prompts rewarded in each step."""
        self.tasks.append(task)
        lines = [
            AskedUsed("batchSize", task.hyperparameters.batchSize, 2, "two prompts a step"),
            AskedUsed("customModelKmsKeyId", None, None, "no effect"),
        ]
        hooks.planned(self.steps, lines)
        for step in range(self.steps):
            if step:
                self.go.wait(10)
            if hooks.should_stop():
                raise RuntimeError("stopped")
            rollouts = [
                Rollout(row, f"completion {sample}", group)
                for group, row in enumerate(task.rows[2 * step : 2 * step + 2])
                for sample in range(task.hyperparameters.trainingSamplePerPrompt)
            ]
            rewards = hooks.reward(rollouts)
            last = step == self.steps - 1
            hooks.stepped(
                TrainingStep(
                    step=step,
                    steps=self.steps,
                    epoch=0,
                    reward=sum(rewards) / len(rewards),
                    validation_reward=0.25 if last and task.validation else None,
                    episode_length=2.0,
                    policy_entropy=1.5,
                    gradient_norm=0.1,
                    mixed_groups=0.5,
                    seconds=0.01,
                )
            )
        task.adapter.write_bytes(b"weights")


def _repeated(prompt: Sequence[Message], decoding: Decoding, sample: int) -> Completion:
    words = [*prompt[-1]["content"].split(), f"#{sample}"][: decoding.max_tokens]
    reason = "max_tokens" if len(words) == decoding.max_tokens else "end_turn"
    return Completion(" ".join(words), len(words), reason)


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

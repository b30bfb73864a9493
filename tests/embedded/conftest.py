"""One patched emulator for all embedded tests, with a recording stand-in for the Bedrock endpoint behind it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from rft_local.emulator.environment import ACCOUNT, HOST, REGION
from tests.embedded.checkout import synthesize

LOCAL = Path(__file__).parents[2] / "local"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@dataclass
class BedrockRecorder:
    """An HTTP endpoint that records requests and answers from a table of targets."""

    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    url: str = ""

    def start(self) -> ThreadingHTTPServer:
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                recorder.requests.append((self.command, self.path, dict(self.headers.items()), body))
                status, document = recorder.answers.get(f"{self.command} {self.path}", (404, {"message": "unknown"}))
                data = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                if status >= 400:
                    self.send_header("x-amzn-errortype", "ResourceNotFoundException")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = do_PATCH = answer

            def log_message(self, format: str, *args: object) -> None:
                """Keeps the test output quiet."""

        server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


@dataclass
class Emulator:
    """A running emulator and shortcuts to make things in it."""

    url: str
    port: int
    state: Path
    process: subprocess.Popen[bytes]
    clients: dict[tuple[str, str], Any] = field(default_factory=dict)
    boto: Any = field(default_factory=boto3.session.Session)  # untyped: the stubs want services as literals

    def client(self, service: str, **credentials: str) -> Any:
        """A boto3 client, made once; without credentials it is the account root."""
        name = (service, credentials.get("access_key_id", "test"))
        if name not in self.clients:
            self.clients[name] = self.boto.client(
                service,
                endpoint_url=self.url,
                region_name=REGION,
                aws_access_key_id=credentials.get("access_key_id", "test"),
                aws_secret_access_key=credentials.get("secret_access_key", "test"),
                aws_session_token=credentials.get("session_token"),
                config=Config(retries={"max_attempts": 0}, inject_host_prefix=False, read_timeout=30),
            )
        return self.clients[name]

    def control(self, path: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Posts to one of the emulator's own routes."""
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def role(self, name: str, service: str, statements: Sequence[Mapping[str, Any]]) -> str:
        """Makes a role that a service may assume, with one inline policy; replaces the policy of an existing one."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]}
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(policy))
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def session(self, name: str, statements: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Credentials of a role with these statements."""
        arn = self.role(name, "bedrock.amazonaws.com", statements)
        asked = {"role_arn": arn, "service": "bedrock.amazonaws.com", "source_arn": arn, "source_account": ACCOUNT}
        status, answer = self.control("/_rft/service-session", asked)
        assert status == 200, answer
        return answer

    def function(
        self, name: str, code: str, statements: Sequence[Mapping[str, Any]] = (), logs: bool = True, **options: Any
    ) -> str:
        """Makes a Python function of one module `index` with a handler `handler`."""
        may_log = [{"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}] if logs else []
        role = self.role(f"{name}-role", "lambda.amazonaws.com", [*statements, *may_log] or [NOTHING])
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            archive.writestr("index.py", textwrap.dedent(code))
        client = self.client("lambda")
        created = client.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="index.handler",
            Role=role,
            Code={"ZipFile": package.getvalue()},
            **{"Timeout": 10, **options},
        )
        return str(created["FunctionArn"])

    def invoke(self, name: str, event: Any = None, **options: Any) -> tuple[dict[str, Any], Any]:
        """Invokes a function and returns the response with its decoded payload."""
        response = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode(), **options)
        payload = response["Payload"].read()
        return response, json.loads(payload) if payload else None

    def machine(
        self, name: str, definition: Mapping[str, Any], statements: Sequence[Mapping[str, Any]] = (), **options: Any
    ) -> str:
        """Makes a state machine with a role of its own."""
        role = self.role(f"{name}-role", "states.amazonaws.com", list(statements) or [NOTHING])
        created = self.client("stepfunctions").create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=role, **options
        )
        return str(created["stateMachineArn"])

    def run(self, machine: str, data: Any = None, seconds: float = 20) -> dict[str, Any]:
        """Starts an execution and waits for its end."""
        client = self.client("stepfunctions")
        started = client.start_execution(stateMachineArn=machine, input=json.dumps({} if data is None else data))
        return self.ended(started["executionArn"], seconds)

    def ended(self, execution: str, seconds: float = 20) -> dict[str, Any]:
        """Waits for the end of an execution."""
        client = self.client("stepfunctions")
        found: dict[str, Any] = until(
            lambda: client.describe_execution(executionArn=execution),
            lambda found: found["status"] != "RUNNING",
            seconds,
        )
        return found

    def metric(self, namespace: str, name: str, statistic: str = "Sum", **dimensions: str) -> list[float]:
        """The values of one metric in the last hour."""
        metric = {
            "Namespace": namespace,
            "MetricName": name,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        }
        now = time.time()
        found = self.client("cloudwatch").get_metric_data(
            MetricDataQueries=[{"Id": "m", "MetricStat": {"Metric": metric, "Period": 3600, "Stat": statistic}}],
            StartTime=now - 3600,
            EndTime=now + 60,
        )
        return [float(value) for value in found["MetricDataResults"][0]["Values"]]


NOTHING = {"Action": "sts:GetCallerIdentity", "Resource": "*"}


def until(ask: Any, accept: Any, seconds: float = 20) -> Any:
    """Asks until the answer is accepted; the last answer is returned when time is up."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if accept(answer) or time.monotonic() > deadline:
            return answer
        time.sleep(0.05)


def start(
    port: int, bedrock_url: str, state: Path, options: Sequence[str] = (), **variables: str
) -> subprocess.Popen[bytes]:
    """Starts an emulator process."""
    command = [sys.executable, "-m", "rft_local.emulator", "--port", str(port), "--bedrock-url", bedrock_url]
    environment = {**os.environ, "PYTHONPATH": str(LOCAL), **variables}
    with log_file(state).open("wb") as log:
        return subprocess.Popen([*command, "--state", str(state), *options], env=environment, stdout=log, stderr=log)


def log_file(state: Path) -> Path:
    """Where an emulator's own output goes."""
    return state / "emulator.log"


def answers(url: str) -> bool:
    """Whether an emulator answers at a URL."""
    try:
        with urllib.request.urlopen(f"{url}/_ministack/health", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the app's local stage synthesizes: once for all modules of a process that deploy it as it is."""
    folder = tmp_path_factory.mktemp("assembly")
    synthesize(folder)
    return folder


@pytest.fixture(scope="session")
def bedrock_recorder() -> Iterator[BedrockRecorder]:
    """The endpoint the emulator forwards Bedrock requests to."""
    recorder = BedrockRecorder()
    server = recorder.start()
    yield recorder
    server.shutdown()


def run(bedrock_url: str, state: Path, options: Sequence[str] = (), **variables: str) -> Iterator[Emulator]:
    """Runs one emulator and ends it afterwards."""
    port = free_port()
    process = start(port, bedrock_url, state, options, **variables)
    running = Emulator(f"http://{HOST}:{port}", port, state, process)
    try:
        until(lambda: answers(running.url) or process.poll() is not None, bool)
        if not answers(running.url):
            pytest.fail(f"the emulator did not start: {log_file(state).read_text()[-2000:]}")
        yield running
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory, bedrock_recorder: BedrockRecorder) -> Iterator[Emulator]:
    """A running emulator; a credential and a token of the host are planted to see that no Lambda finds them."""
    planted = {"AWS_SECRET_ACCESS_KEY": "host-secret", "HOST_TOKEN": "host-token"}
    yield from run(bedrock_recorder.url, tmp_path_factory.mktemp("emulator"), **planted)


@pytest.fixture
def offline_emulator(tmp_path: Path) -> Iterator[Emulator]:
    """A second emulator, whose Bedrock endpoint is down."""
    yield from run(f"http://{HOST}:1", tmp_path)

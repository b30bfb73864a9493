"""The app's stack on an embedded AWS of its own, with a Bedrock that needs no model time behind it."""

import hashlib
import json
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import boto3
from botocore.config import Config

from benchmarks import instant_bedrock
from benchmarks.instant_bedrock import HINTS
from rft_contract.json_value import JsonObject
from rft_contract.layout import dataset_key
from rft_contract.naming import stack_name
from rft_contract.outputs import StackOutputs
from rft_local.connection import endpoint
from rft_local.emulator.environment import client_environment
from rft_local.lifecycle import down, up
from rft_local.project import Project
from tests.embedded.checkout import check_out


class InstantStack:
    """The deployed stack, and the account that it lies in.

    Args:
        project: Whose app; the embedded AWS runs.
        port: Of the emulator.
        bedrock_port: Of the Bedrock endpoint behind it.
    """

    def __init__(self, project: Project, port: int, bedrock_port: int) -> None:
        self.project = project
        self.url, self.bedrock_url = endpoint(port), endpoint(bedrock_port)
        variables = client_environment(port, project.state_folder)
        self._session = boto3.Session(
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region_name=variables["AWS_REGION"],
        )
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        stack = self.client("cloudformation").describe_stacks(StackName=stack_name("local"))["Stacks"][0]
        self.outputs = StackOutputs.from_outputs(
            {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        )

    def client(self, service: str) -> Any:
        """Return a client with the account's own rights, made once; clients may be shared by threads."""
        with self._lock:
            if service not in self._clients:
                config = Config(max_pool_connections=64, read_timeout=900)
                self._clients[service] = self._session.client(service, endpoint_url=self.url, config=config)  # type: ignore[call-overload]  # any service
            return self._clients[service]

    def read(self, key: str) -> Any:
        """Return an object of the data bucket, decoded."""
        return json.loads(self.client("s3").get_object(Bucket=self.outputs.bucket, Key=key)["Body"].read())

    def upload(self, name: str, rows: int, **fields: float) -> str:
        """Upload a dataset and return its address.

        Args:
            name: Its name; its rows are like those of no other.
            rows: How many.
            fields: More fields of every row.
        """
        body = "".join(f"{_row(index, name, fields)}\n" for index in range(rows)).encode()
        key = dataset_key(hashlib.sha256(body).hexdigest(), f"{name}.jsonl")
        self.client("s3").put_object(Bucket=self.outputs.bucket, Key=key, Body=body)
        return f"s3://{self.outputs.bucket}/{key}"

    def start(self, run_id: str, recipe: JsonObject) -> str:
        """Start a run and return its execution's ARN."""
        started = self.client("stepfunctions").start_execution(
            stateMachineArn=self.outputs.state_machine_arn,
            name=run_id,
            input=json.dumps({"run_id": run_id, "recipe": recipe}),
        )
        return str(started["executionArn"])

    def ended(self, execution: str, seconds: float) -> Any:
        """Wait for the end of an execution and return its description.

        Raises:
            RuntimeError: When it goes on for longer.
        """
        deadline = time.monotonic() + seconds
        while True:
            found = self.client("stepfunctions").describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                return found
            if time.monotonic() > deadline:
                raise RuntimeError(f"{found['name']} did not end in {seconds:g} s")
            time.sleep(0.4)


def _row(index: int, name: str, fields: dict[str, float]) -> str:
    """Return a row that is like no other: its words are drawn from its number."""
    hint, label = list(HINTS.items())[index % 2]
    digest = hashlib.sha256(f"{name} {index}".encode()).hexdigest()
    words = " ".join(digest[start : start + 6] for start in range(0, 60, 6))
    messages = [
        {"role": "system", "content": "Answer with one word: billing or delivery."},
        {"role": "user", "content": f"{words}: {hint}"},
    ]
    row = {"id": f"{name}-{index}", "messages": messages, "reference_answer": {"label": label}, **fields}
    return json.dumps(row)


@contextmanager
def instant_stack(port: int, bedrock_port: int) -> Iterator[InstantStack]:
    """Deploy the stack into an embedded AWS of its own; it ends with the body.

    Args:
        port: For the emulator.
        bedrock_port: For the Bedrock endpoint behind it.
    """
    project = check_out(Path(mkdtemp(prefix="rft-instant-")))
    try:
        up(
            project,
            port=port,
            bedrock_port=bedrock_port,
            seed=None,
            deploy=True,
            tell=lambda words: print(words, file=sys.stderr, flush=True),
            bedrock=(instant_bedrock.__file__,),
        )
        yield InstantStack(project, port, bedrock_port)
    finally:
        down(project)
        shutil.rmtree(project.root, ignore_errors=True)

"""What a run costs beside the model: every state on the embedded AWS, with a model that needs no time.

The Bedrock endpoint behind the embedded AWS is replaced by `instant_bedrock`; everything else is what a user deploys.
What is left is the workflow's own time: handlers, state machine, data, the deployed reward function, and polling.
"""

import hashlib
import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import boto3
import msgspec

from benchmarks.instant_bedrock import HINTS
from benchmarks.result import ROOT
from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.layout import RunKeys, dataset_key
from rft_contract.naming import stack_name
from rft_contract.outputs import StackOutputs
from rft_local.connection import clean_environment, endpoint
from rft_local.emulator.environment import client_environment
from rft_local.lifecycle import BEDROCK_HEALTH, down, healthy, up
from rft_local.process import Process, stop_all
from rft_local.project import Project

COMMAND = "python -m benchmarks workflow_overhead"
HELD_OUT = (100, 1_000, 10_000)
TRAIN = 100
PROBED = 20
PORT, BEDROCK_PORT = 4932, 4933
_LONGEST_SECONDS = 300.0


def measure() -> JsonObject:
    """Run one recipe for each size of the held-out set."""
    with _embedded_aws() as account:
        account.run("warm-up", 100)  # functions start, interpreters are loaded
        found = [account.run(f"held-out-{prompts}", prompts) for prompts in HELD_OUT]
    return figures(found)


def figures(found: list[JsonObject]) -> JsonObject:
    """Return the runs with the straight line through the first and the last of them.

    Args:
        found: What `_Account.run` returned, by growing held-out set.
    """
    points = [(int(str(run["held_out_prompts"])), float(str(run["seconds"]))) for run in found]
    (few, least), (many, most) = points[0], points[-1]
    slope = (most - least) / (many - few)
    fixed = least - slope * few
    runs: list[JsonValue] = [
        {**run, "off_the_line_percent": round(100 * (seconds / (fixed + slope * prompts) - 1), 1)}
        for run, (prompts, seconds) in zip(found, points, strict=True)
    ]
    return {
        "train_prompts": TRAIN,
        "probed_prompts": PROBED,
        "fixed_seconds": round(fixed, 2),
        "ms_a_held_out_prompt": round(1000 * slope, 2),
        "runs": runs,
    }


class _Account:
    """The embedded AWS with the stack deployed."""

    def __init__(self, project: Project) -> None:
        variables = client_environment(PORT, project.state_folder)
        self._session = boto3.Session(
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region_name=variables["AWS_REGION"],
        )
        self._url = variables["AWS_ENDPOINT_URL"]
        stack = self._client("cloudformation").describe_stacks(StackName=stack_name("local"))["Stacks"][0]
        self._outputs = StackOutputs.from_outputs(
            {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        )

    def run(self, run_id: str, held_out: int) -> JsonObject:
        """Run a recipe and return what each state took, in seconds.

        Raises:
            RuntimeError: When it does not end PASSED.
        """
        recipe: JsonObject = {
            "schema": 1,
            "line": "overhead",
            "reward": "routing",
            "base_model": "local.smollm2-135m-instruct-v1:0",
            "datasets": {
                "train": self._upload(f"{run_id}-train", TRAIN),
                "held_out": self._upload(f"{run_id}-held-out", held_out),
            },
            "hyperparameters": {"batchSize": 16, "trainingSamplePerPrompt": 2, "inferenceMaxTokens": 16},
            "probe": {"prompts": PROBED},
            "gate": {"samples_per_prompt": 1},
        }
        states = self._client("stepfunctions")
        began = time.monotonic()
        execution = states.start_execution(
            stateMachineArn=self._outputs.state_machine_arn,
            name=run_id,
            input=json.dumps({"run_id": run_id, "recipe": recipe}),
        )["executionArn"]
        while (found := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
            if time.monotonic() - began > _LONGEST_SECONDS:
                raise RuntimeError(f"{run_id} did not end in {_LONGEST_SECONDS:g} s")
            time.sleep(0.2)
        wall = time.monotonic() - began
        print(f"{run_id}: {wall:.1f} s", file=sys.stderr, flush=True)
        report = self._read(RunKeys(run_id).report_json)
        if report["outcome"] != "PASSED":
            raise RuntimeError(f"{run_id} ended {report['outcome']}: {report['reason']}; {found.get('cause', '')}")
        return {
            "held_out_prompts": held_out,
            "completions": held_out * 4,
            "seconds": round(wall, 2),
            "states": report["seconds"],
        }

    def _upload(self, name: str, rows: int) -> str:
        body = "".join(f"{_row(index, name)}\n" for index in range(rows)).encode()
        key = dataset_key(hashlib.sha256(body).hexdigest(), f"{name}.jsonl")
        self._client("s3").put_object(Bucket=self._outputs.bucket, Key=key, Body=body)
        return f"s3://{self._outputs.bucket}/{key}"

    def _read(self, key: str) -> Any:
        return json.loads(self._client("s3").get_object(Bucket=self._outputs.bucket, Key=key)["Body"].read())

    def _client(self, service: Any) -> Any:
        return self._session.client(service, endpoint_url=self._url)


def _row(index: int, name: str) -> str:
    """Return a row that is like no other: its words are drawn from its number."""
    hint, label = list(HINTS.items())[index % 2]
    digest = hashlib.sha256(f"{name} {index}".encode()).hexdigest()
    words = " ".join(digest[start : start + 6] for start in range(0, 60, 6))
    messages = [
        {"role": "system", "content": "Answer with one word: billing or delivery."},
        {"role": "user", "content": f"{words}: {hint}"},
    ]
    return json.dumps({"id": f"{name}-{index}", "messages": messages, "reference_answer": {"label": label}})


@contextmanager
def _embedded_aws() -> Iterator[_Account]:
    """Deploy the stack into an embedded AWS of its own, and put the instant Bedrock behind it."""
    project = Project(Path(mkdtemp(prefix="rft-overhead-")))
    for name in ("cdk.json", "app.py", "stacks", "node_modules"):
        (project.root / name).symlink_to(ROOT / name)
    project.weights.parent.mkdir(parents=True, exist_ok=True)
    project.weights.symlink_to(Project(ROOT).weights)
    (project.weights.parent / "xla").symlink_to(Project(ROOT).weights.parent / "xla")
    try:
        state = up(
            project,
            port=PORT,
            bedrock_port=BEDROCK_PORT,
            seed=None,
            deploy=True,
            tell=lambda words: print(words, file=sys.stderr, flush=True),
        )
        stop_all([state.bedrock], 5.0)
        places = {"--port": str(BEDROCK_PORT), "--emulator-url": endpoint(PORT), "--state": str(project.state_folder)}
        arguments = [word for place in places.items() for word in place]
        instant = Process.start(
            "bedrock",
            [sys.executable, "-m", "benchmarks.instant_bedrock", *arguments],
            environment=clean_environment(project.temporary) | {"PYTHONPATH": str(ROOT)},
            log=project.logs / "instant_bedrock.log",
            folder=project.state_folder,
        )
        msgspec.structs.replace(state, bedrock=instant).save(project.state_file)
        while not healthy(endpoint(BEDROCK_PORT) + BEDROCK_HEALTH):
            if not instant.is_alive:
                raise RuntimeError((project.logs / "instant_bedrock.log").read_text())
            time.sleep(0.1)
        yield _Account(project)
    finally:
        down(project)
        shutil.rmtree(project.root, ignore_errors=True)

"""A whole run on the embedded AWS, from upload to report, and the endings of runs that cannot go well.

One deployment serves all tests here. Rows carry a canary text, which must never reach history, logs or metrics.
"""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from rft_contract.layout import RunKeys, dataset_key
from rft_contract.naming import stack_name
from rft_contract.outputs import StackOutputs
from rft_local.emulator.environment import client_environment
from rft_local.lifecycle import down
from rft_local.project import Project
from tests.embedded.checkout import check_out

ROOT = Path(__file__).parents[2]
PORT = 4870
CANARY = "zanzibarine"
RUN = "whole"

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.model,
    pytest.mark.skipif(not Project(ROOT).cdk.exists(), reason="needs `make setup`"),
]


class Platform:
    """The deployed stack and clients of the account it lies in."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._environment = client_environment(PORT, project.state_folder)
        stacks = self.client("cloudformation").describe_stacks(StackName=stack_name("local"))["Stacks"]
        self.outputs = StackOutputs.from_outputs(
            {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}
        )

    def client(self, service: Any) -> Any:
        return boto3.Session(
            aws_access_key_id=self._environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self._environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self._environment["AWS_REGION"],
        ).client(service, endpoint_url=self._environment["AWS_ENDPOINT_URL"])

    def read(self, key: str) -> Any:
        return json.loads(self.client("s3").get_object(Bucket=self.outputs.bucket, Key=key)["Body"].read())

    def put_dataset(self, name: str, lines: list[str]) -> str:
        body = "".join(f"{line}\n" for line in lines).encode()
        key = dataset_key(hashlib.sha256(body).hexdigest(), name)
        self.client("s3").put_object(Bucket=self.outputs.bucket, Key=key, Body=body)
        return f"s3://{self.outputs.bucket}/{key}"

    def start(self, run_id: str, recipe: dict[str, Any]) -> str:
        """Start a run past the command line's own checks."""
        states = self.client("stepfunctions")
        execution: str = states.start_execution(
            stateMachineArn=self.outputs.state_machine_arn,
            name=run_id,
            input=json.dumps({"run_id": run_id, "recipe": recipe}),
        )["executionArn"]
        return execution

    def ended(self, execution: str, seconds: float = 240) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.client("stepfunctions").describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                return found
            time.sleep(0.5)
        raise AssertionError(f"{execution} did not end in {seconds:g} s")


def rft(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rft_cli.main", *arguments]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, timeout=400, check=False)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, assembly: Path) -> Iterator[Platform]:
    project = check_out(tmp_path_factory.mktemp("checkout"), assembly=assembly)
    try:
        up = rft(project, "local", "up", "--port", str(PORT))
        assert up.returncode == 0, up.stderr
        yield Platform(project)
    finally:
        down(project)


def row(index: int, split: str) -> str:
    label = ("billing", "delivery")[index % 2]
    text = {"billing": "the invoice is wrong", "delivery": "the parcel is late"}[label]
    messages = [
        {"role": "system", "content": "Answer with one word: billing or delivery."},
        {"role": "user", "content": f"{split} {index}: {text} {CANARY}"},
    ]
    return json.dumps({"id": f"{split}-{index}", "messages": messages, "reference_answer": {"label": label}})


def recipe(train: str, held_out: str, **changes: Any) -> dict[str, Any]:
    return {
        "schema": 1,
        "line": "whole",
        "reward": "routing",
        "base_model": "local.smollm2-135m-instruct-v1:0",
        "datasets": {"train": train, "held_out": held_out},
        "hyperparameters": {"batchSize": 16, "trainingSamplePerPrompt": 2, "inferenceMaxTokens": 4},
        "probe": {"prompts": 12},
        "gate": {"samples_per_prompt": 1, "min_gain": -1.0},
        **changes,
    }


@pytest.fixture(scope="module")
def whole(platform: Platform) -> dict[str, Any]:
    """Run a small recipe through `rft run --wait`."""
    folder = platform.project.root / "data"
    folder.mkdir()
    for split, count in (("train", 100), ("held_out", 6)):
        (folder / f"{split}.jsonl").write_text("".join(f"{row(index, split)}\n" for index in range(count)))
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(recipe("train.jsonl", "held_out.jsonl")))
    ran = rft(platform.project, "run", str(path), "--wait", "--run-id", RUN, "--out", str(folder / "out"))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    report: dict[str, Any] = json.loads((folder / "out" / "report.json").read_text())
    assert {entry.name for entry in (folder / "out").iterdir()} >= {"report.md", "report.html", "dashboard.html"}
    return report


def test_the_report_is_of_what_was_trained_and_measured(whole: dict[str, Any]) -> None:
    assert whole["outcome"] == "PASSED"
    assert whole["stand_in"] == "SmolLM2-135M-Instruct"
    assert whole["held_out_prompts"] == 6
    assert [step["step"] for step in whole["steps"]] == list(range(7))
    assert all(0 <= step["reward"] <= 1 for step in whole["steps"])
    assert {line["name"] for line in whole["asked_used"]} >= {"learningRate", "inferenceMaxTokens"}
    assert whole["candidate"]["invalid_share"] == 0


def test_the_base_model_was_probed_before_it_was_trained(platform: Platform, whole: dict[str, Any]) -> None:
    probe = whole["probe"]
    assert (probe["rows"], probe["prompts"], probe["samples"], probe["strata"]) == (100, 12, 8, "reference")
    assert probe["measures"]["invalid"]["value"] == 0
    low, high = probe["measures"]["success"]["ci95"]
    assert 0 <= low <= probe["measures"]["success"]["value"] <= high <= 1
    seconds = list(whole["seconds"])
    assert seconds.index("Certify") + 1 == seconds.index("Probe") == seconds.index("Train") - 1
    job = platform.client("bedrock").get_model_customization_job(jobIdentifier=f"local-{RUN}")
    assert job["trainingDataConfig"]["s3Uri"].endswith(f"/{RunKeys(RUN).data('train.probed')}")
    body = platform.client("s3").get_object(Bucket=platform.outputs.bucket, Key=RunKeys(RUN).data("train.probed"))
    rows = [json.loads(line) for line in body["Body"].read().splitlines()]
    assert len(rows) == 100
    assert sum("base" in row["rft"] for row in rows) == 12


def test_the_reward_function_told_of_every_training_rollout(platform: Platform, whole: dict[str, Any]) -> None:
    now = time.time()
    answer = platform.client("cloudwatch").get_metric_statistics(
        Namespace="BedrockRFT",
        MetricName="Graded",
        Dimensions=[{"Name": "Run", "Value": RUN}],
        StartTime=now - 3600,
        EndTime=now + 60,
        Period=3600,
        Statistics=["Sum"],
    )
    assert sum(point["Sum"] for point in answer["Datapoints"]) == 7 * 16 * 2


def test_what_the_run_used_is_counted_from_its_rollouts(whole: dict[str, Any]) -> None:
    used, expected = whole["used"], whole["estimate"]
    assert used["parts"]["training"]["rollouts"] == {"low": 7 * 16 * 2, "high": 7 * 16 * 2}
    assert used["parts"]["probe"]["rollouts"] == {"low": 12 * 8, "high": 12 * 8}
    assert set(used["parts"]) == {"training", "probe", "base", "candidate"}
    for name, part in used["parts"].items():
        for tokens in ("tokens_in", "tokens_out"):
            assert 0 < part[tokens]["low"] <= part[tokens]["high"] <= expected["parts"][name][tokens]["high"]
    assert used["grader_gb_seconds"]["low"] > 0
    assert 0 < used["training_hours"]["low"] < 0.2


def test_nothing_of_a_prompt_is_in_history_or_logs(platform: Platform, whole: dict[str, Any]) -> None:
    states, logs = platform.client("stepfunctions"), platform.client("logs")
    executions = states.list_executions(stateMachineArn=platform.outputs.state_machine_arn)["executions"]
    maps = [
        run["mapRunArn"]
        for execution in executions
        for run in states.list_map_runs(executionArn=execution["executionArn"])["mapRuns"]
    ]
    children = [child for run in maps for child in states.list_executions(mapRunArn=run)["executions"]]
    # A shard at least of Probe, and of Evaluate for each of two models, greedy and sampled.
    assert len(maps) >= 2
    assert len(children) >= 5
    histories = {
        execution["executionArn"]: [
            event
            for page in states.get_paginator("get_execution_history").paginate(executionArn=execution["executionArn"])
            for event in page["events"]
        ]
        for execution in (*executions, *children)
    }
    assert all(histories.values())
    assert sum(map(len, histories.values())) > 30
    assert CANARY not in json.dumps(histories, default=str)
    messages = [
        event["message"]
        for page in logs.get_paginator("describe_log_groups").paginate()
        for group in page["logGroups"]
        for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
    ]
    assert len(messages) > 30
    assert not [message for message in messages if CANARY in message]


def test_a_run_leaves_its_model_but_neither_alias_nor_deployment(platform: Platform, whole: dict[str, Any]) -> None:
    function = platform.outputs.rewards["routing"]
    aliases = platform.client("lambda").list_aliases(FunctionName=function)["Aliases"]
    assert [alias["Name"] for alias in aliases] == ["live"]
    bedrock = platform.client("bedrock")
    assert bedrock.list_custom_model_deployments()["modelDeploymentSummaries"] == []
    assert [model["modelName"] for model in bedrock.list_custom_models()["modelSummaries"]] == [f"local-{RUN}"]


@pytest.mark.parametrize(
    ("run_id", "changes", "broken", "outcome", "says"),
    [
        ("broken-line", {}, True, "INVALID_DATASET", "broken-line-train.jsonl:51: error invalid-json"),
        ("no-such-reward", {"reward": "gsm9k"}, False, "FAILED", "gsm9k"),
        ("no-such-model", {"base_model": "amazon.nova-9"}, False, "FAILED", "amazon.nova-9"),
        ("too-hot", {"hyperparameters": {"learningRate": 1}}, False, "FAILED", "1e-07 to 0.001"),
        ("too-many", {"limits": {"rollouts": 10}}, False, "OVER_LIMIT", "10 allowed"),
    ],
)
def test_a_run_that_cannot_go_well_ends_with_a_name_and_a_reason(
    platform: Platform, run_id: str, changes: dict[str, Any], broken: bool, outcome: str, says: str
) -> None:
    lines = [row(index, "train") for index in range(100)]
    if broken:
        lines[50] = '{"messages": ['
    train = platform.put_dataset(f"{run_id}-train.jsonl", lines)
    held_out = platform.put_dataset(f"{run_id}-held-out.jsonl", [row(index, "held_out") for index in range(6)])
    ended = platform.ended(platform.start(run_id, recipe(train, held_out, **changes)), 60)
    assert (ended["status"], ended["error"]) == ("FAILED", outcome)
    assert says in ended["cause"], ended["cause"]
    assert "\n" not in ended["cause"]
    record = platform.read(RunKeys(run_id).record)
    assert (record["status"], record["outcome"]) == ("ENDED", outcome)


def _recipe_file(platform: Platform, train: str, held_out: str) -> Path:
    path = platform.project.root / "planned.yaml"
    path.write_text(json.dumps(recipe(train, held_out)))
    return path


def test_preflight_looks_with_both_identities_or_says_what_is_not_simulated(platform: Platform) -> None:
    train = platform.put_dataset("preflight-train.jsonl", [row(index, "train") for index in range(100)])
    held_out = platform.put_dataset("preflight-held-out.jsonl", [row(index, "held_out") for index in range(6)])
    platform.ended(platform.start("preflight", recipe(train, held_out, limits={"rollouts": 10})), 60)
    asked = rft(platform.project, "preflight", "--env", "local", "--json")
    assert asked.returncode == 0, asked.stdout + asked.stderr
    told = rft(platform.project, "plan", str(_recipe_file(platform, train, held_out)), "--env", "local", "--json")
    assert told.returncode in (0, 3), told.stdout + told.stderr
    assert json.loads(told.stdout)["estimate"]["steps"] == {"low": 7, "high": 7}
    for findings in (platform.read(RunKeys("preflight").record)["preflight"], json.loads(asked.stdout)):
        amiss = {finding["check"]: finding["found"] for finding in findings if finding["severity"] != "ok"}
        assert list(amiss) == ["quota"], amiss
        assert amiss["quota"] == "not checked: ListServiceQuotas is not simulated here"
        sound = {finding["check"] for finding in findings if finding["severity"] == "ok"}
        assert sound >= {"identity", "model", "role-trust", "role-rights", "bucket", "key", "reward", "concurrency"}


def test_a_run_that_passes_a_limit_while_it_trains_ends_over_limit(platform: Platform, whole: dict[str, Any]) -> None:
    train = platform.put_dataset("over-train.jsonl", [row(index, "train") for index in range(100)])
    held_out = platform.put_dataset("over-held-out.jsonl", [row(index, "held_out") for index in range(6)])
    # Plan expects 200 to 224 rollouts: the last step of an epoch may be filled up, and here it is.
    changes = {"limits": {"rollouts": 210}, "probe": {"prompts": 0}}
    ended = platform.ended(platform.start("over", recipe(train, held_out, **changes)), 180)
    assert ended["error"] == "OVER_LIMIT", ended["cause"]
    assert "recipe.limits.rollouts: 210 allowed" in ended["cause"]
    record = platform.read(RunKeys("over").record)
    assert record["used"]["parts"]["training"]["rollouts"]["low"] > 210
    assert record["stage"] == "Train"
    bucket = platform.outputs.bucket
    assert json.loads(platform.client("s3").get_object(Bucket=bucket, Key="places.json")["Body"].read()) == {"runs": []}


def test_a_stopped_execution_is_closed_by_its_status_event(platform: Platform, whole: dict[str, Any]) -> None:
    lines = [row(index, "train") for index in range(120)]
    train = platform.put_dataset("stopped-train.jsonl", lines)
    held_out = platform.put_dataset("stopped-held-out.jsonl", [row(index, "held_out") for index in range(6)])
    execution = platform.start("stopped", recipe(train, held_out))
    bedrock = platform.client("bedrock")
    deadline = time.monotonic() + 60
    while not bedrock.list_model_customization_jobs(statusEquals="InProgress")["modelCustomizationJobSummaries"]:
        assert time.monotonic() < deadline, "the job did not start"
        time.sleep(0.5)
    platform.client("stepfunctions").stop_execution(executionArn=execution, error="Impatient", cause="a test")
    record: dict[str, Any] = {}
    while record.get("status") != "ENDED":
        assert time.monotonic() < deadline, record
        record = platform.read(RunKeys("stopped").record)
        time.sleep(0.5)
    assert record["outcome"] == "STOPPED"
    job = bedrock.get_model_customization_job(jobIdentifier=record["job_arn"])
    assert job["status"] in ("Stopping", "Stopped")
    assert "outputModelArn" not in job


def test_the_command_certifies_the_deployed_function(platform: Platform, tmp_path: Path) -> None:
    dataset = tmp_path / "tickets.jsonl"
    dataset.write_text("".join(f"{row(index, 'train')}\n" for index in range(40)))
    asked = ("certify", "routing", "--dataset", str(dataset), "--env", "local")
    done = rft(platform.project, *asked, "--json")
    assert done.returncode == 0, done.stderr
    certificate = json.loads(done.stdout)
    assert (certificate["verdict"], certificate["rows"], certificate["environment"]) == ("PASSED", 40, "local")
    key = f"certificates/{certificate['reward_hash']}/{certificate['dataset_sha256']}.json"
    assert platform.read(key) == certificate
    assert CANARY not in done.stdout
    dataset.write_text("".join(f"{row(index, 'train').replace('billing', 'unknown')}\n" for index in range(40)))
    refused = rft(platform.project, *asked)
    assert refused.returncode == 1
    assert any(line.split()[:2] == ["✗", "reference"] for line in refused.stdout.splitlines())

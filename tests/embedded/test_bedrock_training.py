"""A real job: the emulator with IAM, a deployed reward function, and the stand-in that really trains."""

import csv
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, TypeVar

import boto3
import pytest
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = ROOT / ".rft" / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf"
ACCOUNT = "000000000000"
REGION = "us-east-1"
BUCKET = "bedrock-training"
BASE = "local.smollm2-135m-instruct-v1:0"

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.model,
    pytest.mark.skipif(not WEIGHTS.exists(), reason=f"{WEIGHTS} is missing: `make setup` fetches it"),
]

REWARD = """
def handler(event, context):
    return [
        {"id": sample["id"], "aggregate_reward_score": float(len(sample["messages"][-1]["content"]) % 7) / 7}
        for sample in event
    ]
"""

T = TypeVar("T")


class Arguments(TypedDict):
    endpoint_url: str
    region_name: str
    aws_access_key_id: str
    aws_secret_access_key: str


@dataclass(frozen=True)
class Cloud:
    """Where the emulator listens, and one client for each service the test uses, all as the account's root."""

    url: str
    bedrock_process: "subprocess.Popen[bytes]"

    def arguments(self) -> Arguments:
        return Arguments(
            endpoint_url=self.url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
        )


def free_ports(count: int) -> list[int]:
    found: list[int] = []
    for port in range(4810, 4850):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                found.append(port)
        if len(found) == count:
            return found
    raise AssertionError("no free port from 4810 to 4849")


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def until(ask: Callable[[], T], accept: Callable[[T], bool], seconds: float) -> T:
    deadline = time.monotonic() + seconds
    while not accept(found := ask()):
        assert time.monotonic() < deadline, f"still {found} after {seconds} s"
        time.sleep(0.2)
    return found


@contextmanager
def process(module: str, log: Path, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("local", "lambda"))}
    with log.open("wb") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", module, *arguments], env=environment, stdout=output, stderr=output
        )
        try:
            yield started
        finally:
            started.terminate()
            try:
                started.wait(10)
            except subprocess.TimeoutExpired:
                started.kill()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    state = tmp_path_factory.mktemp("embedded")
    emulator_port, bedrock_port = free_ports(2)
    emulator, bedrock = f"http://127.0.0.1:{emulator_port}", f"http://127.0.0.1:{bedrock_port}"
    with ExitStack() as stack:
        arguments = ("--port", str(emulator_port), "--bedrock-url", bedrock, "--state", str(state))
        stack.enter_context(process("rft_local.emulator", state / "emulator.log", *arguments))
        arguments = ("--port", str(bedrock_port), "--emulator-url", emulator, "--state", str(state))
        own = ("--weights", str(WEIGHTS), "--budget-seconds", "8", "--deployment-seconds", "0.5")
        served = stack.enter_context(process("rft_local.bedrock", state / "bedrock.log", *arguments, *own))
        until(lambda: answers(f"{emulator}/_ministack/health"), bool, 60)
        until(lambda: answers(f"{bedrock}/health"), bool, 90)
        made = Cloud(emulator, served)
        prepare(made)
        yield made


def prepare(cloud: Cloud) -> None:
    """Make the bucket with its datasets, the reward function and the role of the job."""
    s3 = boto3.client("s3", **cloud.arguments(), config=Config(s3={"addressing_style": "path"}))
    s3.create_bucket(Bucket=BUCKET)
    for split, count in (("train", 100), ("validation", 4)):
        rows = [
            {
                "messages": [{"role": "user", "content": f"Say a word about the number {row}."}],
                "reference_answer": {"text": str(row)},
                "rft": {"run": "r", "split": split, "row": row},
            }
            for row in range(count)
        ]
        s3.put_object(Bucket=BUCKET, Key=f"{split}.jsonl", Body="\n".join(map(json.dumps, rows)).encode())
    make_role(cloud, "reward", "lambda.amazonaws.com", {}, [{"Action": "logs:*", "Resource": "*"}])
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", REWARD)
    functions = boto3.client("lambda", **cloud.arguments())
    functions.create_function(
        FunctionName="reward",
        Runtime="python3.13",
        Handler="index.handler",
        Role=role_arn("reward"),
        Code={"ZipFile": package.getvalue()},
        Timeout=30,
        Publish=True,
    )
    functions.create_alias(FunctionName="reward", Name="run-1", FunctionVersion="1")
    condition = {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:bedrock:{REGION}:{ACCOUNT}:model-customization-job/*"},
    }
    allowed = [
        {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*.jsonl"},
        {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/out/*"},
        {"Action": "lambda:InvokeFunction", "Resource": f"{function_arn()}:run-*"},
    ]
    make_role(cloud, "customization", "bedrock.amazonaws.com", condition, allowed)
    make_role(cloud, "ungraded", "bedrock.amazonaws.com", condition, allowed[:2])
    make_role(cloud, "untrusting", "lambda.amazonaws.com", {}, allowed)


def make_role(
    cloud: Cloud, name: str, service: str, condition: dict[str, dict[str, str]], allowed: list[dict[str, str]]
) -> None:
    iam = boto3.client("iam", **cloud.arguments())
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", "Condition": condition}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement} for statement in allowed]}
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(policy))


def role_arn(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def function_arn() -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:reward"


def create(cloud: Cloud, name: str, role: str = "customization") -> str:
    client = boto3.client("bedrock", **cloud.arguments())
    return client.create_model_customization_job(
        jobName=name,
        customModelName=name,
        roleArn=role_arn(role),
        baseModelIdentifier=BASE,
        customizationType="REINFORCEMENT_FINE_TUNING",
        trainingDataConfig={"s3Uri": f"s3://{BUCKET}/train.jsonl"},
        validationDataConfig={"validators": [{"s3Uri": f"s3://{BUCKET}/validation.jsonl"}]},
        outputDataConfig={"s3Uri": f"s3://{BUCKET}/out"},
        customizationConfig={
            "rftConfig": {
                "graderConfig": {"lambdaGrader": {"lambdaArn": f"{function_arn()}:run-1"}},
                "hyperParameters": {
                    "epochCount": 1,
                    "batchSize": 16,
                    "trainingSamplePerPrompt": 2,
                    "inferenceMaxTokens": 4,
                    "maxPromptLength": 256,
                    "evalInterval": 2,
                },
            }
        },
    )["jobArn"]


def status(cloud: Cloud, job: str) -> dict[str, object]:
    return {**boto3.client("bedrock", **cloud.arguments()).get_model_customization_job(jobIdentifier=job)}


def ended(cloud: Cloud, job: str) -> dict[str, object]:
    terminal = ("Completed", "Failed", "Stopped")
    return until(lambda: status(cloud, job), lambda found: found["status"] in terminal, 240)


def listen(cloud: Cloud) -> str:
    """Send the job's events to a queue; returns the queue's address."""
    queue = boto3.client("sqs", **cloud.arguments()).create_queue(QueueName="job-events")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:job-events"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    boto3.client("sqs", **cloud.arguments()).set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    events = boto3.client("events", **cloud.arguments())
    pattern = {"source": ["aws.bedrock"], "detail-type": ["Model Customization Job State Change"]}
    events.put_rule(Name="jobs", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="jobs", Targets=[{"Id": "queue", "Arn": arn}])
    return str(queue)


def heard(cloud: Cloud, queue: str) -> list[str]:
    """Return the statuses that arrived in a queue."""
    messages = boto3.client("sqs", **cloud.arguments()).receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [json.loads(message["Body"])["detail"]["jobStatus"] for message in messages.get("Messages", [])]


def test_a_job_trains_deploys_and_answers(cloud: Cloud) -> None:
    arn = create(cloud, "real")
    job = ended(cloud, arn)
    assert job["status"] == "Completed", job.get("failureMessage")
    s3 = boto3.client("s3", **cloud.arguments())
    folder = f"out/model-customization-job-{arn.rsplit('/', 1)[1]}/training_artifacts"
    body = s3.get_object(Bucket=BUCKET, Key=f"{folder}/step_wise_training_metrics.csv")["Body"].read().decode()
    steps = list(csv.DictReader(io.StringIO(body)))
    assert steps and all(0 <= float(step["reward"]) <= 1 and float(step["episode_length"]) >= 1 for step in steps)
    assert steps[-1]["validation_reward"] != ""
    run = json.loads(s3.get_object(Bucket=BUCKET, Key=f"{folder}/embedded_run.json")["Body"].read())
    assert run["stand_in"] == "SmolLM2-135M-Instruct" and run["peak_memory_mb"] > 100
    assert {"batchSize", "learningRate"} <= {line["name"] for line in run["asked_used"]}
    bedrock = boto3.client("bedrock", **cloud.arguments())
    deployment = bedrock.create_custom_model_deployment(
        modelDeploymentName="real", modelArn=str(job["outputModelArn"])
    )["customModelDeploymentArn"]
    until(
        lambda: bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=deployment)["status"],
        lambda found: found == "Active",
        30,
    )
    runtime = boto3.client("bedrock-runtime", **cloud.arguments(), config=Config(max_pool_connections=16))

    def ask(question: tuple[str, int]) -> str:
        model, row = question
        answer = runtime.converse(
            modelId=model,
            messages=[{"role": "user", "content": [{"text": f"Say a word about the number {row}."}]}],
            inferenceConfig={"maxTokens": 4, "temperature": 0},
        )
        assert answer["usage"]["outputTokens"] <= 4 and answer["stopReason"] in ("end_turn", "max_tokens")
        return answer["output"]["message"]["content"][0]["text"]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, [(model, row) for model in (BASE, deployment) for row in range(8)]))
    assert len(answers) == 16 and any(answers)


def test_a_role_that_may_not_invoke_the_reward_function_fails_the_job_and_a_rule_hears_it(cloud: Cloud) -> None:
    queue = listen(cloud)
    job = ended(cloud, create(cloud, "ungraded", "ungraded"))
    assert job["status"] == "Failed" and "InvokeFunction" in str(job["failureMessage"])
    statuses: list[str] = []
    until(lambda: statuses.extend(heard(cloud, queue)), lambda _: len(statuses) == 2, 10)
    assert sorted(statuses) == ["Failed", "InProgress"]


def test_a_role_that_does_not_trust_bedrock_is_refused(cloud: Cloud) -> None:
    client = boto3.client("bedrock", **cloud.arguments())
    with pytest.raises(client.exceptions.ValidationException, match="could not assume the role"):
        create(cloud, "untrusting", "untrusting")


def test_sigterm_ends_the_endpoint_while_a_job_trains(cloud: Cloud) -> None:
    job = create(cloud, "cut-off")
    until(
        lambda: status(cloud, job),
        lambda found: found["statusDetails"]["trainingDetails"]["status"] == "InProgress",  # type: ignore[index]  # a response
        30,
    )
    cloud.bedrock_process.terminate()
    assert cloud.bedrock_process.wait(5) == 0

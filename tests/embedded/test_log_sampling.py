"""Logs sampled by the deployed construct: what its shards merge to is what one machine would have drawn."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest

from rft_cli import log_source
from rft_cli.cli_error import CliError
from rft_cli.cloud_sample import CloudSample, CloudSampler
from rft_cli.dataset_logs import prompts_from_logs
from rft_cli.environment import Aws, Environment
from rft_contract.layout import LOG_SAMPLES, log_shards
from rft_contract.outputs import StackOutputs
from rft_dataset.invocation_log import read_log
from rft_dataset.log_selection import Condition, LogFilter, stratum
from rft_dataset.reading import open_lines
from rft_dataset.sample_shard import shard_entries, shard_header
from rft_dataset.sampling import StratifiedSample
from rft_local.emulator.environment import ACCOUNT, REGION
from rft_runtime.log_sampling import Sampling

pytestmark = pytest.mark.embedded

LOGS = "company-logs"
PREFIX = f"AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs/{REGION}/"
CANARY = "zanzibarine"
STACK = "sampler"
ASSETS = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
WANTED = LogFilter(conditions=(Condition("stage", "dev", equals=False),))
SAMPLING = Sampling(size=40, seed=11, by="metadata:team", wanted=WANTED)


def record(number: int) -> dict[str, Any]:
    """A call: every seventh prompt was asked before, every tenth call is no one's prompt."""
    asked = number - number % 7
    body = {"messages": [{"role": "user", "content": [{"text": f"{asked}: where is my {CANARY}?"}]}]}
    return {
        "schemaType": "ModelInvocationLog",
        "requestId": f"r-{number:04d}",
        "operation": "Converse",
        "modelId": "us.amazon.nova-2-lite-v1:0",
        "input": {"inputBodyJson": body if number % 7 < 2 else {**body, "system": [{"text": f"{number}"}]}},
        "requestMetadata": {"team": "ab"[number % 3 == 0], "stage": "dev" if number % 10 == 0 else "prod"},
        **({"errorCode": "ThrottlingException"} if number % 10 == 9 else {}),
    }


def synthesized(folder: Path) -> Path:
    """Synthesize a stack with the sampler and nothing else of the platform.

    Its constructs stand where the app's stand, so that `benchmarks privileges` meets the roles of the app's template.
    """
    from aws_cdk import App, CfnOutput, DefaultStackSynthesizer, RemovalPolicy, Stack
    from aws_cdk import Environment as Place
    from aws_cdk import aws_s3 as s3
    from constructs import Construct

    from bedrock_rft import DatasetBucket, HandlerPlatform, InvocationLogSampler, RftKey

    app = App(outdir=str(folder), analytics_reporting=False)
    synthesizer = DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
    stack = Stack(app, STACK, env=Place(account=ACCOUNT, region=REGION), synthesizer=synthesizer)
    data = Construct(stack, "Data")
    key = RftKey(data, "Key", removal_policy=RemovalPolicy.DESTROY)
    datasets = DatasetBucket(data, "Datasets", key=key, removal_policy=RemovalPolicy.DESTROY)
    sampler = InvocationLogSampler(
        data,
        "LogSampler",
        logs_bucket=s3.Bucket.from_bucket_name(data, "InvocationLogs", LOGS),
        logs_prefix=PREFIX,
        datasets=datasets,
        key=key,
        environment_name="local",
        objects_per_shard=7,
        max_concurrency=3,
        platform=HandlerPlatform.HOST,
        removal_policy=RemovalPolicy.DESTROY,
    )
    CfnOutput(stack, "Bucket", value=datasets.bucket.bucket_name)
    CfnOutput(stack, "Machine", value=sampler.state_machine.state_machine_arn)
    app.synth()
    return folder


def upload_assets(emulator: Any, folder: Path) -> None:
    """Put the stack's assets where the template looks for them."""
    emulator.client("s3").create_bucket(Bucket=ASSETS)
    manifest = json.loads((folder / f"{STACK}.assets.json").read_text())
    for asset in manifest["files"].values():
        source = folder / asset["source"]["path"]
        if asset["source"]["packaging"] != "zip":
            continue
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for file in source.rglob("*"):
                archive.write(file, file.relative_to(source))
        (place,) = asset["destinations"].values()
        emulator.client("s3").put_object(Bucket=ASSETS, Key=place["objectKey"], Body=packed.getvalue())


@pytest.fixture(scope="module")
def environment(emulator: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    """The deployed sampler, and 30 log objects of 20 calls each beside what else lies with logs."""
    folder = synthesized(tmp_path_factory.mktemp("cdk"))
    upload_assets(emulator, folder)
    cloudformation = emulator.client("cloudformation")
    template = (folder / f"{STACK}.template.json").read_text()
    cloudformation.create_stack(StackName=STACK, TemplateBody=template, Capabilities=["CAPABILITY_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    found = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    named = {one["OutputKey"]: one["OutputValue"] for one in found}
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=LOGS)
    for part in range(30):
        lines = [json.dumps(record(20 * part + number)) for number in range(20)]
        key = f"{PREFIX}2026/11/{24 + part % 2}/{part:02d}/calls.json.gz"
        s3.put_object(Bucket=LOGS, Key=key, Body=gzip.compress("\n".join(lines).encode()))
    s3.put_object(Bucket=LOGS, Key=f"{PREFIX}2026/11/25/01/data/body.json.gz", Body=CANARY.encode())
    s3.put_object(Bucket=LOGS, Key=f"AWSLogs/{ACCOUNT}/other/secret.json", Body=CANARY.encode())
    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    others: dict[str, Any] = dict.fromkeys(StackOutputs.__dataclass_fields__, "") | {"rewards": {}}
    outputs = StackOutputs(**others | {"bucket": named["Bucket"], "log_sampler_arn": named["Machine"]})
    yield Environment(name="local", option="--env local", stack=STACK, aws=Aws(session, emulator.url), outputs=outputs)
    for version in s3.list_object_versions(Bucket=named["Bucket"]).get("Versions", []):
        s3.delete_object(Bucket=named["Bucket"], Key=version["Key"], VersionId=version["VersionId"])
    cloudformation.delete_stack(StackName=STACK)


def draw(environment: Environment, name: str, below: str, sampling: Sampling) -> CloudSample:
    sampler = CloudSampler(environment)
    sampler.start(name, below, sampling)
    return sampler.wait(name, lambda words: None, interval=0.2)


def log_keys(environment: Environment, below: str) -> list[str]:
    listed = environment.aws.s3.list_objects_v2(Bucket=LOGS, Prefix=PREFIX + below)["Contents"]
    return [one["Key"] for one in listed if "/data/" not in one["Key"]]


def on_one_machine(environment: Environment, below: str, sampling: Sampling) -> StratifiedSample:
    sample = StratifiedSample(sampling.size, seed=sampling.seed)
    for key in log_keys(environment, below):
        body = environment.aws.s3.get_object(Bucket=LOGS, Key=key)["Body"].read()
        for prompt in read_log(io.BytesIO(body), tally=Counter()):
            if sampling.wanted.accepts(prompt):
                sample.offer(stratum(prompt, sampling.by), sampling.key(prompt), msgspec.json.encode(prompt.row()))
    return sample


def shard_keys(environment: Environment, name: str) -> list[str]:
    bucket = environment.bucket
    listed = bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=log_shards(name))
    return [one["Key"] for one in listed.get("Contents", [])]


def merged(environment: Environment, name: str, sampling: Sampling) -> StratifiedSample:
    sample = StratifiedSample(sampling.size, seed=sampling.seed)
    for key in shard_keys(environment, name):
        lines, _ = open_lines(io.BytesIO(environment.bucket.read(key)))
        header = shard_header(next(lines))
        assert header is not None
        sample.merge(shard_entries(lines), header.populations)
    return sample


@pytest.fixture(scope="module")
def everything(environment: Environment) -> CloudSample:
    return draw(environment, "everything", "", SAMPLING)


def test_shards_merge_to_what_one_machine_draws(environment: Environment, everything: CloudSample) -> None:
    whole = on_one_machine(environment, "", SAMPLING)
    assert len(log_keys(environment, "")) == 30
    assert len(whole.draw()) == 40
    sample = merged(environment, "everything", SAMPLING)
    assert sample.draw() == whole.draw()
    assert sample.populations == whole.populations
    assert len(shard_keys(environment, "everything")) == 5  # 31 objects, 7 each


def test_a_day_alone_is_sampled(environment: Environment) -> None:
    draw(environment, "one-day", "2026/11/25/", SAMPLING)
    assert (
        merged(environment, "one-day", SAMPLING).draw() == on_one_machine(environment, "2026/11/25/", SAMPLING).draw()
    )
    assert len(shard_keys(environment, "one-day")) == 3  # 16 objects


def test_the_command_makes_a_prompt_set_of_the_shards(
    environment: Environment, everything: CloudSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_source, "open_aws", lambda env: environment.aws)
    options: dict[str, Any] = {"size": 10, "seed": 0, "by": None, "env": "local", "force": False}
    output = tmp_path / "prompts.jsonl"
    made = prompts_from_logs(everything.shards, output, wanted=LogFilter(), tell=lambda words: None, **options)
    assert (made.prompts, made.reading.objects) == (10, 30)
    assert made.reading.left_out == {"failed-call": 60}
    assert CANARY in output.read_text()


def events(environment: Environment, execution: str) -> str:
    pages = environment.aws.states.get_paginator("get_execution_history").paginate(executionArn=execution)
    return json.dumps([page["events"] for page in pages], default=str)


def test_nothing_of_the_prompts_is_in_history_results_or_logs(
    environment: Environment, everything: CloudSample
) -> None:
    states = environment.aws.states
    sampler = str(environment.outputs.log_sampler_arn)
    execution = f"{sampler.replace(':stateMachine:', ':execution:')}:everything"
    (run,) = states.list_map_runs(executionArn=execution)["mapRuns"]
    children = states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    assert len(children) == 5
    told = [events(environment, execution), *(events(environment, one["executionArn"]) for one in children)]
    told += [json.dumps(states.describe_execution(executionArn=one["executionArn"]), default=str) for one in children]
    bucket = environment.bucket
    results = bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=f"{LOG_SAMPLES}everything/map/")["Contents"]
    told += [bucket.read(one["Key"]).decode() for one in results]
    logs = environment.aws.session.client("logs", endpoint_url=environment.aws.endpoint)
    lines = [
        event["message"]
        for group in logs.describe_log_groups()["logGroups"]
        if "Sampler" in group["logGroupName"]
        for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
    ]
    assert len([line for line in lines if line.startswith("{") and log_shards("everything") in line]) == 5
    assert len(results) > 1
    assert not [text for text in [*told, *lines] if CANARY in text]
    assert CANARY in gzip.decompress(bucket.read(shard_keys(environment, "everything")[0])).decode()


def test_a_sampling_that_cannot_be_fails_and_says_why(environment: Environment) -> None:
    sampler, states = CloudSampler(environment), environment.aws.states
    given = json.dumps({"below": "", "sample": {"size": 0}})
    states.start_execution(stateMachineArn=str(environment.outputs.log_sampler_arn), name="wrong", input=given)
    with pytest.raises(CliError, match=r"sample wrong: ended FAILED: .*size: got 0, wanted 1 to 100,000"):
        sampler.wait("wrong", lambda words: None, interval=0.2)
    assert not shard_keys(environment, "wrong")


@pytest.mark.parametrize(
    ("who", "action", "resource", "context", "allowed"),
    [
        ("SampleLogs", "s3:GetObject", f"arn:aws:s3:::{LOGS}/{PREFIX}2026/11/25/00/calls.json.gz", {}, True),
        ("SampleLogs", "s3:GetObject", f"arn:aws:s3:::{LOGS}/AWSLogs/{ACCOUNT}/other/secret.json", {}, False),
        ("SampleLogs", "s3:PutObject", f"arn:aws:s3:::{LOGS}/{PREFIX}new.json.gz", {}, False),
        ("StateMachine", "s3:ListBucket", f"arn:aws:s3:::{LOGS}", {"s3:prefix": f"{PREFIX}2026/"}, True),
        ("StateMachine", "s3:ListBucket", f"arn:aws:s3:::{LOGS}", {"s3:prefix": "AWSLogs/"}, False),
        ("StateMachine", "s3:GetObject", f"arn:aws:s3:::{LOGS}/{PREFIX}2026/11/25/00/calls.json.gz", {}, False),
    ],
)
def test_nothing_beside_the_logs_can_be_read(
    environment: Environment,
    emulator: Any,
    who: str,
    action: str,
    resource: str,
    context: dict[str, str],
    allowed: bool,
) -> None:
    (arn,) = [
        role["Arn"] for role in emulator.client("iam").list_roles()["Roles"] if f"Sampler{who}" in role["RoleName"]
    ]
    asked = {"principal_arn": arn, "action": action, "resource": resource, "context": context}
    status, answer = emulator.control("/_rft/simulate", asked)
    assert (status, answer["allowed"]) == (200, allowed), answer

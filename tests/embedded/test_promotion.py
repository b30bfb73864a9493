"""Two promotions and a rollback by the deployed functions, under their own roles; and who may not touch what is live.

Nothing is trained: the models lie in the Bedrock endpoint's records before it starts, and the runs are as Decide left
them.
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
from aws_cdk import App, Stack
from aws_cdk import Environment as CdkEnvironment
from aws_cdk.aws_iam import Role, ServicePrincipal
from botocore.exceptions import ClientError

from bedrock_rft import ModelRelease
from rft_cli.environment import Environment, open_environment
from rft_contract.layout import certificate_key, evidence_key
from rft_contract.naming import live_alarm_name, live_deployment_name, release_parameter
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


def parameters(environment: Environment) -> list[str]:
    ssm = client(environment, "ssm")
    names = [release_parameter("local", LINE, name) for name in ("model", "deployment", "release")]
    return [ssm.get_parameter(Name=name)["Parameter"]["Value"] for name in names]


@pytest.fixture(scope="module")
def heard(environment: Environment) -> str:
    """Return the URL of a queue that gets our events."""
    sqs, events = client(environment, "sqs"), client(environment, "events")
    url: str = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events.put_rule(Name="heard", EventPattern=json.dumps({"source": ["rft"]}))
    events.put_targets(Rule="heard", Targets=[{"Id": "queue", "Arn": arn}])
    return url


@pytest.fixture(scope="module")
def promoted(environment: Environment, heard: str) -> Environment:
    """Return the environment after two promotions."""
    for run_id in ("first", "second"):
        decided(environment, run_id)
        answer = promote(environment, run_id)
        assert answer["outcome"] == "PROMOTED"
    return environment


def messages(environment: Environment, url: str) -> list[dict[str, Any]]:
    """Take what has come; a message that is not deleted comes again after half a minute."""
    queue = client(environment, "sqs")
    found = queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2).get("Messages", [])
    for message in found:
        queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in found]


def test_two_promotions_change_the_model_behind_one_deployment(promoted: Environment, heard: str) -> None:
    bedrock = client(promoted, "bedrock")
    deployment = bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=LIVE)
    assert (deployment["modelArn"], deployment["updateDetails"]["updateStatus"]) == (model("second"), "UpdateCompleted")
    arn = deployment["customModelDeploymentArn"]
    assert parameters(promoted) == [model("second"), arn, "2"]
    tags = {tag["key"]: tag["value"] for tag in bedrock.list_tags_for_resource(resourceARN=arn)["tags"]}
    assert tags == {"rft:role": "live", "rft:line": LINE, "rft:environment": "local"}
    alarms = client(promoted, "cloudwatch").describe_alarms(AlarmNames=[live_alarm_name("local", LINE)])
    (alarm,) = alarms["MetricAlarms"]
    assert (alarm["Dimensions"], alarm["AlarmActions"]) == (
        [{"Name": "ModelId", "Value": arn}],
        [promoted.outputs.topic_arn],
    )
    events = {item["detail"]["release"]: item for item in messages(promoted, heard)}
    assert {item["detail-type"] for item in events.values()} == {"RFT Model Promoted"}
    assert set(events) == {1, 2}


def test_a_run_that_was_compared_with_an_older_release_touches_nothing(promoted: Environment) -> None:
    before = client(promoted, "bedrock").get_custom_model_deployment(customModelDeploymentIdentifier=LIVE)
    decided(promoted, "third")
    RunStore(promoted.bucket).set("third", live=None)
    error, answer = call(promoted, "PromoteStart", {"run_id": "third"})
    assert error == "Stale"
    assert answer["errorMessage"].startswith(f"stale: release 2 of line {LINE} is live by now")
    after = client(promoted, "bedrock").get_custom_model_deployment(customModelDeploymentIdentifier=LIVE)
    assert after["lastUpdatedAt"] == before["lastUpdatedAt"]


def refused(operation: Any, **request: Any) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        operation(**request)


@pytest.mark.parametrize("part", ["HandlersClose", "HandlersDeployStart"])
def test_who_works_on_candidates_can_neither_change_nor_make_what_is_live(promoted: Environment, part: str) -> None:
    bedrock = as_function(promoted, part, "bedrock")
    arn = current(promoted).deployment_arn or ""
    live = [{"key": "rft:role", "value": "live"}]
    refused(bedrock.delete_custom_model_deployment, customModelDeploymentIdentifier=arn)
    refused(bedrock.update_custom_model_deployment, customModelDeploymentIdentifier=arn, modelArn=model("first"))
    refused(bedrock.tag_resource, resourceARN=arn, tags=[{"key": "rft:role", "value": "candidate"}])
    refused(bedrock.create_custom_model_deployment, modelDeploymentName="x", modelArn=model("first"), tags=live)
    assert current(promoted).deployment_arn == arn


def test_who_promotes_cannot_touch_a_candidate(promoted: Environment) -> None:
    root = client(promoted, "bedrock")
    tags = [{"key": "rft:run", "value": "first"}]
    made = root.create_custom_model_deployment(modelDeploymentName="candidate", modelArn=model("first"), tags=tags)
    arn = made["customModelDeploymentArn"]
    bedrock = as_function(promoted, "PromotePoll", "bedrock")
    refused(bedrock.delete_custom_model_deployment, customModelDeploymentIdentifier=arn)
    refused(bedrock.update_custom_model_deployment, customModelDeploymentIdentifier=arn, modelArn=model("second"))
    refused(bedrock.create_custom_model_deployment, modelDeploymentName="x", modelArn=model("first"), tags=tags)


def application(environment: Environment) -> str:
    """Make the role of an application, with exactly what `ModelRelease` grants."""
    stack = Stack(App(), "Application", env=CdkEnvironment(account=ACCOUNT, region=REGION))
    release = ModelRelease.from_line(stack, "Release", environment_name="local", line=LINE)
    granted = release.grant_invoke(Role(stack, "Role", assumed_by=ServicePrincipal("lambda.amazonaws.com")))
    statements = [statement.to_statement_json() for statement in granted.principal_statements]
    for statement in statements:  # there is no CloudFormation to join the partition into it
        statement["Resource"] = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:custom-model-deployment/*"
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam = client(environment, "iam")
    made = iam.create_role(RoleName="application", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    iam.put_role_policy(RoleName="application", PolicyName="release", PolicyDocument=document)
    return str(made["Role"]["Arn"])


def test_an_application_calls_what_is_live_and_no_candidate(promoted: Environment) -> None:
    tags = [{"key": "rft:run", "value": "second"}, {"key": "rft:line", "value": LINE}]
    candidate = client(promoted, "bedrock").create_custom_model_deployment(
        modelDeploymentName="not-live", modelArn=model("second"), tags=tags
    )
    runtime = as_role(promoted, application(promoted), "bedrock-runtime")
    prompt = [{"role": "user", "content": [{"text": "hello"}]}]
    refused(runtime.converse, modelId=candidate["customModelDeploymentArn"], messages=prompt)
    with pytest.raises(ClientError) as answer:  # nobody trained this model, so it has no weights to answer with
        runtime.converse(modelId=current(promoted).deployment_arn, messages=prompt)
    assert "AccessDenied" not in str(answer.value)


def test_what_the_deployed_function_signed_verifies(promoted: Environment, project: Project) -> None:
    verified = rft(project, "release", "verify", LINE, "--newer-than", "1", "--json")
    assert verified.returncode == 0, verified.stdout
    release = json.loads(verified.stdout)["release"]
    assert (release["line"], release["number"], release["environment"]) == (LINE, 2, "local")
    assert (release["account"], release["region"], release["model_arn"]) == (ACCOUNT, REGION, model("second"))
    assert set(release["certificates"]) == {"held_out"}
    older = rft(project, "release", "verify", LINE, "--newer-than", "2", "--json")
    assert older.returncode == 1
    assert [check["name"] for check in json.loads(older.stdout)["checks"] if check["verdict"] == "failed"] == ["age"]


def test_an_exported_file_verifies_with_the_pinned_key_alone(promoted: Environment, project: Project) -> None:
    pinned, file = project.root / "local.pem", project.root / "evidence.json"
    pinned.write_text(rft(project, "release", "public-key").stdout)
    exported = rft(project, "release", "export", LINE, "-o", str(file))
    assert exported.returncode == 0, exported.stderr
    arguments = ("release", "verify", str(file), "--line", LINE, "--public-key", str(pinned), "--json")
    assert rft(project, *arguments).returncode == 0
    file.write_bytes(file.read_bytes().replace(b"custom-model/local", b"custom-model/lokal", 1))
    changed = rft(project, *arguments)
    assert changed.returncode == 1
    assert [check["name"] for check in json.loads(changed.stdout)["checks"] if check["verdict"] == "failed"]


def denied(operation: Any, **request: Any) -> None:
    with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
        operation(**request)


def developer(environment: Environment) -> str:
    """Make the role of somebody who may do anything with S3 and KMS, as far as the role's own policy goes."""
    statement = {"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"}
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam = client(environment, "iam")
    made = iam.create_role(RoleName="developer", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="developer", PolicyName="all", PolicyDocument=document)
    return str(made["Role"]["Arn"])


@pytest.fixture(scope="module")
def others(promoted: Environment) -> dict[str, str]:
    """Return the roles of those who must not touch releases."""
    parts = ("HandlersPlan", "HandlersDecide", "HandlersClose", "Sweep", "TrainPoll")
    return {part: function(promoted, part)["Role"] for part in parts} | {"developer": developer(promoted)}


@pytest.mark.parametrize("who", ["HandlersPlan", "HandlersDecide", "HandlersClose", "Sweep", "TrainPoll", "developer"])
def test_nobody_else_writes_deletes_or_signs_releases(promoted: Environment, others: dict[str, str], who: str) -> None:
    s3, kms = (as_role(promoted, others[who], service) for service in ("s3", "kms"))
    bucket, root = promoted.outputs.bucket, client(promoted, "s3")
    for key in (f"releases/{LINE}/current.json", evidence_key(LINE, 2), f"releases/{LINE}/9.json"):
        denied(s3.put_object, Bucket=bucket, Key=key, Body=b"{}")
    for key in (f"releases/{LINE}/current.json", evidence_key(LINE, 2)):
        version = root.head_object(Bucket=bucket, Key=key)["VersionId"]
        denied(s3.delete_object, Bucket=bucket, Key=key)
        denied(s3.delete_object, Bucket=bucket, Key=key, VersionId=version)
        assert root.head_object(Bucket=bucket, Key=key)["VersionId"] == version
    sign = {"Message": b"0" * 32, "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
    denied(kms.sign, KeyId=promoted.outputs.release_key_arn, **sign)


def test_a_developer_may_write_elsewhere(promoted: Environment, others: dict[str, str]) -> None:
    s3 = as_role(promoted, others["developer"], "s3")
    s3.put_object(Bucket=promoted.outputs.bucket, Key="datasets/mine", Body=b"{}")
    assert as_role(promoted, others["developer"], "kms").get_public_key(KeyId=promoted.outputs.release_key_arn)


def test_who_rolls_back_writes_what_is_live_and_signs_nothing(promoted: Environment) -> None:
    s3, kms = (as_function(promoted, "ReleaseRollback", service) for service in ("s3", "kms"))
    for key in (evidence_key(LINE, 9), f"releases/{LINE}/9.json"):
        denied(s3.put_object, Bucket=promoted.outputs.bucket, Key=key, Body=b"{}")
    sign = {"Message": b"0" * 32, "MessageType": "DIGEST", "SigningAlgorithm": "ECDSA_SHA_256"}
    denied(kms.sign, KeyId=promoted.outputs.release_key_arn, **sign)


def test_who_promotes_signs_digests_alone(promoted: Environment) -> None:
    kms = as_function(promoted, "PromotePoll", "kms")
    asked = {"KeyId": promoted.outputs.release_key_arn, "Message": b"0" * 32, "SigningAlgorithm": "ECDSA_SHA_256"}
    assert kms.sign(**asked, MessageType="DIGEST")["Signature"]
    denied(kms.sign, **asked, MessageType="RAW")


def test_the_command_line_lists_shows_and_rolls_back(promoted: Environment, project: Project, heard: str) -> None:
    messages(promoted, heard)
    done = rft(project, "release", "rollback", LINE, "--reason", "answers are too long", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"line": LINE, "release": 1, "environment": "local"}
    deployment = client(promoted, "bedrock").get_custom_model_deployment(customModelDeploymentIdentifier=LIVE)
    assert deployment["modelArn"] == model("first")
    assert parameters(promoted) == [model("first"), deployment["customModelDeploymentArn"], "1"]
    listed = json.loads(rft(project, "release", "list", LINE, "--json").stdout)
    assert [(item["release"], item["live"]) for item in listed] == [(2, False), (1, True)]
    shown = json.loads(rft(project, "release", "show", LINE, "2", "--json").stdout)
    assert (shown["run_id"], shown["previous"]["number"]) == ("second", 1)
    (event,) = messages(promoted, heard)
    assert (event["detail-type"], event["detail"]["previous"]) == ("RFT Model Rolled Back", 2)
    refused = rft(project, "release", "rollback", LINE)
    assert refused.returncode == 1
    assert refused.stderr.strip().startswith("error: line ticket-routing: release 1 is its first")


def test_what_is_left_half_done_is_settled(promoted: Environment) -> None:
    error, answer = call(promoted, "ReleaseSettle", {})
    assert error is None, answer
    assert answer == {"lines": 1, "under_way": 0}


def test_the_workflow_itself_promotes_and_closes(promoted: Environment) -> None:
    """The deployed state machine, begun behind Decide."""
    states = promoted.aws.states
    whole = states.describe_state_machine(stateMachineArn=promoted.outputs.state_machine_arn)
    definition = {**json.loads(whole["definition"]), "StartAt": "IsToBePromoted"}
    machine = states.create_state_machine(
        name="after-decide", definition=json.dumps(definition), roleArn=whole["roleArn"]
    )["stateMachineArn"]
    decided(promoted, "fourth")
    started = states.start_execution(
        stateMachineArn=machine,
        name="fourth",
        input=json.dumps({"run_id": "fourth", "promote": True, "outcome": "PASSED", "reason": "better"}),
    )["executionArn"]
    ended = until(lambda: (found := states.describe_execution(executionArn=started))["status"] != "RUNNING" and found)
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    release = current(promoted).release
    assert json.loads(ended["output"]) == {
        "run_id": "fourth",
        "outcome": "PROMOTED",
        "reason": f"release {release} of line {LINE} is live",
    }
    assert parameters(promoted)[0] == current(promoted).model_arn == model("fourth")
    record = RunStore(promoted.bucket).load("fourth")
    assert (record.outcome, record.release, record.closing_errors) == ("PROMOTED", release, [])
    report = json.loads(promoted.bucket.read(record.keys.report_json))
    assert (report["release"], report["candidate"]["accuracy"]) == (release, 1.0)

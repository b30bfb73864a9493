"""Two promotions and a rollback by the deployed functions, under their own roles; and who may not touch what is live.

Nothing is trained: see `tests.embedded.deployed`.
"""

import json
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import Environment as CdkEnvironment
from aws_cdk.aws_iam import Role, ServicePrincipal
from botocore.exceptions import ClientError

from bedrock_rft import ModelRelease
from rft_cli.environment import Environment
from rft_contract.layout import evidence_key
from rft_contract.naming import live_alarm_name, release_parameter
from rft_local.emulator.environment import ACCOUNT, REGION
from rft_local.project import Project
from rft_runtime.run_record import RunStore
from tests.embedded.deployed import (
    LINE,
    LIVE,
    as_function,
    as_role,
    call,
    client,
    current,
    decided,
    environment,
    function,
    model,
    project,
    promote,
    pytestmark,
    rft,
    until,
)

__all__ = ["environment", "project", "pytestmark"]


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

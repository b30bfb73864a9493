"""Bedrock in the emulator: forwarding, authorization by resource, and the control routes its endpoint uses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

from rft_local.emulator.environment import ACCOUNT

pytestmark = pytest.mark.embedded

MODEL = "amazon.nova-2-lite-v1:0"
DEPLOYMENT = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model-deployment/abcdefghijkl"
JOB = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-customization-job/{MODEL}/abcdefghijkl"
REPLY = {
    "output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
    "metrics": {"latencyMs": 1},
}


def converse(emulator: Any, model: str, **credentials: str) -> str:
    client = emulator.client("bedrock-runtime", **credentials)
    answer = client.converse(modelId=model, messages=[{"role": "user", "content": [{"text": "?"}]}])
    return str(answer["output"]["message"]["content"][0]["text"])


@pytest.fixture
def session(emulator: Any, request: pytest.FixtureRequest) -> Any:
    """Makes credentials of a role with the given statements."""
    name = f"bedrock-{abs(hash(request.node.name)) % 10**8}"

    def make(*statements: Mapping[str, Any]) -> dict[str, str]:
        return dict(emulator.session(name, statements))

    return make


def test_path_query_body_and_caller_arrive_intact(emulator: Any, bedrock_recorder: Any, session: Any) -> None:
    target = f"/model/{quote(DEPLOYMENT, safe='')}/converse"
    bedrock_recorder.answers[f"POST {target}"] = (200, REPLY)
    credentials = session({"Action": "bedrock:InvokeModel", "Resource": DEPLOYMENT})
    assert converse(emulator, DEPLOYMENT, **credentials) == "hi"
    method, path, headers, body = next(found for found in bedrock_recorder.requests if found[1] == target)
    assert (method, path) == ("POST", target)
    assert json.loads(body)["messages"][0]["role"] == "user"
    assert ":assumed-role/bedrock-" in headers["x-rft-caller-arn"]
    listing = "GET /model-customization-jobs?maxResults=5&nameContains=a%20b"
    bedrock_recorder.answers[listing] = (200, {"modelCustomizationJobSummaries": []})
    found = emulator.client("bedrock").list_model_customization_jobs(maxResults=5, nameContains="a b")
    assert found["modelCustomizationJobSummaries"] == []


def test_a_caller_cannot_claim_to_be_another(emulator: Any, bedrock_recorder: Any) -> None:
    client = emulator.client("bedrock")

    def forge(request: Any, **_: Any) -> None:
        request.headers["x-rft-caller-arn"] = "arn:forged"

    client.meta.events.register("before-send.*", forge, unique_id="forge")
    bedrock_recorder.answers["GET /custom-models"] = (200, {"modelSummaries": []})
    client.list_custom_models()
    client.meta.events.unregister("before-send.*", unique_id="forge")
    headers = bedrock_recorder.requests[-1][2]
    assert headers["x-rft-caller-arn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_errors_keep_their_code(emulator: Any) -> None:
    client = emulator.client("bedrock")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_custom_model(modelIdentifier="absent")


@pytest.mark.parametrize(
    ("model", "statement", "allowed"),
    [
        (DEPLOYMENT, {"Action": "bedrock:InvokeModel", "Resource": "*"}, True),
        (DEPLOYMENT, {"Action": "bedrock:Converse", "Resource": "*"}, False),
        (DEPLOYMENT, {"Action": "bedrock:InvokeModel", "Resource": f"{DEPLOYMENT}x"}, False),
        (MODEL, {"Action": "bedrock:InvokeModel", "Resource": f"arn:aws:bedrock:*::foundation-model/{MODEL}"}, True),
        (
            f"us.{MODEL}",
            {"Action": "bedrock:InvokeModel", "Resource": f"arn:aws:bedrock:*:*:inference-profile/us.{MODEL}"},
            False,
        ),
        (
            f"us.{MODEL}",
            {
                "Action": "bedrock:InvokeModel",
                "Resource": [
                    f"arn:aws:bedrock:*:*:inference-profile/us.{MODEL}",
                    f"arn:aws:bedrock:*::foundation-model/{MODEL}",
                ],
            },
            True,
        ),
    ],
)
def test_invocation_is_authorized_by_model(
    emulator: Any, bedrock_recorder: Any, session: Any, model: str, statement: dict[str, Any], allowed: bool
) -> None:
    bedrock_recorder.answers[f"POST /model/{quote(model, safe='')}/converse"] = (200, REPLY)
    credentials = session(statement)
    if allowed:
        assert converse(emulator, model, **credentials) == "hi"
    else:
        with pytest.raises(ClientError) as caught:
            converse(emulator, model, **credentials)
        assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


CREATE = {
    "jobName": "job",
    "customModelName": "model",
    "roleArn": f"arn:aws:iam::{ACCOUNT}:role/any",
    "baseModelIdentifier": MODEL,
    "trainingDataConfig": {"s3Uri": "s3://b/k"},
    "outputDataConfig": {"s3Uri": "s3://b/o"},
    "jobTags": [{"key": "rft:stack", "value": "dev"}],
}
JOB_RESOURCES = [
    f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}",
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:custom-model/*",
    f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-customization-job/*",
]


@pytest.mark.parametrize("missing", [None, 0, 1, 2, "tag"])
def test_a_job_needs_every_resource_and_its_tag(
    emulator: Any, bedrock_recorder: Any, session: Any, missing: int | str | None
) -> None:
    bedrock_recorder.answers["POST /model-customization-jobs"] = (201, {"jobArn": JOB})
    resources = [arn for index, arn in enumerate(JOB_RESOURCES) if index != missing]
    tag = {"StringEquals": {"aws:RequestTag/rft:stack": "prod" if missing == "tag" else "dev"}}
    statement = {"Action": "bedrock:CreateModelCustomizationJob", "Resource": resources, "Condition": tag}
    client = emulator.client("bedrock", **session(statement))
    if missing is None:
        assert client.create_model_customization_job(**CREATE)["jobArn"] == JOB
    else:
        with pytest.raises(client.exceptions.AccessDeniedException):
            client.create_model_customization_job(**CREATE)


@pytest.mark.parametrize(("role", "allowed"), [("candidate", True), ("live", False)])
def test_tags_of_a_deployment_reach_conditions(
    emulator: Any, bedrock_recorder: Any, session: Any, role: str, allowed: bool
) -> None:
    tags = [{"key": "rft:role", "value": role}]
    bedrock_recorder.answers["POST /listTagsForResource"] = (200, {"tags": tags})
    target = f"/model-customization/custom-model-deployments/{quote(DEPLOYMENT, safe='')}"
    bedrock_recorder.answers[f"DELETE {target}"] = (200, {})
    deny = {"Effect": "Deny", "Condition": {"StringEquals": {"aws:ResourceTag/rft:role": "live"}}}
    grant = {"Action": "bedrock:DeleteCustomModelDeployment", "Resource": "*"}
    client = emulator.client("bedrock", **session(grant, {**grant, **deny}))
    if allowed:
        client.delete_custom_model_deployment(customModelDeploymentIdentifier=DEPLOYMENT)
    else:
        with pytest.raises(client.exceptions.AccessDeniedException, match="explicit deny"):
            client.delete_custom_model_deployment(customModelDeploymentIdentifier=DEPLOYMENT)


def test_workflow_waits_for_the_job(emulator: Any, bedrock_recorder: Any) -> None:
    bedrock_recorder.answers["POST /model-customization-jobs"] = (201, {"jobArn": JOB})
    bedrock_recorder.answers[f"GET /model-customization-jobs/{quote(JOB, safe='')}"] = (
        200,
        {"jobArn": JOB, "jobName": "job", "status": "Failed", "failureMessage": "no reward"},
    )
    parameters = {name[:1].upper() + name[1:]: value for name, value in CREATE.items() if name != "jobTags"}
    parameters |= {"TrainingDataConfig": {"S3Uri": "s3://b/k"}, "OutputDataConfig": {"S3Uri": "s3://b/o"}}
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::bedrock:createModelCustomizationJob.sync",
        "Parameters": parameters,
        "End": True,
    }
    allowed = [{"Action": "bedrock:*ModelCustomizationJob", "Resource": JOB_RESOURCES}]
    machine = emulator.machine("trains", {"StartAt": "Go", "States": {"Go": state}}, allowed)
    ended = emulator.run(machine)
    assert (ended["error"], json.loads(ended["cause"])["FailureMessage"]) == ("States.TaskFailed", "no reward")


@pytest.mark.parametrize(
    ("source_arn", "source_account", "service", "status"),
    [
        (JOB, ACCOUNT, "bedrock.amazonaws.com", 200),
        (JOB, "111111111111", "bedrock.amazonaws.com", 403),
        (DEPLOYMENT, ACCOUNT, "bedrock.amazonaws.com", 403),
        (JOB, ACCOUNT, "lambda.amazonaws.com", 403),
    ],
)
def test_service_session_honours_the_trust_policy(
    emulator: Any, source_arn: str, source_account: str, service: str, status: int
) -> None:
    condition = {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:bedrock:us-east-1:{ACCOUNT}:model-customization-job/*"},
    }
    trust = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Statement": [{**trust, "Condition": condition}]})
    arn = emulator.role("trusting", "bedrock.amazonaws.com", [{"Action": "s3:ListBucket", "Resource": "*"}])
    emulator.client("iam").update_assume_role_policy(RoleName="trusting", PolicyDocument=document)
    asked = {"role_arn": arn, "service": service, "source_arn": source_arn, "source_account": source_account}
    got, answer = emulator.control("/_rft/service-session", asked)
    assert got == status
    if status == 200:
        caller = emulator.client("sts", **answer).get_caller_identity()["Arn"]
        assert caller == f"arn:aws:sts::{ACCOUNT}:assumed-role/trusting/bedrock"
        with pytest.raises(ClientError, match="not authorized to perform: sns:ListTopics"):
            emulator.client("sns", **answer).list_topics()
    else:
        assert "\n" not in answer["reason"] and arn in answer["reason"]


def test_simulation_covers_pass_role_key_and_bucket(emulator: Any) -> None:
    kms, s3 = emulator.client("kms"), emulator.client("s3")
    statement = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": f"arn:aws:iam::{ACCOUNT}:role/service"}
    passes = {**statement, "Condition": {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}}
    arn = emulator.role("simulated", "lambda.amazonaws.com", [passes, {"Action": "kms:Decrypt", "Resource": "*"}])

    def asked(action: str, resource: str, **context: str) -> bool:
        keys = {name.replace("_", ":"): value for name, value in context.items()}
        body = {"principal_arn": arn, "action": action, "resource": resource, "context": keys}
        status, answer = emulator.control("/_rft/simulate", body)
        assert status == 200 and answer["reason"]
        return bool(answer["allowed"])

    role = f"arn:aws:iam::{ACCOUNT}:role/service"
    assert asked("iam:PassRole", role, iam_PassedToService="bedrock.amazonaws.com")
    assert not asked("iam:PassRole", role, iam_PassedToService="ec2.amazonaws.com")
    assert not asked("iam:PassRole", f"{role}2", iam_PassedToService="bedrock.amazonaws.com")
    via = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    policy = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "kms:Decrypt", "Resource": "*", "Condition": via}
    key = kms.create_key(Policy=json.dumps({"Statement": [policy]}))["KeyMetadata"]["Arn"]
    assert asked("kms:Decrypt", key, kms_ViaService="s3.us-east-1.amazonaws.com")
    assert not asked("kms:Decrypt", key)
    s3.create_bucket(Bucket="simulated")
    allow = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "s3:GetObject"}
    document = {"Version": "2012-10-17", "Statement": [{**allow, "Resource": "arn:aws:s3:::simulated/*"}]}
    s3.put_bucket_policy(Bucket="simulated", Policy=json.dumps(document))
    assert asked("s3:GetObject", "arn:aws:s3:::simulated/k")
    assert not asked("s3:PutObject", "arn:aws:s3:::simulated/k")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("/_rft/simulate", {"action": "a"}, 400), ("/_rft/else", {}, 404), ("/_rft/service-session", {}, 400)],
)
def test_control_routes_refuse_in_one_line(emulator: Any, path: str, body: dict[str, Any], status: int) -> None:
    got, answer = emulator.control(path, body)
    assert got == status
    assert "\n" not in answer["reason"]

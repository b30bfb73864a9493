"""What applications get of a model line."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from bedrock_rft import ModelRelease, RftKey
from rft_contract.naming import release_parameter


@pytest.fixture
def application(stack: Stack) -> iam.Role:
    return iam.Role(stack, "Application", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def release(stack: Stack, **options: Any) -> ModelRelease:
    return ModelRelease.from_line(stack, "Release", environment_name="prod", line="ticket-routing", **options)


def test_parameters_are_those_that_promote_writes_and_are_not_in_the_template(
    stack: Stack, build: Callable[[Stack], Any]
) -> None:
    found = release(stack)
    names = [found.model_parameter, found.deployment_parameter, found.release_parameter]
    assert names == [release_parameter("prod", "ticket-routing", name) for name in ("model", "deployment", "release")]
    assert names[1] == "/prod-Rft/ticket-routing/deployment"
    assert build(stack).resources == {}


def test_an_application_reads_the_parameters_of_its_line(
    stack: Stack, application: iam.Role, build: Callable[[Stack], Any]
) -> None:
    release(stack).grant_read_parameters(application)
    (statement,) = build(stack).statements("Application")
    assert statement["Action"] == ["ssm:GetParameter", "ssm:GetParameters"]
    assert statement["Resource"] == [
        f"arn:<AWS::Partition>:ssm:us-east-1:123456789012:parameter/prod-Rft/ticket-routing/{name}"
        for name in ("model", "deployment", "release")
    ]


def test_an_application_calls_the_live_deployment_of_its_line_and_no_other(
    stack: Stack, application: iam.Role, build: Callable[[Stack], Any]
) -> None:
    release(stack).grant_invoke(application)
    (statement,) = build(stack).statements("Application")
    assert statement["Action"] == ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
    assert statement["Resource"] == "arn:<AWS::Partition>:bedrock:us-east-1:123456789012:custom-model-deployment/*"
    assert statement["Condition"] == {
        "StringEquals": {
            "aws:ResourceTag/rft:role": "live",
            "aws:ResourceTag/rft:line": "ticket-routing",
            "aws:ResourceTag/rft:environment": "prod",
        }
    }


def test_the_key_of_the_models_is_used_through_bedrock_alone(
    stack: Stack, application: iam.Role, key: RftKey, build: Callable[[Stack], Any]
) -> None:
    release(stack, encryption_key=key.key).grant_invoke(application)
    (statement,) = [found for found in build(stack).statements("Application") if found["Action"] == "kms:Decrypt"]
    assert statement["Condition"] == {"StringEquals": {"kms:ViaService": "bedrock.us-east-1.amazonaws.com"}}


@pytest.mark.parametrize(
    ("environment", "line", "says"), [("Prod", "a", "environment: got"), ("prod", "A b", "line: got")]
)
def test_illegal_names_are_refused_at_synth(stack: Stack, environment: str, line: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ModelRelease.from_line(stack, "Release", environment_name=environment, line=line)

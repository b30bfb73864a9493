"""What tells GitHub of a promotion."""

from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from bedrock_rft import GithubRepository, PromotionNotice

REPOSITORY = GithubRepository(owner="acme", name="models")


def notice(stack: Stack, **options: Any) -> PromotionNotice:
    values = {"repository": REPOSITORY, "token_secret": "github/dispatch", "environment_name": "dev", **options}
    return PromotionNotice(stack, "Notice", **values)


@pytest.fixture
def built(stack: Stack, build: Callable[[Stack], Any]) -> Any:
    notice(stack)
    return build(stack)


def test_the_rule_hears_of_promotions_of_its_environment_alone(built: Any) -> None:
    assert built.only("AWS::Events::Rule")["Properties"]["EventPattern"] == {
        "source": ["rft"],
        "detail-type": ["RFT Model Promoted"],
        "detail": {"environment": ["dev"]},
    }


def test_github_gets_a_repository_dispatch(built: Any, flat: Any) -> None:
    destination = built.only("AWS::Events::ApiDestination")["Properties"]
    assert flat(destination) == {
        "ConnectionArn": f"<{only_id(built, 'AWS::Events::Connection')}.Arn>",
        "Description": "Starts workflows of acme/models",
        "HttpMethod": "POST",
        "InvocationEndpoint": "https://api.github.com/repos/acme/models/dispatches",
        "InvocationRateLimitPerSecond": 1,
    }
    (target,) = flat(built.only("AWS::Events::Rule")["Properties"]["Targets"])
    assert target == {
        "Arn": f"<{only_id(built, 'AWS::Events::ApiDestination')}.Arn>",
        "DeadLetterConfig": {"Arn": f"<{only_id(built, 'AWS::SQS::Queue')}.Arn>"},
        "HttpParameters": {"HeaderParameters": {"X-GitHub-Api-Version": "2022-11-28"}},
        "Id": "Target0",
        "InputTransformer": {
            "InputPathsMap": {
                "detail-environment": "$.detail.environment",
                "detail-line": "$.detail.line",
                "detail-release": "$.detail.release",
                "detail-run": "$.detail.run",
            },
            "InputTemplate": (
                '{"event_type":"rft-model-promoted","client_payload":{"environment":<detail-environment>,'
                '"line":<detail-line>,"release":<detail-release>,"run":<detail-run>}}'
            ),
        },
        "RetryPolicy": {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185},
        "RoleArn": f"<{only_id(built, 'AWS::IAM::Role')}.Arn>",
    }


def test_the_token_is_in_secrets_manager_and_not_in_the_template(built: Any) -> None:
    assert built.only("AWS::Events::Connection")["Properties"] == {
        "AuthorizationType": "API_KEY",
        "AuthParameters": {
            "ApiKeyAuthParameters": {
                "ApiKeyName": "Authorization",
                "ApiKeyValue": "{{resolve:secretsmanager:github/dispatch:SecretString:::}}",
            }
        },
        "Description": "GitHub, repository acme/models",
    }


def test_the_role_calls_this_one_destination_for_rules_of_this_account(built: Any, flat: Any) -> None:
    assert flat(built.only("AWS::IAM::Role")["Properties"]["AssumeRolePolicyDocument"]["Statement"]) == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        }
    ]
    assert built.statements("NoticeRole") == [
        {
            "Effect": "Allow",
            "Action": "events:InvokeApiDestination",
            "Resource": f"<{only_id(built, 'AWS::Events::ApiDestination')}.Arn>",
        }
    ]


def test_what_github_does_not_take_is_kept_and_counted(stack: Stack, build: Callable[[Stack], Any]) -> None:
    metric = notice(stack).metric_not_told()
    assert (metric.metric_name, metric.statistic) == ("ApproximateNumberOfMessagesVisible", "Maximum")
    queue = build(stack).only("AWS::SQS::Queue")
    assert (queue["DeletionPolicy"], queue["Properties"]["MessageRetentionPeriod"]) == ("Retain", 14 * 24 * 3600)


@pytest.mark.parametrize(
    ("options", "says"),
    [({"token_secret": ""}, "token_secret: got none"), ({"environment_name": "Dev"}, "environment: got 'Dev'")],
)
def test_refusals(stack: Stack, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        notice(stack, **options)


def only_id(built: Any, kind: str) -> str:
    (name,) = built.of_type(kind)
    return str(name)


def test_a_role_of_the_app_calls_this_one_destination(stack: Stack, build: Callable[[Stack], Any], flat: Any) -> None:
    notice(stack, role=iam.Role(stack, "Teller", assumed_by=iam.ServicePrincipal("events.amazonaws.com")))
    built = build(stack)
    destination = only_id(built, "AWS::Events::ApiDestination")
    assert built.statements("Teller") == [
        {"Action": "events:InvokeApiDestination", "Effect": "Allow", "Resource": f"<{destination}.Arn>"}
    ]
    (target,) = flat(built.only("AWS::Events::Rule")["Properties"]["Targets"])
    assert target["RoleArn"] == f"<{only_id(built, 'AWS::IAM::Role')}.Arn>"

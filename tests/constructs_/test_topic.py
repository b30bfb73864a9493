"""Topics of the app, or such as exist: alarms may publish, and so may whoever is let."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from bedrock_rft import RftKey, RftTopic
from tests.constructs_.conftest import errors

ON_CALL = "arn:aws:sns:us-east-1:123456789012:on-call"


@pytest.fixture
def publisher(stack: Stack) -> iam.Role:
    return iam.Role(stack, "Publisher", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def test_a_publisher_may_use_the_key_for_this_topic_alone(
    stack: Stack, key: RftKey, publisher: iam.Role, build: Callable[[Stack], Any]
) -> None:
    RftTopic(stack, "Topic", key=key).grant_publish(publisher)
    built = build(stack)
    (topic,), (name,) = built.of_type("AWS::SNS::Topic"), built.of_type("AWS::KMS::Key")
    assert built.statements("Publisher") == [
        {"Action": "sns:Publish", "Effect": "Allow", "Resource": f"<{topic}>"},
        {
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Effect": "Allow",
            "Resource": f"<{name}.Arn>",
            "Condition": {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": f"<{topic}>"}},
        },
    ]


def test_a_topic_of_the_app_gets_the_statement_of_a_made_one(
    new_stack: Callable[[], Stack], build: Callable[[Stack], Any], flat: Any
) -> None:
    found = []
    for own in (False, True):
        stack = new_stack()
        key = RftKey(stack, "Key")
        if own:
            topic = sns.Topic(stack, "Topic", master_key=key.key, enforce_ssl=True)
            assert RftTopic.from_topic(stack, "Rft", topic, key=key).topic is topic
        else:
            RftTopic(stack, "Topic", key=key)
        built = build(stack)
        ((name, resource),) = built.of_type("AWS::SNS::Topic").items()
        policy = flat(built.properties("AWS::SNS::TopicPolicy"))["PolicyDocument"]["Statement"]
        found.append(json.dumps([flat(resource["Properties"]), policy]).replace(name, "Topic"))
    assert found[0] == found[1]
    assert '"Alarms"' in found[0]


@pytest.mark.parametrize("given", [False, True])
def test_a_topic_that_encrypts_with_another_key_is_refused(stack: Stack, key: RftKey, given: bool) -> None:
    topic = sns.Topic(stack, "OnCall", master_key=kms.Key(stack, "Company"))
    with pytest.raises(ValueError, match=r"key: got .*, wanted the key with which Test/OnCall encrypts"):
        RftTopic.from_topic(stack, "Topic", topic, key=key if given else None)


def test_what_the_policy_of_an_existing_topic_lacks_is_an_error(stack: Stack) -> None:
    RftTopic.from_topic(stack, "Topic", sns.Topic.from_topic_arn(stack, "OnCall", ON_CALL))
    (text,) = errors(stack)
    assert text.startswith(f"add this statement to the policy of {ON_CALL} and then set topic_policy_managed_elsewhere")
    statement = json.loads(text[text.index("{") : text.rindex("}") + 1])
    assert (statement["Principal"], statement["Resource"]) == ({"Service": "cloudwatch.amazonaws.com"}, ON_CALL)


def test_an_existing_topic_whose_policy_is_kept_elsewhere_is_silent(
    stack: Stack, publisher: iam.Role, build: Callable[[Stack], Any]
) -> None:
    existing = sns.Topic.from_topic_arn(stack, "OnCall", ON_CALL)
    topic = RftTopic.from_topic(stack, "Topic", existing, topic_policy_managed_elsewhere=True)
    topic.grant_publish(publisher)
    assert errors(stack) == []
    assert build(stack).statements("Publisher") == [{"Action": "sns:Publish", "Effect": "Allow", "Resource": ON_CALL}]


def test_it_tells_what_was_not_delivered(stack: Stack) -> None:
    existing = sns.Topic.from_topic_arn(stack, "OnCall", ON_CALL)
    topic = RftTopic.from_topic(stack, "Topic", existing, topic_policy_managed_elsewhere=True)
    metric = topic.metric_not_delivered()
    assert (metric.namespace, metric.metric_name) == ("AWS/SNS", "NumberOfNotificationsFailed")
    assert metric.dimensions == {"TopicName": "on-call"}
    assert metric.period.to_seconds() == 300
    assert topic.metric_not_delivered(period=Duration.hours(1)).period.to_seconds() == 3600

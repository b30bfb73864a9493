import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_sns as sns

from bedrock_rft import (
    CustomizationRole,
    DatasetBucket,
    GithubRepository,
    HandlerPlatform,
    PlatformSettings,
    PromotionNotice,
    RewardCode,
    RewardFunction,
    RewardSpec,
    RftAlarms,
    RftDashboard,
    RftKey,
    RftTopic,
    RftWorkflow,
)


class Monitored:
    """A stack with two rewards and a workflow to watch."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.key = RftKey(stack, "Key")
        self.rewards = [
            RewardFunction(
                stack, name, code=RewardCode.builtin(RewardSpec(name=name, grader="math")), environment_name="dev"
            )
            for name in ("first", "second-one")
        ]
        self.topic = RftTopic(stack, "Topic", key=self.key)
        datasets = DatasetBucket(stack, "Datasets", key=self.key)
        role = CustomizationRole(stack, "Role", datasets=datasets, key=self.key, rewards=self.rewards)
        self.workflow = RftWorkflow(
            stack,
            "Workflow",
            settings=PlatformSettings(environment="dev"),
            datasets=datasets,
            key=self.key,
            rewards=self.rewards,
            customization_role=role,
            topic=self.topic.topic,
            platform=HandlerPlatform.HOST,
        )


@pytest.fixture(scope="module")
def built(new_stack: Callable[[], Stack], build: Callable[[Stack], Any]) -> Any:
    stack = new_stack()
    watched = Monitored(stack)
    repository = GithubRepository(owner="acme", name="models")
    RftAlarms(
        stack,
        "Alarms",
        rewards=watched.rewards,
        workflow=watched.workflow,
        topic=watched.topic,
        promotion_notice=PromotionNotice(
            stack, "Notice", repository=repository, token_secret="token", environment_name="dev"
        ),
    )
    RftDashboard(stack, "Dashboard", dashboard_name="dev-Rft", rewards=watched.rewards, workflow=watched.workflow)
    return build(stack)


def alarm(built: Any, name: str) -> Any:
    return built.properties("AWS::CloudWatch::Alarm", name.replace("-", ""))


def test_there_are_two_alarms_a_reward_five_of_the_workflow_and_one_of_the_notice(built: Any, flat: Any) -> None:
    alarms = built.of_type("AWS::CloudWatch::Alarm").values()
    assert len(alarms) == 10
    (topic,) = built.of_type("AWS::SNS::Topic")
    for found in alarms:
        properties = flat(found["Properties"])
        assert properties["AlarmActions"] == [f"<{topic}>"]
        assert properties["TreatMissingData"] == "notBreaching"
        assert properties["ComparisonOperator"] == "GreaterThanThreshold"


def test_an_invalid_share_alarms_after_three_minutes_of_five(built: Any) -> None:
    properties = alarm(built, "second-one-Invalid")
    assert (properties["Threshold"], properties["EvaluationPeriods"], properties["DatapointsToAlarm"]) == (5, 5, 3)
    metrics = {metric.get("Id"): metric for metric in properties["Metrics"]}
    for name, metric in (("Graded", "graded_second_one"), ("Invalid", "invalid_second_one")):
        stat = metrics[metric]["MetricStat"]
        assert (stat["Stat"], stat["Metric"]["MetricName"], stat["Period"]) == ("Sum", name, 60)
        assert stat["Metric"]["Namespace"] == "BedrockRFT"
        assert {item["Name"]: item["Value"] for item in stat["Metric"]["Dimensions"]} == {
            "Environment": "dev",
            "Reward": "second-one",
        }


def test_one_error_failed_run_or_dead_letter_is_enough(built: Any) -> None:
    for name in ("first-Errors", "RunsFailed", "RunsTimedOut", "NotClosed", "NotSettled", "NotTold"):
        properties = alarm(built, name)
        assert (properties["Threshold"], properties["EvaluationPeriods"]) == (0, 1), name
    for name, queue in (("NotClosed", "WorkflowDeadLetters"), ("NotTold", "NoticeDeadLetters")):
        assert alarm(built, name)["MetricName"] == "ApproximateNumberOfMessagesVisible"
        assert queue in str(alarm(built, name)["Dimensions"])
    assert alarm(built, "RunsFailed")["MetricName"] == "ExecutionsFailed"
    assert alarm(built, "RunsTimedOut")["MetricName"] == "ExecutionsTimedOut"


def test_the_dashboard_is_found_by_name_and_shows_runs_rewards_and_functions(built: Any, flat: Any) -> None:
    properties = flat(built.properties("AWS::CloudWatch::Dashboard"))
    assert properties["DashboardName"] == "dev-Rft"
    widgets = json.loads(properties["DashboardBody"])["widgets"]
    assert [widget["properties"]["title"] for widget in widgets] == [
        "Reward in training",
        "Reward on validation data",
        "Share of right answers",
        "Length of completions, characters",
        "Reward by reward function",
        "Not gradable, %",
        "Reward function duration p95, ms",
        "Reward function errors and throttles",
        "Runs",
    ]
    search = widgets[0]["properties"]["metrics"][0][0]["expression"]
    assert search == "SEARCH('{BedrockRFT,Run} MetricName=\"TrainingReward\"', 'Average')"
    assert len(widgets[7]["properties"]["metrics"]) == 4


def test_the_topic_is_encrypted_and_takes_alarms_through_tls_alone(built: Any, flat: Any) -> None:
    ((topic, resource),) = built.of_type("AWS::SNS::Topic").items()
    (key,) = (name for name in built.of_type("AWS::KMS::Key") if "ReleaseKey" not in name)
    assert flat(resource["Properties"]) == {"KmsMasterKeyId": f"<{key}.Arn>"}
    deny, allow = flat(built.properties("AWS::SNS::TopicPolicy"))["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert allow == {
        "Sid": "Alarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": f"<{topic}>",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": "123456789012"},
            "ArnLike": {"aws:SourceArn": "arn:<AWS::Partition>:cloudwatch:us-east-1:123456789012:alarm:*"},
        },
    }


def test_addresses_are_subscribed(stack: Stack, key: RftKey, build: Callable[[Stack], Any]) -> None:
    addresses = ["team@example.com", "on-call@example.com"]
    RftTopic(stack, "Topic", key=key, emails=addresses)
    found = [item["Properties"] for item in build(stack).of_type("AWS::SNS::Subscription").values()]
    assert {(item["Protocol"], item["Endpoint"]) for item in found} == {("email", address) for address in addresses}


def test_something_that_is_no_address_is_refused(stack: Stack, key: RftKey) -> None:
    with pytest.raises(ValueError, match="email: got 'team', wanted an address"):
        RftTopic(stack, "Topic", key=key, emails=["team"])


def test_alarms_reach_topics_of_others_too(stack: Stack, build: Callable[[Stack], Any]) -> None:
    watched = Monitored(stack)
    arns = [f"arn:aws:sns:us-east-1:123456789012:on-call-{number}" for number in range(5)]
    others = [sns.Topic.from_topic_arn(stack, f"Other{number}", arn) for number, arn in enumerate(arns)]

    def alarms(name: str, topics: Sequence[sns.ITopic]) -> RftAlarms:
        return RftAlarms(
            stack,
            name,
            rewards=watched.rewards,
            workflow=watched.workflow,
            topic=watched.topic,
            more_topics=topics,
        )

    with pytest.raises(ValueError, match="more_topics: got 5, wanted at most 4: an alarm has 5 actions"):
        alarms("TooMany", others)
    alarms("Alarms", others[:1])
    for alarm in build(stack).of_type("AWS::CloudWatch::Alarm").values():
        assert len(alarm["Properties"]["AlarmActions"]) == 2
        assert alarm["Properties"]["AlarmActions"][1] == arns[0]


def test_a_share_outside_its_bounds_is_refused(stack: Stack) -> None:
    watched = Monitored(stack)
    with pytest.raises(ValueError, match="invalid_percent: got 100, wanted 0 to below 100"):
        RftAlarms(
            stack,
            "Alarms",
            rewards=watched.rewards,
            workflow=watched.workflow,
            topic=watched.topic,
            invalid_percent=100,
        )

"""Where an environment tells people: outcomes of runs, and alarms."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from bedrock_rft.key import RftKeyBase


class RftTopic(Construct):
    """An encrypted SNS topic, reachable through TLS alone, to which alarms of this account and Region may publish."""

    def __init__(self, scope: Construct, construct_id: str, *, key: RftKeyBase, emails: Sequence[str] = ()) -> None:
        """Define the topic.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            key: Encrypts messages; its policy must know CloudWatch alarms.
            emails: Addresses that get every message, after confirming. Default: - nobody is subscribed.

        Raises:
            ValueError: When an address is none.
        """
        super().__init__(scope, construct_id)
        for email in emails:
            check_email(email)
        self.topic = sns.Topic(self, "Resource", enforce_ssl=True, master_key=key.key)
        alarms = Stack.of(self).format_arn(
            service="cloudwatch", resource="alarm", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Alarms",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": Stack.of(self).account},
                    "ArnLike": {"aws:SourceArn": alarms},
                },
            )
        )
        for email in emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))


def check_email(email: str) -> str:
    """Return an address.

    Raises:
        ValueError: When it is none.
    """
    if "@" not in email:
        raise ValueError(f"email: got {email!r}, wanted an address such as team@example.com")
    return email

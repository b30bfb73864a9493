"""Where an environment tells people: outcomes of runs, and alarms."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from bedrock_rft.key import RftKeyBase
from bedrock_rft.missing_statement import ask_for_statement


class RftTopicBase(Construct):
    """A topic to which alarms of this account and Region may publish, made here or somebody else's."""

    topic: sns.ITopic
    """The topic."""

    key: RftKeyBase | None
    """Encrypts messages; None: no key that is known here."""

    def grant_publish(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal publish, and use the key for that."""
        grant = iam.Grant.add_to_principal(
            grantee=grantee, actions=["sns:Publish"], resource_arns=[self.topic.topic_arn]
        )
        return grant if self.key is None else grant.combine(self.key.grant_publish(grantee, self.topic.topic_arn))

    def metric_not_delivered(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Return how many messages did not reach a subscriber.

        Args:
            period: Default: 5 minutes.
        """
        return self.topic.metric_number_of_notifications_failed(period=period or Duration.minutes(5))


class RftTopic(RftTopicBase):
    """An encrypted SNS topic, reachable through TLS alone, to which alarms of this account and Region may publish."""

    topic: sns.Topic
    """The topic."""

    key: RftKeyBase
    """Encrypts messages."""

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
        self.key = key
        self.topic = sns.Topic(self, "Resource", enforce_ssl=True, master_key=key.key)
        self.topic.add_to_resource_policy(_alarms(self.topic, Stack.of(self)))
        for email in emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))

    @classmethod
    def from_topic(
        cls,
        scope: Construct,
        construct_id: str,
        topic: sns.ITopic,
        *,
        key: RftKeyBase | None = None,
        topic_policy_managed_elsewhere: bool = False,
    ) -> RftTopicBase:
        """Use a topic of yours: one of this app, or one that exists (`sns.Topic.from_topic_arn`).

        Nothing of the topic is changed but its policy, which lets alarms publish. Where the policy cannot be changed
        from here, synth prints as an error what it needs, until you say that somebody else keeps it.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            topic: The topic, of this account and Region.
            key: The key with which it encrypts; one that AWS manages lets no alarm publish. Default: - it does not
                encrypt.
            topic_policy_managed_elsewhere: Its policy has the statement already. Default: False.

        Raises:
            ValueError: When the topic is known to encrypt with another key.
        """
        known = topic.master_key
        if known is not None and (key is None or known.key_arn != key.key.key_arn):
            given = "None" if key is None else key.node.path
            raise ValueError(f"key: got {given}, wanted the key with which {topic.node.path} encrypts")
        return _TopicOfYours(scope, construct_id, topic, key, topic_policy_managed_elsewhere)


class _TopicOfYours(RftTopicBase):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        topic: sns.ITopic,
        key: RftKeyBase | None,
        policy_managed_elsewhere: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = topic
        self.key = key
        statement = _alarms(topic, Stack.of(self))
        if policy_managed_elsewhere or topic.add_to_resource_policy(statement).statement_added:
            return
        ask_for_statement(self, statement, policy_of=topic.topic_arn, answer="topic_policy_managed_elsewhere")


def _alarms(topic: sns.ITopic, stack: Stack) -> iam.PolicyStatement:
    """Return the statement of a topic's policy that lets alarms of a stack's account and Region publish."""
    alarms = stack.format_arn(
        service="cloudwatch", resource="alarm", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    return iam.PolicyStatement(
        sid="Alarms",
        principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
        actions=["sns:Publish"],
        resources=[topic.topic_arn],
        conditions={"StringEquals": {"aws:SourceAccount": stack.account}, "ArnLike": {"aws:SourceArn": alarms}},
    )


def topic_of(topic: RftTopicBase | sns.ITopic) -> sns.ITopic:
    """Return the SNS topic itself.

    Args:
        topic: It, or the construct that holds it.
    """
    return topic.topic if isinstance(topic, RftTopicBase) else topic


def grant_publish(topic: RftTopicBase | sns.ITopic, grantee: iam.IGrantable, *, may_use: RftKeyBase) -> None:
    """Let a principal publish that may use one key already, and gets what it needs of the topic's if that is another.

    `ITopic.grant_publish` would add a wildcard on the key's actions.

    Args:
        topic: Where to.
        grantee: Who.
        may_use: The key.

    Raises:
        ValueError: When a plain SNS topic is known to encrypt with another key.
    """
    arn, ours = topic_of(topic).topic_arn, may_use.key.key_arn
    iam.Grant.add_to_principal(grantee=grantee, actions=["sns:Publish"], resource_arns=[arn])
    if isinstance(topic, RftTopicBase):
        if topic.key is not None and topic.key.key.key_arn != ours:
            topic.key.grant_publish(grantee, arn)
    elif topic.master_key is not None and topic.master_key.key_arn != ours:
        raise ValueError(
            f"topic: got {topic.node.path}, which encrypts with another key than {may_use.node.path}; wanted "
            "RftTopic.from_topic(..., key=...) of it, so that publishers may use that key"
        )


def check_email(email: str) -> str:
    """Return an address.

    Raises:
        ValueError: When it is none.
    """
    if "@" not in email:
        raise ValueError(f"email: got {email!r}, wanted an address such as team@example.com")
    return email

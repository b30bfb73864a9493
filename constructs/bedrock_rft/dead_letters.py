"""The queue of what a function or a rule could not do."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from bedrock_rft.nag import acknowledge


def dead_letters(scope: Construct, *, of: str, retention: Duration, removal_policy: RemovalPolicy) -> sqs.Queue:
    """Return an encrypted queue that takes connections through TLS alone.

    Args:
        scope: Where it belongs, as `DeadLetters`.
        of: Whose letters they are, such as `the closing rule`.
        retention: How long one waits.
        removal_policy: Of the queue.
    """
    queue = sqs.Queue(
        scope,
        "DeadLetters",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        removal_policy=removal_policy,
        retention_period=retention,
    )
    reason = f"this queue is itself the dead-letter queue of {of}, and an alarm can watch it"
    acknowledge(queue, "AwsSolutions-SQS3", reason=reason)
    return queue

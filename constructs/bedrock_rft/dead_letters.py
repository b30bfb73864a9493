"""The queue of what a function or a rule could not do."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from bedrock_rft.constraints import DEAD_LETTERS, QUEUE_KEY
from bedrock_rft.nag import accept


def dead_letters(scope: Construct, *, retention: Duration, removal_policy: RemovalPolicy) -> sqs.Queue:
    """Return an encrypted queue that takes connections through TLS alone.

    Args:
        scope: Where it belongs, as `DeadLetters`.
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
    for constraint in (DEAD_LETTERS, QUEUE_KEY):
        accept(queue, constraint)
    return queue


def keep_failures(function: lambda_.Function, queue: sqs.Queue, *, retry_attempts: int) -> None:
    """Put the events that a function failed on, called asynchronously, into a queue.

    The L2 destination would also let the function look at the queue, which Lambda does not ask for (Lambda developer
    guide, "Capturing records of Lambda asynchronous invocations").

    Args:
        function: Called by rules, among others.
        queue: What `dead_letters` returned.
        retry_attempts: How often Lambda tries again before, 0 to 2.
    """
    failure = lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=queue.queue_arn)
    lambda_.CfnEventInvokeConfig(
        Construct(function, "EventInvokeConfig"),
        "Resource",
        function_name=function.function_name,
        qualifier="$LATEST",
        destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(on_failure=failure),
        maximum_retry_attempts=retry_attempts,
    )
    iam.Grant.add_to_principal(grantee=function, actions=["sqs:SendMessage"], resource_arns=[queue.queue_arn])

"""The rule that closes the run of an execution that ended."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct


def close_on_status_event(
    scope: Construct, *, state_machine: sfn.IStateMachine, close: lambda_.IFunction, dead_letters: sqs.IQueue
) -> None:
    """Close the run of an execution that ended, however it ended; a run that is closed already stays as it is.

    Args:
        scope: Where the rule belongs, as `ExecutionEnded`.
        state_machine: Whose executions are runs.
        close: The closing handler.
        dead_letters: Takes events that could not be delivered for two hours.
    """
    rule = events.Rule(
        scope,
        "ExecutionEnded",
        description="Closes the run of an execution that ended",
        event_pattern=events.EventPattern(
            source=["aws.states"],
            detail_type=["Step Functions Execution Status Change"],
            detail={
                "stateMachineArn": [state_machine.state_machine_arn],
                "status": ["ABORTED", "TIMED_OUT", "FAILED", "SUCCEEDED"],
            },
        ),
    )
    rule.add_target(
        targets.LambdaFunction(
            close,
            dead_letter_queue=dead_letters,
            event=events.RuleTargetInput.from_object(
                {
                    "run_id": events.EventField.from_path("$.detail.name"),
                    "execution": events.EventField.from_path("$.detail.executionArn"),
                    "execution_status": events.EventField.from_path("$.detail.status"),
                }
            ),
            max_event_age=Duration.hours(2),
            retry_attempts=10,
        )
    )

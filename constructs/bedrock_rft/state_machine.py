"""State machines of this library: definition, history and logs encrypted, no data in the logs."""

import re
from typing import cast

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from bedrock_rft.constraints import DEPENDENCY_TWICE, EXECUTIONS, INLINE_POLICY, NO_RESOURCE_LEVEL
from bedrock_rft.key import RftKeyBase
from bedrock_rft.nag import accept, acknowledge, acknowledge_wildcards

_MACHINE = re.compile(r"arn:[^:]+:states:[^:]+:\d{12}:stateMachine:[^:]+")
"""Without the version or alias that may follow, which executions do not have in their ARNs."""


def encrypted_state_machine(
    scope: Construct,
    *,
    comment: str,
    definition: sfn.IChainable,
    timeout: Duration,
    key: RftKeyBase,
    log_retention: logs.RetentionDays,
    removal_policy: RemovalPolicy,
    role: iam.IRole | None = None,
) -> tuple[sfn.StateMachine, logs.LogGroup]:
    """Define `StateMachine` and its log group `Logs`.

    Args:
        scope: Where they belong.
        comment: What it does, for people.
        definition: Its states.
        timeout: Of an execution.
        key: Encrypts definition, history and logs, and the objects that its role reads and writes.
        log_retention: How long logs are kept.
        removal_policy: Of the log group.
        role: A role of yours that trusts Step Functions. Default: - a new one.
    """
    log_group = logs.LogGroup(
        scope, "Logs", encryption_key=key.key, retention=log_retention, removal_policy=removal_policy
    )
    machine = sfn.StateMachine(
        scope,
        "StateMachine",
        comment=comment,
        definition_body=sfn.DefinitionBody.from_chainable(definition),
        logs=sfn.LogOptions(destination=log_group, include_execution_data=False, level=sfn.LogLevel.ALL),
        role=role,
        timeout=timeout,
        tracing_enabled=True,
    )
    # The L2 property would add two statements that cannot stay: one names a state machine without a name (unless it is
    # given a physical one), and one opens the key to log delivery without a condition.
    resource = cast(sfn.CfnStateMachine, machine.node.default_child)
    resource.encryption_configuration = sfn.CfnStateMachine.EncryptionConfigurationProperty(
        type="CUSTOMER_MANAGED_KMS_KEY", kms_key_id=key.key.key_arn, kms_data_key_reuse_period_seconds=300
    )
    key.grant_state_machine(machine.role)
    key.grant_dataset_access(machine.role)
    acknowledge(machine.role, "AwsSolutions-IAM5[Resource::*]", reason=NO_RESOURCE_LEVEL)
    accept(machine, INLINE_POLICY)
    accept(machine, DEPENDENCY_TWICE)
    return machine, log_group


def acknowledge_children(machine: sfn.StateMachine) -> None:
    """Say on a state machine with a Distributed Map why its policy names executions by wildcard.

    Args:
        machine: The state machine.
    """
    stack = Stack.of(machine)
    name = stack.split_arn(machine.state_machine_arn, ArnFormat.COLON_RESOURCE_NAME).resource_name
    executions = stack.format_arn(
        service="states", resource="execution", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    acknowledge_wildcards(
        machine,
        [f"{executions}:*", f"{executions}/*:*"],
        reason=EXECUTIONS,
    )


def name_in(state_machine_arn: str, scope: Construct) -> str:
    """Return a state machine's name.

    Args:
        state_machine_arn: Its ARN.
        scope: A construct that uses it.

    Raises:
        ValueError: When the ARN is not one of a state machine.
    """
    if not Token.is_unresolved(state_machine_arn) and not _MACHINE.fullmatch(state_machine_arn):
        raise ValueError(f"state_machine_arn: got {state_machine_arn!r}, wanted arn:...:states:...:stateMachine:NAME")
    parts = Stack.of(scope).split_arn(state_machine_arn, ArnFormat.COLON_RESOURCE_NAME)
    return cast(str, parts.resource_name)

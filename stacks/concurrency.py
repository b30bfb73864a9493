"""Whether the calls at once that an environment sets aside fit the account, and suffice for a run."""

from collections.abc import Iterator

from aws_cdk import Annotations, Stack
from aws_cdk import aws_lambda as lambda_

from stacks.config import RftConfig

_UNRESERVED = 100
"""What Lambda keeps for functions that reserve nothing (Lambda developer guide, "Configuring reserved concurrency")."""

_JOB_CALLS = 12
"""Calls at once that SageMaker's Nova recipes make of a reward function by default; what Bedrock's jobs make is not
published."""


def check_concurrency(stack: Stack, config: RftConfig) -> None:
    """Warn at synth of reservations that a deployment or a run would only find out about.

    Args:
        stack: The environment's, complete.
        config: The environment's data.
    """
    reserved = sum(_reservations(stack))
    limit = config.account_concurrency
    if limit is not None and reserved > limit - _UNRESERVED:
        Annotations.of(stack).add_warning_v2(
            "rft:AccountConcurrency",
            f"{config.environment}: {reserved:,} calls at once are set aside, account_concurrency is {limit:,}, and "
            f"Lambda keeps {_UNRESERVED} of them unreserved: the deployment would fail. Set less aside, or have the "
            "account's concurrent executions raised",
        )
    needed = config.max_concurrency + _JOB_CALLS
    if config.reward_concurrency is not None and config.reward_concurrency < needed:
        Annotations.of(stack).add_warning_v2(
            "rft:RewardConcurrency",
            f"{config.environment}: reward_concurrency is {config.reward_concurrency:,}, but {config.max_concurrency} "
            f"shards (max_concurrency) and a job, with about {_JOB_CALLS} calls, share it: {needed} would do. "
            "`rft plan` says what a recipe's step needs",
        )


def _reservations(stack: Stack) -> Iterator[int]:
    """Yield the calls at once that are set aside for each function of a stack."""
    for child in stack.node.find_all():
        if isinstance(child, lambda_.CfnFunction) and child.reserved_concurrent_executions is not None:
            yield int(child.reserved_concurrent_executions)

"""The reward functions: published, callable by qualified ARN, and with enough calls at once."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from rft_runtime.failures import error_code
from rft_runtime.preflight.finding import Finding, Severity, unanswered
from rft_runtime.preflight.place import Place
from rft_runtime.reward_alias import LIVE

_NEW_ACCOUNT = 10
"""Concurrent executions that a new account may have in all (Lambda developer guide, "Understanding ... scaling")."""


def rewards(place: Place) -> Iterator[Finding]:
    """Look up each function by its qualified ARN, and try the call without running it where the asker may call."""
    for name, function in place.rewards.items():
        yield _reward(place, name, function)


def concurrency(place: Place) -> Iterator[Finding]:
    """Compare the calls at once that each reward function can have with what the job is expected to make."""
    limit = place.clients.functions.get_account_settings()["AccountLimit"]
    pool = limit.get("UnreservedConcurrentExecutions", 0)
    for name, function in place.rewards.items():
        try:
            found = place.clients.functions.get_function_concurrency(FunctionName=function)
        except ClientError as error:
            yield unanswered("concurrency", error, "lambda:GetFunctionConcurrency")
            continue
        reserved = found.get("ReservedConcurrentExecutions")
        room, whose = (pool, "in the account's pool") if reserved is None else (reserved, "set aside")
        yield _headroom(name, room, whose, place.concurrency)


def _reward(place: Place, name: str, function: str) -> Finding:
    try:
        alias = place.clients.functions.get_alias(FunctionName=function, Name=LIVE)
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            return unanswered("reward", error, "lambda:GetAlias")
        return Finding(
            check="reward",
            severity=Severity.ERROR,
            found=f"reward {name}: the function {function} has no alias `{LIVE}`",
            remedy="deploy the stack again",
        )
    words = f"reward {name}: version {alias['FunctionVersion']} of {function}"
    if not place.invokes:
        return Finding(check="reward", severity=Severity.OK, found=f"{words} is published")
    try:
        place.clients.functions.invoke(FunctionName=function, Qualifier=LIVE, InvocationType="DryRun")
    except ClientError as error:
        return unanswered("reward", error, "lambda:InvokeFunction")
    return Finding(check="reward", severity=Severity.OK, found=f"{words} can be called by its qualified ARN")


def _headroom(name: str, room: int, whose: str, needed: int | None) -> Finding:
    words = f"reward {name}: {room:,} calls at once {whose}"
    if needed is not None:
        words += f", {needed:,} grade a step within a minute when grading is slow"
    if needed is not None and room < needed:
        return Finding(
            check="concurrency",
            severity=Severity.WARNING,
            found=words,
            remedy="raise the account's concurrent executions, or set `reward_concurrency` in RftConfig",
        )
    if room <= _NEW_ACCOUNT:
        return Finding(
            check="concurrency",
            severity=Severity.WARNING,
            found=f"{words}, as in a new account",
            remedy="ask for more concurrent executions in the Service Quotas console",
        )
    return Finding(check="concurrency", severity=Severity.OK, found=words)

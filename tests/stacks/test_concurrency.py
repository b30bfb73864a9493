"""Warnings at synth about calls that are set aside."""

from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Annotations, Match

from stacks.concurrency import check_concurrency
from stacks.config import ENVIRONMENTS

DEV = next(config for config in ENVIRONMENTS if config.environment == "dev")


def warnings(*reserved: int | None, **config: Any) -> list[str]:
    """Return the warnings of an environment whose functions set aside so many calls each."""
    stack = Stack(App(), "Stack")
    for place, calls in enumerate(reserved):
        lambda_.Function(
            stack,
            f"Function{place}",
            code=lambda_.Code.from_inline("pass"),
            handler="index.handler",
            runtime=lambda_.Runtime.PYTHON_3_13,
            reserved_concurrent_executions=calls,
        )
    check_concurrency(stack, replace(DEV, **config))
    found = Annotations.from_stack(stack).find_warning("*", Match.any_value())
    return [str(message.entry.data) for message in found]


@pytest.mark.parametrize(
    ("reserved", "config"),
    [
        ((None, 500, 400), {}),
        ((500, 400), {"account_concurrency": 1000}),
        ((None, None), {"account_concurrency": 101}),
        ((), {"reward_concurrency": 32, "max_concurrency": 20}),
    ],
)
def test_what_fits_is_not_mentioned(reserved: tuple[int | None, ...], config: dict[str, Any]) -> None:
    assert warnings(*reserved, **config) == []


def test_more_than_the_account_can_set_aside() -> None:
    (words,) = warnings(500, None, 401, account_concurrency=1000)
    assert words.startswith("dev: 901 calls at once are set aside, account_concurrency is 1,000, and Lambda keeps 100")


def test_too_little_for_evaluation_and_job_at_once() -> None:
    (words,) = warnings(reward_concurrency=31, max_concurrency=20)
    assert "reward_concurrency is 31, but 20 shards (max_concurrency) and a job, with about 12 calls" in words
    assert "32 would do" in words


def test_the_stack_of_an_environment_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    from stacks import platform_stack

    checked = []
    monkeypatch.setattr(platform_stack, "check_concurrency", lambda stack, config: checked.append((stack, config)))
    stack = platform_stack.RftPlatformStack(App(), "Rft", config=ENVIRONMENTS[0])
    assert checked == [(stack, ENVIRONMENTS[0])]


def test_an_account_without_calls_is_refused() -> None:
    with pytest.raises(ValueError, match="dev: account_concurrency: got 0, wanted 1 or more, or None"):
        replace(DEV, account_concurrency=0)

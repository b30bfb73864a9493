"""The breaker: one invalid rollout in a hundred never ends a job, one in five always does, at any event size."""

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft_contract.outcomes import RunStopped
from rft_runtime.detectors import FEWEST_ROLLOUTS, PATIENCE, GradedRollouts, Strikes, invalid_share
from rft_runtime.training import poll_training, start_training
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.service_models import aws_error
from tests.unit.test_runtime_workflow import RUN, certified, record

EVENT_SIZES = (1, 8, 64, 8192)
LIMIT = 0.05


def periods(draw: random.Random, share: float, size: int) -> list[GradedRollouts]:
    """A job of 24,000 rollouts, an event a period; each rollout fails on its own."""
    counts = [sum(draw.random() < share for _ in range(size)) for _ in range(max(3, 24_000 // size))]
    return [GradedRollouts(size - invalid, invalid) for invalid in counts]


def stopped_at(found: list[GradedRollouts]) -> int | None:
    """The look at which the breaker stops a job that is looked at after every period."""
    strikes = Strikes()
    for look in range(1, len(found) + 1):
        strikes = strikes.after(found[:look], LIMIT)
        if strikes.looks == PATIENCE:
            return look
    return None


@pytest.mark.parametrize("size", EVENT_SIZES)
def test_one_percent_never_ends_a_job(size: int) -> None:
    draw = random.Random(size)
    assert all(stopped_at(periods(draw, 0.01, size)) is None for _ in range(3 if size == 1 else 10))


@pytest.mark.parametrize("size", EVENT_SIZES)
def test_twenty_percent_always_do_at_the_second_look(size: int) -> None:
    draw = random.Random(size)
    first = -(-FEWEST_ROLLOUTS // size)  # the look with enough rollouts
    for _ in range(20):
        assert stopped_at(periods(draw, 0.2, size)) == first + 1


def test_whole_events_that_fail_now_and_then_are_no_reason() -> None:
    draw = random.Random(0)
    for _ in range(10):
        assert stopped_at([GradedRollouts(*((0, 8) if draw.random() < 0.002 else (8, 0))) for _ in range(3000)]) is None


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), max_size=30))
def test_only_the_newest_rollouts_count(counts: list[tuple[int, int]]) -> None:
    found = [GradedRollouts(*count) for count in counts]
    share = invalid_share(found)
    if sum(map(sum, counts)) < FEWEST_ROLLOUTS:
        assert share is None
    else:
        assert share is not None and 0 <= share <= 1
        assert invalid_share([GradedRollouts(0, 10_000), *found]) == share


@pytest.mark.parametrize("size", EVENT_SIZES)
def test_the_same_rollouts_never_count_twice(size: int) -> None:
    draw = random.Random(size)
    found = periods(draw, 0.2, size)
    first = found[: -(-FEWEST_ROLLOUTS // size)]
    strikes = Strikes()
    for _ in range(10):
        strikes = strikes.after(first, LIMIT)
    assert strikes.looks == 1
    assert strikes.after(found[: len(first) + 1], LIMIT).looks == PATIENCE


def test_a_job_whose_rewards_are_invalid_is_stopped_at_the_second_look_that_finds_new_ones() -> None:
    aws = training(400, 100)
    for _ in range(3):
        poll_training(aws.platform(), RUN, 1)
        assert record(aws)["invalid_strikes"] == 1
    aws.cloudwatch.minutes[max(aws.cloudwatch.minutes) + timedelta(milliseconds=1)] = (40, 10)
    with pytest.raises(RunStopped, match=r"invalid rewards: 20.0 % of the last rollouts"):
        poll_training(aws.platform(), RUN, 1)
    assert aws.bedrock.job()["status"] in ("Stopping", "Stopped")


def test_a_job_that_recovers_goes_on() -> None:
    aws = training(400, 100)
    poll_training(aws.platform(), RUN, 1)
    moment = max(aws.cloudwatch.minutes)
    aws.cloudwatch.minutes[moment + timedelta(milliseconds=1)] = (600, 0)
    poll_training(aws.platform(), RUN, 1)
    assert record(aws)["invalid_strikes"] == 0


def test_metrics_that_cannot_be_read_stop_nothing_and_are_noted() -> None:
    aws = training(0, 1000)
    for code in ("AccessDenied", "Throttling"):
        aws.cloudwatch.error = aws_error(code, "GetMetricData")
        poll_training(aws.platform(), RUN, 1)
        assert f"GetMetricData: {code}" in record(aws)["unwatched"]
    assert record(aws)["invalid_strikes"] == 0
    aws.cloudwatch.error = None
    poll_training(aws.platform(), RUN, 1)
    assert (record(aws)["unwatched"], record(aws)["invalid_strikes"]) == (None, 1)


def training(valid: int, invalid: int) -> FakeAws:
    """A run whose job goes on, with what its reward function counted in the first minute."""
    aws = certified()
    start_training(aws.platform(), RUN)
    created = aws.bedrock.job()["creationTime"]
    aws.cloudwatch.minutes = {created + timedelta(milliseconds=1): (valid, invalid)}
    return aws

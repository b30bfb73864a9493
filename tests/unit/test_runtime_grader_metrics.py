"""How long grading takes: measured where enough was measured, assumed elsewhere, and said either way."""

from datetime import UTC, datetime

import pytest

from rft_contract.metrics import MetricName
from rft_contract.reward_facts import JudgeFacts, RewardFacts
from rft_runtime.grader_metrics import FEWEST_EVENTS, grader_time
from rft_runtime.planning.cost import estimate
from rft_runtime.planning.grader_time import GraderTime, assumed_time, recommended_concurrency
from rft_runtime.planning.quantity import Quantity
from tests.unit.fakes.account import SETTINGS
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.cloudwatch import FakeCloudWatch
from tests.unit.fakes.recipe import upload
from tests.unit.fakes.service_models import aws_error
from tests.unit.test_runtime_cost import RULES, recipe, sizes
from tests.unit.test_runtime_workflow import RUN, planned

NOW = datetime(2026, 11, 30, tzinfo=UTC)
MEASURED = {"fast": 20.0, "slow": 1500.0, "events": 400.0}


def asked(cloudwatch: FakeCloudWatch, facts: RewardFacts = RULES) -> GraderTime:
    return grader_time(cloudwatch, environment="dev", reward="tickets", facts=facts, now=NOW)  # type: ignore[arg-type]  # a fake client


def test_what_was_measured_is_the_range() -> None:
    found = asked(FakeCloudWatch(totals=MEASURED))
    assert found.seconds == Quantity(0.02, 1.5)
    assert found.words() == (
        "0.02 to 1.5 s of the reward function, as measured on 400 of its events in the last 14 days (p10 to p99)"
    )


@pytest.mark.parametrize("totals", [{}, {**MEASURED, "events": FEWEST_EVENTS - 1}, {"events": 400.0}])
def test_too_few_events_leave_the_assumption(totals: dict[str, float]) -> None:
    judged = RewardFacts(judges=(JudgeFacts(samples=2),))
    found = asked(FakeCloudWatch(totals=totals), judged)
    assert found == assumed_time(judged)
    assert found.words() == (
        "1 to 40 s of the reward function, assumed for its kinds of graders, because it was not measured yet"
    )


def test_metrics_that_may_not_be_read_leave_the_assumption() -> None:
    cloudwatch = FakeCloudWatch(totals=MEASURED, error=aws_error("AccessDenied", "GetMetricData"))
    assert asked(cloudwatch) == assumed_time(RULES)


def test_the_metric_is_the_rewards_own() -> None:
    requests = []

    class Listening(FakeCloudWatch):
        def paginate(self, **request: object):  # type: ignore[no-untyped-def]  # as its parent
            requests.append(request)
            return super().paginate(**request)

    asked(Listening(totals=MEASURED))
    (request,) = requests
    stats = [query["MetricStat"] for query in request["MetricDataQueries"]]  # type: ignore[attr-defined]  # a request
    assert {stat["Metric"]["MetricName"] for stat in stats} == {MetricName.ROLLOUT_MILLISECONDS}
    assert [stat["Stat"] for stat in stats] == ["p10", "p99", "SampleCount"]
    assert stats[0]["Metric"]["Dimensions"] == [
        {"Name": "Environment", "Value": "dev"},
        {"Name": "Reward", "Value": "tickets"},
    ]


def test_estimate_and_reservation_follow_the_measurement() -> None:
    made, time = (
        recipe(hyperparameters={"batchSize": 128, "trainingSamplePerPrompt": 8}),
        asked(FakeCloudWatch(totals=MEASURED)),
    )
    found = estimate(
        made, sizes(train=100, held_out=30), RULES, SETTINGS, has_live=False, hours_beside_training=12, time=time
    )
    assert found.grader_gb_seconds == found.rollouts.times(0.02, 1.5)
    assert found.grader_calls_at_once == recommended_concurrency(made, time) == 26  # ceil(1024 x 1.5 / 60)
    assert ("reward concurrency", "26 calls at once grade a step within a minute") in list(found.lines())
    assert any("as measured on 400" in words for words in found.assumptions)


def test_plan_reads_what_earlier_runs_measured() -> None:
    aws = FakeAws()
    upload(aws)
    aws.cloudwatch.totals = MEASURED
    planned(aws)
    expected = aws.platform().runs.load(RUN).estimate
    assert expected is not None
    assert any("as measured on 400" in words for words in expected.assumptions)

"""Limits while a run goes on: what it has used, at least and at most, and when that ends it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rft_contract.layout import RunKeys
from rft_contract.outcomes import Outcome, OverLimit
from rft_contract.prices import Unit
from rft_contract.recipe import Recipe
from rft_contract.recipe_sections import Limits, Money
from rft_runtime.closing import close_run
from rft_runtime.ending import Ending
from rft_runtime.graded import Drawn, GradedCompletion
from rft_runtime.planning.limits import against_limits, exceeded
from rft_runtime.planning.money import priced
from rft_runtime.planning.quantity import Quantity
from rft_runtime.planning.spending import RunTotals, used_so_far, work_of
from rft_runtime.planning.usage import Usage, Work
from rft_runtime.run_record import RunRecord
from rft_runtime.run_use import note_use
from rft_runtime.training import poll_training, start_training
from tests.unit.fakes.account import EXECUTION
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.service_models import aws_error
from tests.unit.test_runtime_cost import RULES, expected, price, prices, recipe, sizes
from tests.unit.test_runtime_detectors import training
from tests.unit.test_runtime_workflow import MODEL_ARN, RUN, certified, record

SEEN = RunTotals(
    training=800,
    validation=100,
    invalid=30,
    unanswered=20,
    prompt_characters=50_000,
    completion_characters=200_000,
    grade_seconds=90,
    judge_calls=500,
    judge_tokens_in=40_000,
    judge_tokens_out=5_000,
)


def used(totals: RunTotals = SEEN, *, over: dict[str, Work] | None = None, hours: float = 2.0) -> Usage:
    made: Recipe = recipe(hyperparameters={"batchSize": 32, "trainingSamplePerPrompt": 4, "inferenceMaxTokens": 1000})
    estimate = expected(made, sizes(train=1000, held_out=30))
    return used_so_far(made, estimate, RULES, totals, over=over or {}, training_hours=hours)


def test_what_was_used_by_hand() -> None:
    found = used()
    training = found.parts["training"]
    assert training.rollouts == Quantity(800, 850)
    assert training.tokens_in == Quantity(50_000 / 5, 950 * 20)
    assert training.tokens_out == Quantity(200_000 / 5, 950 * 1000)
    assert found.parts["validation"].rollouts == Quantity(100, 100)
    assert found.steps == Quantity(6, 6)
    assert (found.judge.calls, found.judge.tokens_in.low, found.judge.tokens_out.low) == (Quantity(500, 500), 4e4, 5e3)
    assert found.grader_gb_seconds == Quantity(90, 90)
    assert (found.training_hours, found.deployment_hours) == (Quantity(2, 2), Quantity(0, 0))


def test_a_run_that_was_not_seen_has_used_nothing_for_certain() -> None:
    found = used(RunTotals(), hours=0)
    assert (found.rollouts, found.tokens_in, found.tokens_out) == (Quantity(0, 0), Quantity(0, 0), Quantity(0, 0))
    assert exceeded(Limits(rollouts=1, tokens=1, judge_calls=1), found) == []


def test_parts_that_are_over_count_with_what_they_drew() -> None:
    planned = Work(rollouts=Quantity(200, 200), tokens_in=Quantity(1000, 3000), tokens_out=Quantity(200, 9000))
    over = {"probe": work_of(planned, rollouts=100, tokens_out=700)}
    assert over["probe"] == Work(
        rollouts=Quantity(100, 100), tokens_in=Quantity(500, 1500), tokens_out=Quantity(700, 700)
    )
    assert used(over=over).tokens_out.low == used().tokens_out.low + 700


def test_an_answer_that_did_not_come_costs_nothing() -> None:
    def completion(stop_reason: str, tokens: int) -> GradedCompletion:
        return GradedCompletion(
            row=0,
            sample=0,
            reward=None,
            invalid=None,
            components={},
            tokens_out=tokens,
            stop_reason=stop_reason,
            completion="",
        )

    drawn = Drawn()
    passed = list(drawn.counting([completion("end_turn", 7), completion("", 0), completion("max_tokens", 9)]))
    assert (len(passed), drawn) == (3, Drawn(rollouts=2, tokens_out=16))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(rollouts=800), []),
        (Limits(rollouts=799), ["recipe.limits.rollouts: 799 allowed, 800 to 850 used"]),
        (Limits(tokens=50_000), []),
        (Limits(tokens=49_999), ["recipe.limits.tokens: 49,999 allowed, 50,000 to 969,000 used"]),
        (Limits(judge_calls=500), []),
        (Limits(judge_calls=499), ["recipe.limits.judge_calls: 499 allowed, 500 used"]),
    ],
)
def test_only_what_is_certain_passes_a_limit(limits: Limits, words: list[str]) -> None:
    assert exceeded(limits, used()) == words


def test_money_is_what_was_used_times_its_price() -> None:
    told = [*prices(judge_million_tokens_in=2.0), price(Unit.TRAINING_HOUR, 10)]
    found = priced(used(), told, datetime(2026, 11, 25, tzinfo=UTC).date())
    assert found.cost is not None
    assert found.cost.total.low == pytest.approx(2 * 10 + 0.04 * 2)
    assert exceeded(Limits(money=Money(amount=20.08, currency="USD")), found) == []
    (words,) = exceeded(Limits(money=Money(amount=20, currency="USD")), found)
    assert words == "recipe.limits.money: 20 USD allowed, 20.08 USD used"
    assert exceeded(Limits(money=Money(amount=20, currency="USD")), used()) == []


def test_used_against_limit_for_people() -> None:
    assert list(against_limits(Limits(hours=8, tokens=100_000), used())) == [
        ("hours of training", "2", "8"),
        ("rollouts of training", "800 to 850", ""),
        ("tokens", "50,000 to 969,000", "100,000"),
        ("judge calls", "500", ""),
    ]


@given(
    st.builds(
        RunTotals,
        training=st.integers(0, 10**6),
        validation=st.integers(0, 10**5),
        invalid=st.integers(0, 10**5),
        unanswered=st.integers(0, 10**5),
        prompt_characters=st.integers(0, 10**9),
        completion_characters=st.integers(0, 10**9),
    )
)
def test_every_range_has_its_ends_in_order(totals: RunTotals) -> None:
    found = used(totals)
    for work in found.parts.values():
        for quantity in (work.rollouts, work.tokens_in, work.tokens_out):
            assert 0 <= quantity.low <= quantity.high


def running(**limits: Any) -> FakeAws:
    """A run whose job goes on."""
    aws = certified(limits=limits)
    start_training(aws.platform(), RUN)
    return aws


@pytest.mark.parametrize(
    ("limits", "totals", "reason"),
    [
        ({"rollouts": 900}, {"training": 901}, r"limits.rollouts: 900 allowed, 901 used; the customization job was st"),
        ({"tokens": 10**6}, {"completion_characters": 6e6}, r"limits.tokens: 1,000,000 allowed, 1,200,000 used"),
        ({"judge_calls": 50}, {"judge_calls": 51}, r"limits.judge_calls: 50 allowed, 51 used"),
    ],
)
def test_a_job_that_passes_a_limit_is_stopped(limits: dict[str, int], totals: dict[str, float], reason: str) -> None:
    aws = running(**limits)
    poll_training(aws.platform(), RUN, 1)
    aws.cloudwatch.totals = totals
    with pytest.raises(OverLimit, match=reason):
        poll_training(aws.platform(), RUN, 1)
    assert aws.bedrock.job()["status"] in ("Stopping", "Stopped")


def test_a_limit_that_only_the_high_end_passes_stops_nothing() -> None:
    aws = running(rollouts=900)
    aws.cloudwatch.totals = {"training": 900, "invalid": 5}
    poll_training(aws.platform(), RUN, 1)
    assert record(aws)["used"]["parts"]["training"]["rollouts"] == {"low": 900, "high": 905}


def test_metrics_that_cannot_be_read_stop_nothing_and_keep_what_was_known() -> None:
    aws = running(rollouts=900)
    aws.cloudwatch.totals = {"training": 800}
    poll_training(aws.platform(), RUN, 1)
    aws.cloudwatch.totals = {"training": 5000}
    aws.cloudwatch.error = aws_error("AccessDenied", "GetMetricData")
    poll_training(aws.platform(), RUN, 1)
    assert record(aws)["used"]["parts"]["training"]["rollouts"]["low"] == 800
    assert "GetMetricData" in record(aws)["unwatched"]
    aws.cloudwatch.error = None
    note_use(aws.platform(), aws.platform().runs.load(RUN), datetime.now(UTC))
    assert record(aws)["unwatched"] is None


def test_what_certify_and_probe_asked_of_a_judge_can_keep_the_job_from_being_started() -> None:
    aws = certified(limits={"judge_calls": 50})
    aws.cloudwatch.totals = {"judge_calls": 60}
    with pytest.raises(OverLimit, match=r"^recipe.limits.judge_calls: 50 allowed, 60 used$"):
        start_training(aws.platform(), RUN)
    assert "CreateModelCustomizationJob" not in aws.bedrock.calls


def test_a_job_that_was_complete_when_a_limit_was_found_passed_is_not_stopped() -> None:
    aws = running(rollouts=900)
    aws.cloudwatch.totals = {"training": 1000}
    aws.bedrock.job().update(status="Completed", outputModelArn=MODEL_ARN)
    with pytest.raises(OverLimit, match="was complete, and nothing more is spent"):
        poll_training(aws.platform(), RUN, 1)
    assert "StopModelCustomizationJob" not in aws.bedrock.calls
    assert record(aws)["model_arn"] == MODEL_ARN


def test_money_is_counted_with_the_prices_of_the_plan() -> None:
    aws = training(400, 0)
    told = [price(Unit.TRAINING_HOUR, 100.0).to_json()]
    now = datetime.now(UTC)
    current = aws.platform().runs.set(RUN, prices=told, job_started=now - timedelta(hours=3))
    cost = note_use(aws.platform(), current, now).used
    assert cost is not None and cost.cost is not None
    assert cost.cost.total.low == pytest.approx(300)


def test_a_run_without_an_estimate_is_left_alone() -> None:
    aws = FakeAws()
    unplanned = RunRecord(run_id=RUN, environment="dev", started=datetime.now(UTC))
    assert note_use(aws.platform(), unplanned, datetime.now(UTC)) == unplanned


def test_the_report_shows_what_was_used_against_the_limits() -> None:
    aws = running(rollouts=900)
    aws.cloudwatch.totals = {"training": 901, "completion_characters": 5000}
    with pytest.raises(OverLimit) as passed:
        poll_training(aws.platform(), RUN, 1)
    close_run(aws.platform(), RUN, Ending(Outcome.OVER_LIMIT, str(passed.value)), EXECUTION + RUN)
    markdown = aws.s3.objects[RunKeys(RUN).report_markdown].decode()
    section = markdown.split("## Used\n")[1].split("\n## ")[0]
    assert "| rollouts of training | 901 | 900 |" in section
    assert "| tokens | 1,000 to " in section

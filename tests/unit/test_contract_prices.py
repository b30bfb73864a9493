"""Prices have a unit, a currency, a source and a date, or are refused."""

from datetime import date
from typing import Any

import pytest

from rft_contract.json_value import JsonObject
from rft_contract.plan_facts import PlanFacts
from rft_contract.prices import Unit, UnitPrice, check_prices
from rft_contract.reward_facts import JudgeFacts, RewardFacts
from rft_contract.reward_spec import RewardSpec
from tests.unit.fakes.account import RESOURCES, SETTINGS

LEGAL: dict[str, Any] = {
    "unit": "training-hour",
    "amount": 2.5,
    "currency": "USD",
    "source": "https://aws.amazon.com/bedrock/pricing",
    "date": "2026-11-01",
}


def test_a_price_reads_back_equal() -> None:
    price = UnitPrice(**LEGAL)
    assert UnitPrice.from_json(price.to_json()) == price


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"unit": "hour"}, "wanted one of training-hour"),
        ({"amount": -1}, "wanted 0 or more"),
        ({"amount": float("nan")}, "wanted 0 or more"),
        ({"amount": True}, "wanted a number"),
        ({"currency": "dollars"}, "three capital letters"),
        ({"source": "a colleague"}, "https://"),
        ({"date": "11/01/2026"}, "YYYY-MM-DD"),
        ({"date": 20261101}, "YYYY-MM-DD"),
        ({"region": "us-east-1"}, "region"),
    ],
)
def test_a_price_that_nobody_could_check_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        UnitPrice.from_json({**LEGAL, **changes})
    assert "\n" not in str(error.value)


def test_a_price_is_old_after_ninety_days() -> None:
    price = UnitPrice(**LEGAL)
    assert not price.is_old(date(2027, 1, 30))
    assert price.is_old(date(2027, 1, 31))


def test_a_unit_has_one_price() -> None:
    price = UnitPrice(**LEGAL)
    check_prices([price, UnitPrice(**{**LEGAL, "unit": Unit.DEPLOYMENT_HOUR})])
    with pytest.raises(ValueError, match=r"prices\.training-hour: given twice"):
        check_prices([price, price])


def test_what_the_stack_tells_plan_reads_back_equal() -> None:
    facts = PlanFacts(settings=SETTINGS, resources=RESOURCES, prices=(UnitPrice(**LEGAL),), hours_beside_training=3)
    assert PlanFacts.from_json({**facts.to_json(), "run_id.$": "$.run_id"}) == facts


def test_the_facts_of_a_reward_come_from_its_spec() -> None:
    judge: JsonObject = {"grader": "judge", "options": {"model": "m", "samples": 3, "rubric": "é"}}
    parts: JsonObject = {"graders": [{**judge, "weight": 1.0}, {"grader": "code", "weight": 1.0}]}
    spec = RewardSpec(name="mixed", grader="compose", options=parts, floor=-1.0)
    facts = RewardFacts.of(spec, memory_mib=512)
    assert (facts.span, facts.memory_mib, facts.runs_programs) == (2.0, 512, True)
    assert facts.judges == (JudgeFacts(samples=3, rubric_bytes=2),)
    assert RewardFacts.from_json(facts.to_json()) == facts
    assert RewardFacts.of(None).span is None


def test_a_judge_behind_another_grader_is_not_always_asked() -> None:
    options: JsonObject = {"model": "m", "verify": {"grader": "math"}}
    assert not RewardFacts.of(RewardSpec(name="a", grader="verified_judge", options=options)).judges[0].always

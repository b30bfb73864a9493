"""The range of what a run uses, its limits, and its price."""

import gzip
import io
import json
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.outcomes import InvalidDataset, OverLimit, RunFailed
from rft_contract.plan_facts import PlanFacts
from rft_contract.prices import Unit, UnitPrice
from rft_contract.recipe import Recipe
from rft_contract.reward_facts import JudgeFacts, RewardFacts
from rft_runtime.planning.cost import estimate
from rft_runtime.planning.expectation import Expectation, expect, require_different
from rft_runtime.planning.limits import check_limits
from rft_runtime.planning.money import cost_of, priced, quantities_of
from rft_runtime.planning.prompt_sizes import PromptSizes, read_prompt_sizes
from rft_runtime.planning.quantity import Quantity
from rft_runtime.planning.usage import Usage
from tests.unit.fakes.account import RESOURCES, SETTINGS
from tests.unit.fakes.recipe import dataset, recipe_json

TODAY = date(2026, 11, 25)
RULES = RewardFacts(floor=0.0, ceiling=1.0, memory_mib=1024)
JUDGED = RewardFacts(floor=0.0, ceiling=1.0, memory_mib=512, judges=(JudgeFacts(samples=2, max_tokens=100),))


def recipe(**changes: Any) -> Recipe:
    return Recipe.from_json(recipe_json(**changes))


def sizes(**rows: int) -> dict[str, PromptSizes]:
    return {split: PromptSizes(split, [10] * count, [20] * count) for split, count in rows.items()}


def expected(
    made: Recipe, found: dict[str, PromptSizes], facts: RewardFacts = RULES, *, has_live: bool = False
) -> Usage:
    return estimate(made, found, facts, SETTINGS, has_live=has_live, hours_beside_training=12)


def price(unit: str, amount: float = 1.0, **changes: Any) -> UnitPrice:
    told = {"unit": unit, "amount": amount, "currency": "USD", "source": "https://a", "date": "2026-11-01", **changes}
    return UnitPrice(**told)


def prices(**amounts: float) -> list[UnitPrice]:
    """Return a price of 0 for every unit but the two of training, and the named ones."""
    free = {unit.value: 0.0 for unit in Unit if unit not in (Unit.TRAINING_HOUR, Unit.TRAINING_MILLION_TOKENS)}
    named = {name.replace("_", "-"): amount for name, amount in amounts.items()}
    return [price(unit, amount) for unit, amount in {**free, **named}.items()]


def test_the_parts_of_a_run_by_hand() -> None:
    made = recipe(
        hyperparameters={"epochCount": 2, "batchSize": 32, "trainingSamplePerPrompt": 4, "inferenceMaxTokens": 100},
        probe={"prompts": 50, "samples": 4},
        gate={"samples_per_prompt": 3},
    )
    found = expected(made, sizes(train=100, held_out=30, **{"guard-old": 10}), has_live=True)
    assert found.steps == Quantity(8, 8)
    training = found.parts["training"]
    assert training.rollouts == Quantity(100 * 2 * 4, 8 * 32 * 4)
    assert training.tokens_in == Quantity(10 * 800, 20 * 1024)
    assert training.tokens_out == Quantity(800, 1024 * 100)
    assert found.parts["probe"].rollouts == Quantity(200, 200)
    assert found.parts["probe"].tokens_in == Quantity(2000, 4000)
    assert found.parts["base"].rollouts == found.parts["candidate"].rollouts == Quantity(160, 160)
    assert found.parts["live"].rollouts == Quantity(120, 120)
    assert found.training_hours == Quantity(0, 24)
    assert found.grader_gb_seconds == found.rollouts.times(0.0002, 0.05)
    assert not found.judge.calls.high


def test_prompts_that_may_be_too_long_widen_the_range() -> None:
    train = PromptSizes("train", [10] * 64 + [90] * 64 + [200] * 64, [20] * 64 + [120] * 64 + [300] * 64)
    made = recipe(hyperparameters={"maxPromptLength": 100, "batchSize": 32, "trainingSamplePerPrompt": 2})
    found = expected(made, {"train": train, **sizes(held_out=10)})
    assert found.steps == Quantity(2, 4)
    assert found.parts["training"].rollouts == Quantity(128, 256)
    assert found.parts["training"].tokens_in == Quantity(64 * 10 * 2, (64 * 20 + 64 * 100) * 2)


def test_validation_counts_only_where_the_environment_passes_it() -> None:
    found = sizes(train=100, held_out=10, validation=20)
    made = recipe(datasets={"train": "s3://b/a", "held_out": "s3://b/h", "validation": "s3://b/v"})
    assert expected(made, found).parts["validation"].rollouts == Quantity(0, 40)


@settings(max_examples=100, derandomize=True)
@given(
    st.integers(1, 300),
    st.integers(1, 100),
    st.integers(1, 4),
    st.integers(16, 128),
    st.integers(2, 16),
    st.integers(0, 300),
    st.sampled_from([RULES, JUDGED, RewardFacts()]),
)
def test_no_range_is_upside_down(
    rows: int, held_out: int, epochs: int, batch: int, samples: int, probed: int, facts: RewardFacts
) -> None:
    job = {"epochCount": epochs, "batchSize": batch, "trainingSamplePerPrompt": samples}
    found = expected(
        recipe(hyperparameters=job, probe={"prompts": probed}), sizes(train=rows, held_out=held_out), facts
    )
    judge = found.judge
    for quantity in (
        *quantities_of(found).values(),
        *(part for work in found.parts.values() for part in (work.rollouts, work.tokens_in, work.tokens_out)),
        judge.calls,
        judge.tokens_in,
        judge.tokens_out,
    ):
        assert 0 <= quantity.low <= quantity.high
    assert all(words for _, words in found.lines())


def test_a_judge_is_asked_for_every_rollout_at_most() -> None:
    found = expected(recipe(probe={"prompts": 0}), sizes(train=128, held_out=50), JUDGED)
    rollouts = found.rollouts.high
    assert found.judge.calls.high == rollouts * 2 + 2 * 1000
    assert 0 < found.judge.calls.low < rollouts
    gated = RewardFacts(floor=0, ceiling=1, judges=(JudgeFacts(always=False),))
    assert expected(recipe(), sizes(train=128, held_out=50), gated).judge.calls.low == 0


def test_a_limit_that_even_the_low_end_exceeds_ends_the_run() -> None:
    found = expected(recipe(), sizes(train=100, held_out=100), JUDGED)
    for name, words in (("rollouts", "800 to 1,024 needed"), ("tokens", "needed"), ("judge_calls", "needed")):
        with pytest.raises(OverLimit, match=f"recipe.limits.{name}: 10 allowed, .*{words}"):
            check_limits(recipe(limits={name: 10}).limits, found)


def test_a_limit_between_the_ends_is_a_warning() -> None:
    made = recipe(limits={"rollouts": 900})
    found = expected(made, sizes(train=100, held_out=100))
    (warning,) = check_limits(made.limits, found)
    assert warning.startswith("recipe.limits.rollouts: 900 allowed, 800 to 1,024 needed: the run may exceed")
    assert check_limits(recipe(limits={"rollouts": 1024}).limits, found) == []


def test_money_without_a_price_is_refused_by_the_units_name() -> None:
    made = recipe(limits={"money": {"amount": 10, "currency": "USD"}})
    found = expected(made, sizes(train=100, held_out=100))
    with pytest.raises(RunFailed, match="the environment has no prices, and none are invented"):
        check_limits(made.limits, found)
    for missing, listed in (
        ("training-hour or training-million-tokens", prices()),
        ("deployment-hour", [item for item in prices(training_hour=1) if item.unit != Unit.DEPLOYMENT_HOUR]),
    ):
        with pytest.raises(RunFailed, match=f"no price for {missing}; add it"):
            check_limits(made.limits, priced(found, listed, TODAY))
    with pytest.raises(RunFailed, match="got EUR, the environment's prices are in USD"):
        euros = recipe(limits={"money": {"amount": 10, "currency": "EUR"}}).limits
        check_limits(euros, priced(found, prices(training_hour=1), TODAY))


def test_judge_prices_are_needed_only_with_a_judge() -> None:
    listed = [item for item in prices(training_hour=1) if not item.unit.startswith("judge")]
    small = sizes(train=100, held_out=100)
    plain = cost_of(expected(recipe(), small), listed, TODAY)
    judged = cost_of(expected(recipe(), small, JUDGED), listed, TODAY)
    assert plain is not None
    assert judged is not None
    assert plain.without_price == []
    assert judged.without_price == ["judge-million-tokens-in", "judge-million-tokens-out"]


def test_money_is_limited_by_its_low_end() -> None:
    found = expected(recipe(), sizes(train=100, held_out=100))
    by_tokens = priced(found, prices(training_million_tokens=1_000_000.0), TODAY)
    assert by_tokens.cost is not None
    training = found.parts["training"]
    assert by_tokens.cost.total.low == pytest.approx(training.tokens_in.low + training.tokens_out.low)
    with pytest.raises(OverLimit, match=r"recipe\.limits\.money: 10 USD allowed"):
        check_limits(recipe(limits={"money": {"amount": 10, "currency": "USD"}}).limits, by_tokens)
    by_hours = priced(found, prices(training_hour=2.0), TODAY)
    assert by_hours.cost is not None
    assert by_hours.cost.total == Quantity(0, 48)
    (warning,) = check_limits(recipe(limits={"money": {"amount": 10, "currency": "USD"}}).limits, by_hours)
    assert "0 to 48 USD needed" in warning


def test_old_prices_warn_and_two_currencies_are_refused() -> None:
    found = expected(recipe(), sizes(train=100, held_out=100))
    old = priced(found, [price(Unit.TRAINING_HOUR, date="2026-01-01")], TODAY)
    assert old.warnings == ["prices read more than 90 days ago: training-hour; read them again"]
    with pytest.raises(ValueError, match="EUR, USD, wanted one"):
        priced(found, [price(Unit.TRAINING_HOUR), price(Unit.DEPLOYMENT_HOUR, currency="EUR")], TODAY)


def test_a_reward_of_another_stack_has_no_cost() -> None:
    made = recipe(limits={"money": {"amount": 10, "currency": "USD"}})
    found = expected(made, sizes(train=100, held_out=100), RewardFacts())
    assert found.grader_gb_seconds is None
    assert "belongs to another stack" in " ".join(found.assumptions)
    with pytest.raises(RunFailed, match="belongs to another stack"):
        check_limits(made.limits, priced(found, prices(training_hour=1), TODAY))


def test_prompt_sizes_are_read_from_rows_good_and_bad() -> None:
    lines = dataset("train", 3) + b"not a row\n"
    read = read_prompt_sizes(io.BytesIO(lines))
    assert read.rows == 4
    assert all(0 < low < high for low, high in zip(read.fewest[:3], read.most[:3], strict=True))
    assert (read.fewest[3], read.most[3]) == (0, 9)
    assert (read.grouped, read.groups, read.units) == (0, 0, 4)


def test_rows_of_one_group_are_one_unit() -> None:
    groups = (b'"a"', b'"a"', b'"b"', b'""', b"null", b"1", b"1.0")
    lines = b"".join(
        line.rstrip()[:-1] + b', "group": ' + group + b"}\n"
        for line, group in zip(dataset("held_out", len(groups)).splitlines(), groups, strict=True)
    )
    read = read_prompt_sizes(io.BytesIO(lines))
    assert (read.rows, read.grouped, read.groups, read.units) == (7, 5, 3, 5)


@pytest.mark.parametrize("group", ["1e999", '{"a": 1e999}', '"\\ud800"', "[" * 5000 + "]" * 5000])
def test_a_group_that_cannot_be_read_is_left_to_validate(group: str) -> None:
    line = dataset("held_out", 1).rstrip()[:-1] + f', "group": {group}}}\n'.encode()
    read = read_prompt_sizes(io.BytesIO(line))
    assert (read.rows, read.grouped, read.groups) == (1, 0, 0)
    assert (read.fewest[0], read.most[0]) == (0, len(line) - 1)


def test_the_same_prompts_are_the_same_set_however_they_are_written() -> None:
    lines = dataset("held_out", 5)
    digest = read_prompt_sizes(io.BytesIO(lines)).digest
    first, *rest = lines.splitlines(keepends=True)
    row = json.loads(first)
    row |= {"reference_answer": "another", "id": "another"}
    row["messages"][-1]["content"] = row["messages"][-1]["content"].upper().replace(" ", "\n ")
    same = (
        gzip.compress(lines),
        b"".join([*rest, first]),
        lines + first,
        b"".join([json.dumps(row).encode(), b"\n", *rest]),
    )
    assert {read_prompt_sizes(io.BytesIO(written)).digest for written in same} == {digest}
    assert read_prompt_sizes(io.BytesIO(b"".join(rest))).digest != digest
    assert read_prompt_sizes(io.BytesIO(lines + b"not a row\n")).digest != digest


def test_a_dataset_under_two_names_is_refused_but_a_guard_may_be_the_held_out_set() -> None:
    found = sizes(train=10, held_out=10)
    require_different({**found, "guard-a": found["held_out"]})
    for split in ("held_out", "guard-a", "validation"):
        with pytest.raises(InvalidDataset, match=f"datasets.{split}: the same prompts as datasets.train"):
            require_different({"train": found["train"], split: found["train"]})


def test_an_expectation_is_what_the_record_can_hold() -> None:
    facts = PlanFacts(settings=SETTINGS, resources=RESOURCES, prices=(price(Unit.TRAINING_HOUR),))
    found = expect(recipe(), sizes(train=100, held_out=100), facts, has_live=True, looks=3, today=TODAY)
    assert isinstance(found, Expectation)
    assert msgspec.json.decode(msgspec.json.encode(found.estimate), type=Usage) == found.estimate
    assert json.loads(msgspec.json.encode(found.gate_power))["level"] == 0.0125

"""Probe: what the base model is asked, what its rollouts mean, and what the job then reads."""

import io
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import msgspec
import pytest

from rft_contract.layout import RunKeys
from rft_contract.outcomes import Infeasible, Outcome, RunFailed, Transient, outcome_of
from rft_contract.plan_facts import PlanFacts
from rft_contract.prices import Unit, UnitPrice
from rft_contract.recipe import Recipe
from rft_contract.reward_facts import JudgeFacts, RewardFacts
from rft_contract.rollout_mark import FIELD
from rft_runtime.base_models import base_model
from rft_runtime.closing import close_run
from rft_runtime.conversation import Decoding, converse_request
from rft_runtime.ending import Ending, read_ending
from rft_runtime.frozen_data import freeze
from rft_runtime.graded import GradedCompletion
from rft_runtime.job import job_request
from rft_runtime.plan import plan
from rft_runtime.planning.expectation import expect
from rft_runtime.planning.prompt_sizes import PromptSizes, read_prompt_sizes
from rft_runtime.planning.quantity import Quantity
from rft_runtime.planning.usage import Usage
from rft_runtime.probing.probe import decide_probe, start_probe
from rft_runtime.probing.probe_sample import ProbeSample, samples_of
from rft_runtime.probing.probe_statistics import ProbedPrompt, measure
from rft_runtime.probing.probe_verdict import Verdict, always_solved, judge
from rft_runtime.report import decode_report
from rft_runtime.run_record import RunStore
from rft_runtime.shard_evaluation import evaluate_shard
from rft_runtime.shards import Shard, decode_shards
from rft_runtime.training import start_training
from rft_runtime.validation import validate
from tests.unit.fakes.account import BASE_MODEL, EXECUTION, REGION, RESOURCES, SETTINGS
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.recipe import recipe_json, upload

RUN = "tickets-1"
KEYS = RunKeys(RUN)
Rewards = Callable[[dict[str, Any]], float | None]


@cache
def frozen_objects() -> dict[str, bytes]:
    """Return the bucket of a frozen run, made once."""
    aws = FakeAws()
    upload(aws, train=150)
    facts = {"settings": SETTINGS.to_json(), "resources": RESOURCES.to_json()}
    plan(aws.platform(), run_id=RUN, execution=EXECUTION + RUN, recipe=recipe_json(), facts=facts)
    validate(aws.platform(), RUN)
    freeze(aws.platform(), RUN)
    return dict(aws.s3.objects)


def frozen(*, settings: dict[str, Any] | None = None, **changes: Any) -> FakeAws:
    aws = FakeAws()
    for key, body in frozen_objects().items():
        aws.s3.put(key, body)
    aws.functions.create_alias(FunctionName="dev-reward-label", Name=f"run-{RUN}", FunctionVersion="7")
    record = json.loads(aws.s3.objects[KEYS.record])
    record["recipe"] |= changes
    record["settings"] |= settings or {}
    aws.s3.put(KEYS.record, json.dumps(record).encode())
    return aws


def probed(grade: Rewards, *, settings: dict[str, Any] | None = None, **changes: Any) -> FakeAws:
    """Return a run whose probe waits for its verdict."""
    aws = frozen(settings=settings, **changes)
    aws.functions.grade = grade
    start_probe(aws.platform(), RUN)
    for shard in shards(aws):
        evaluate_shard(aws.platform(), RUN, shard, 60)
    return aws


def shards(aws: FakeAws) -> list[Shard]:
    return decode_shards(aws.s3.objects[KEYS.probe_shards])


def rows(aws: FakeAws, split: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in aws.s3.objects[KEYS.data(split)].splitlines()]


def row_of(item: dict[str, Any]) -> int:
    row: int = item["metadata"][FIELD]["row"]
    return row


def half(item: dict[str, Any]) -> float:
    """Grade half of each prompt's rollouts as right."""
    return float(int(item["id"].split("-")[1]) % 2)


def completions(aws: FakeAws) -> Iterator[str]:
    return (key for key in aws.s3.objects if key.startswith(f"{KEYS.evaluation}probe/"))


def test_the_base_model_is_asked_exactly_as_the_job_asks_it() -> None:
    hyperparameters = {"inferenceMaxTokens": 77, "reasoningEffort": "low", "trainingSamplePerPrompt": 4}
    aws = probed(half, hyperparameters=hyperparameters, probe={"prompts": 20, "temperature": 0.6})
    job = job_request(RunStore(aws.platform().bucket).load(RUN), REGION)["customizationConfig"]
    asked = job["rftConfig"]["hyperParameters"]
    decoding = Decoding(
        max_tokens=asked["inferenceMaxTokens"], temperature=0.6, reasoning_effort=asked["reasoningEffort"]
    )
    model = base_model(BASE_MODEL, REGION)
    wanted = [
        converse_request(model.inference_id, row, decoding, model) for row in rows(aws, "probe") for _ in range(8)
    ]
    assert sorted(map(repr, aws.bedrock_runtime.requests)) == sorted(map(repr, wanted))
    assert all(request["system"] == [{"text": "Route the ticket."}] for request in wanted)
    items = [item for event in aws.functions.events for item in event]
    assert {item["metadata"][FIELD]["phase"] for item in items} == {"probe"}
    assert {item["metadata"][FIELD]["split"] for item in items} == {"train"}


@pytest.mark.parametrize(
    ("samples", "group", "wanted"), [(None, 2, 8), (None, 8, 8), (None, 16, 16), (4, 16, 4), (64, 8, 64)]
)
def test_rollouts_of_a_prompt(samples: int | None, group: int, wanted: int) -> None:
    json_ = recipe_json(probe={"samples": samples}, hyperparameters={"trainingSamplePerPrompt": group})
    assert samples_of(Recipe.from_json(json_)) == wanted


def test_the_sample_is_of_the_frozen_rows_and_says_what_it_is() -> None:
    aws = frozen(probe={"prompts": 31})
    assert start_probe(aws.platform(), RUN) == 31
    sample = msgspec.json.decode(aws.s3.objects[KEYS.probe_sample], type=ProbeSample)
    train = rows(aws, "train")
    assert rows(aws, "probe") == [train[number] for number in sample.rows]
    assert sample.by == "reference"
    assert sorted(stratum.prompts for stratum in sample.strata) == [15, 16]
    (first, *_) = shards(aws)
    assert (first.data, first.subject, first.mode, first.samples) == ("probe", "base", "sampled", 8)
    assert sum(shard.rows for shard in shards(aws)) == 31


def test_a_shard_with_many_rollouts_has_few_rows() -> None:
    aws = frozen(probe={"prompts": 150, "samples": 64})
    start_probe(aws.platform(), RUN)
    assert {shard.rows for shard in shards(aws)} == {5}
    aws = frozen(probe={"prompts": 150, "samples": 2})
    start_probe(aws.platform(), RUN)
    assert max(shard.rows for shard in shards(aws)) == SETTINGS.rows_per_shard


def test_a_recipe_without_a_probe_trains_on_what_was_frozen() -> None:
    aws = frozen(probe={"prompts": 0})
    assert start_probe(aws.platform(), RUN) == 0
    record = RunStore(aws.platform().bucket).load(RUN)
    assert "Probe" not in record.stages
    assert job_request(record, REGION)["trainingDataConfig"]["s3Uri"].endswith("/data/train.jsonl")


def test_the_job_reads_rows_that_know_their_base_mean() -> None:
    aws = probed(half, probe={"prompts": 40})
    result = decide_probe(aws.platform(), RUN)
    assert result.verdict is Verdict.RFT
    start_training(aws.platform(), RUN)
    record = RunStore(aws.platform().bucket).load(RUN)
    assert record.stages.keys() >= {"Probe", "Train"}
    assert job_request(record, REGION)["trainingDataConfig"]["s3Uri"].endswith("/data/train.probed.jsonl")
    before, after = rows(aws, "train"), rows(aws, "train.probed")
    bases = {row[FIELD]["row"]: row[FIELD].pop("base") for row in after if "base" in row[FIELD]}
    assert before == after
    assert sorted(bases) == [row[FIELD]["row"] for row in rows(aws, "probe")]
    assert set(bases.values()) == {0.5}


def test_every_state_may_run_twice() -> None:
    aws = frozen(probe={"prompts": 40})
    aws.functions.grade = half
    for _ in range(2):
        start_probe(aws.platform(), RUN)
    for _ in range(2):
        for shard in shards(aws):
            evaluate_shard(aws.platform(), RUN, shard, 60)
    first, second = (decide_probe(aws.platform(), RUN) for _ in range(2))
    assert first == second
    assert aws.s3.versions[KEYS.data("probe")] == aws.s3.versions[KEYS.data("train.probed")] == 1


def test_other_prompts_than_before_are_refused() -> None:
    aws = frozen(probe={"prompts": 40})
    start_probe(aws.platform(), RUN)
    aws.s3.put(KEYS.data("probe"), b"{}\n")
    with pytest.raises(RunFailed, match=r"probe\.jsonl exists with other content"):
        start_probe(aws.platform(), RUN)


@pytest.mark.parametrize(
    ("reward", "verdict", "says"),
    [
        (0.0, Verdict.SFT_FIRST, "sft first: the base model succeeds in 0 % (95 % 0 % to 1.99 %) of its rollouts"),
        (1.0, Verdict.SOLVED, "already solved: the base model succeeds in 100 %"),
    ],
)
def test_nothing_to_learn_ends_the_run_with_what_to_do(reward: float, verdict: Verdict, says: str) -> None:
    aws = probed(lambda item: reward)
    with pytest.raises(Infeasible) as ended:
        decide_probe(aws.platform(), RUN)
    assert "\n" not in str(ended.value)
    assert len(str(ended.value)) < 500
    assert outcome_of(type(ended.value).__name__) is Outcome.INFEASIBLE
    assert KEYS.data("train.probed") not in aws.s3.objects
    cause = json.dumps({"errorMessage": str(ended.value), "errorType": "Infeasible"})
    close_run(aws.platform(), RUN, read_ending({"error": {"Error": "Infeasible", "Cause": cause}}))
    report = decode_report(aws.s3.objects[KEYS.report_json])
    assert report.probe is not None
    assert (report.outcome, report.reason, report.probe.verdict) == ("INFEASIBLE", report.probe.words, verdict)
    assert says in report.probe.words
    assert {call for call in aws.bedrock.calls if not call.startswith("Get")} == set()
    assert "## Probe" in aws.s3.objects[KEYS.report_markdown].decode()


def test_where_a_stand_in_answers_the_verdict_ends_nothing() -> None:
    aws = probed(lambda item: 0.0, settings={"probe_ends_runs": False})
    result = decide_probe(aws.platform(), RUN)
    assert result.verdict is Verdict.SFT_FIRST
    assert result.words.endswith("the run goes on: a stand-in answers here, which says nothing about the base model")
    assert RunStore(aws.platform().bucket).load(RUN).trains_on == "train.probed"


def test_rollouts_without_a_grade_are_counted_and_never_filled() -> None:
    aws = probed(lambda item: None if item["id"].endswith("-0") else half(item), probe={"prompts": 40})
    result = decide_probe(aws.platform(), RUN)
    assert result.measures.invalid.value == pytest.approx(1 / 8)
    assert result.measures.success.value == pytest.approx(4 / 7)
    assert result.measures.pass_at.keys() == {"1", "2", "4"}
    assert "12.5 %" in result.words
    assert "mend the reward function first" in result.words
    assert {row[FIELD].get("base") for row in rows(aws, "train.probed")} == {None, 4 / 7}


def test_a_prompt_without_any_grade_has_no_base_mean() -> None:
    drawn: list[int] = []

    def grade(item: dict[str, Any]) -> float | None:
        drawn.append(row_of(item))
        return None if row_of(item) == drawn[0] else half(item)

    aws = probed(grade, probe={"prompts": 40})
    decide_probe(aws.platform(), RUN)
    assert "base" not in rows(aws, "train.probed")[drawn[0]][FIELD]


def test_nothing_graded_is_a_failure_and_no_verdict() -> None:
    aws = probed(lambda item: None)
    with pytest.raises(RunFailed, match="none of the base model's rollouts on 150 training prompts was graded"):
        decide_probe(aws.platform(), RUN)


def test_a_missing_shard_is_no_verdict() -> None:
    aws = probed(half)
    del aws.s3.objects[next(completions(aws))]
    with pytest.raises(RunFailed, match="the probe is incomplete"):
        decide_probe(aws.platform(), RUN)


def test_the_reason_of_a_failed_map_is_the_shards() -> None:
    aws = frozen()
    start_probe(aws.platform(), RUN)
    aws.functions.crashes = 3
    with pytest.raises(Transient):
        evaluate_shard(aws.platform(), RUN, shards(aws)[0], 60)
    close_run(aws.platform(), RUN, Ending(Outcome.FAILED, "States.ExceedToleratedFailureThreshold"))
    assert "raised KeyError 3 times" in (RunStore(aws.platform().bucket).load(RUN).reason or "")


@pytest.mark.parametrize(("drops", "dropped"), [(False, 0), (True, 50)])
def test_always_solved_prompts_are_advice_unless_the_recipe_drops_them(drops: bool, dropped: int) -> None:
    """Of 150 prompts 75 are always solved and 75 never; 100 rows must stay."""
    aws = probed(lambda item: float(row_of(item) % 2), probe={"prompts": 150, "drop_solved": drops})
    result = decide_probe(aws.platform(), RUN)
    assert result.drop == list(range(1, 100, 2))
    left = [row[FIELD]["row"] for row in rows(aws, "train.probed")]
    assert len(left) == 150 - dropped
    assert set(range(150)) - set(left) == (set(result.drop) if drops else set())
    assert {0, 2, 148} <= set(left)


def test_what_the_job_leaves_out_is_in_what_is_expected_of_it() -> None:
    """Steps, rollouts, tokens, grader and cost are those of a plan for the rows that are left; nothing else changes."""
    aws = frozen(probe={"prompts": 150, "drop_solved": True}, limits={"rollouts": 1250})
    store = RunStore(aws.platform().bucket)
    sizes = {name: read_prompt_sizes(io.BytesIO(aws.s3.objects[KEYS.data(name)])) for name in ("train", "held_out")}
    prices = tuple(
        UnitPrice(unit=unit, amount=1, currency="USD", source="https://prices.test/", date="2026-01-01")
        for unit in (Unit.TRAINING_MILLION_TOKENS, Unit.LAMBDA_GB_SECOND)
    )
    resources = replace(
        RESOURCES, reward_facts={"tickets": RewardFacts(memory_mib=512, judges=(JudgeFacts(samples=2, max_tokens=9),))}
    )
    facts = PlanFacts(settings=SETTINGS, resources=resources, prices=prices)
    record = store.load(RUN)

    def expected(train: PromptSizes) -> Usage:
        recipe, today = record.parsed_recipe(), record.started.date()
        return (
            expect(recipe, sizes | {"train": train}, facts, has_live=False, looks=0, today=today).check(recipe).estimate
        )

    before = expected(sizes["train"])
    store.set(
        RUN, estimate=before, prices=[price.to_json() for price in prices], resources=facts.to_json()["resources"]
    )
    aws.functions.grade = lambda item: float(row_of(item) % 2)
    start_probe(aws.platform(), RUN)
    for shard in shards(aws):
        evaluate_shard(aws.platform(), RUN, shard, 60)
    for _ in range(2):  # a retry changes nothing more
        decide_probe(aws.platform(), RUN)
        found = store.load(RUN).estimate
        assert found is not None
        left = read_prompt_sizes(io.BytesIO(aws.s3.objects[KEYS.data("train.probed")]))
        wanted = expected(left)
        assert (before.steps, found.steps) == (Quantity(5, 5), Quantity(4, 4)) == (before.steps, wanted.steps)
        assert found.parts == wanted.parts | {"probe": before.parts["probe"]}
        assert any("1,250 allowed" in words for words in before.warnings)
        assert found.warnings == [words for words in before.warnings if "1,250 allowed" not in words]
        assert found.judge.calls.high < before.judge.calls.high
        assert found.cost is not None and before.cost is not None and wanted.cost is not None
        assert found.cost.units["training-million-tokens"] == wanted.cost.units["training-million-tokens"]
        assert found.cost.total.high < before.cost.total.high


def prompt(rewards: list[float | None], row: int = 0, stop_reason: str = "end_turn") -> ProbedPrompt:
    rollouts = [
        GradedCompletion(
            row=row,
            sample=sample,
            reward=reward,
            invalid=None,
            components={},
            tokens_out=10,
            stop_reason=stop_reason,
            completion="",
        )
        for sample, reward in enumerate(rewards)
    ]
    return ProbedPrompt(row=row, weight=1.0, completions=rollouts)


@pytest.mark.parametrize(
    ("rewards", "solved"),
    [
        ([1.0] * 8, True),
        ([1.0] * 7, False),
        ([*[1.0] * 7, None], False),
        ([*[1.0] * 8, None], True),
        ([*[1.0] * 7, 0.0], False),
        ([*[1.0] * 7, 1.5], False),
        ([0.0] * 8, False),
    ],
)
def test_what_is_always_solved(rewards: list[float | None], solved: bool) -> None:
    assert prompt(rewards).always_solved(1.0) is solved


@pytest.mark.parametrize(
    ("rows", "batch", "kept"), [(100, 32, 0), (120, 32, 20), (120, 110, 10), (120, 512, 0), (1000, 32, 60)]
)
def test_a_batch_and_a_hundred_rows_stay(rows: int, batch: int, kept: int) -> None:
    recipe = Recipe.from_json(recipe_json(hyperparameters={"batchSize": batch}))
    prompts = [prompt([1.0] * 8, row) for row in range(60)]
    assert always_solved(prompts, rows=rows, recipe=recipe) == list(range(kept))


def test_measures_of_partial_credit() -> None:
    prompts = [
        prompt([0.0, 0.5, 0.5, 1.0]),
        prompt([0.5] * 4, 1, "max_tokens"),
        prompt([1.0] * 4, 2),
        prompt([0.0] * 4, 3),
    ]
    found = measure(prompts, success_at=1.0, group=2)
    assert found is not None
    assert found.mean_reward.value == 0.5
    assert found.success.value == (1 / 4 + 0 + 1 + 0) / 4
    assert found.usable.value == pytest.approx((1 - 1 / 6) / 4)
    assert (found.all_zero.value, found.all_solved.value) == (0.25, 0.25)
    assert found.pass_at["4"].value == 0.5
    assert found.truncated is not None
    assert found.tokens is not None
    assert (found.truncated.value, found.tokens.value) == (0.25, 10)


def verdict(chances: list[float], draw: random.Random, **limits: float) -> Verdict:
    prompts = [prompt([float(draw.random() < chance) for _ in range(8)], row) for row, chance in enumerate(chances)]
    found = measure(prompts, success_at=1.0, group=8)
    assert found is not None
    return judge(found, Recipe.from_json(recipe_json(probe=limits)))


@pytest.mark.parametrize(
    ("chances", "limits", "wanted"),
    [
        ([0.0] * 200, {}, Verdict.SFT_FIRST),
        ([0.0] * 30, {}, Verdict.THIN),
        ([0.0] * 64, {}, Verdict.SFT_FIRST),
        ([0.0] * 200, {"sft_below": 0.0}, Verdict.THIN),
        ([1.0] * 200, {}, Verdict.SOLVED),
        ([1.0] * 30, {}, Verdict.THIN),
        ([1.0] * 200, {"solved_above": 1.0}, Verdict.THIN),
        ([0.0] * 100 + [1.0] * 100, {}, Verdict.THIN),
        ([0.5] * 10 + [1.0] * 190, {"solved_above": 1.0}, Verdict.THIN),
        ([0.5] * 32 + [1.0] * 168, {}, Verdict.RFT),
        ([0.5] * 200, {}, Verdict.RFT),
        ([0.01] * 200, {}, Verdict.SFT_FIRST),
    ],
)
def test_verdicts(chances: list[float], limits: dict[str, float], wanted: Verdict) -> None:
    assert verdict(chances, random.Random(1), **limits) is wanted


@pytest.mark.parametrize("prompts", [64, 200])
def test_a_base_model_at_six_percent_is_not_sent_to_sft_by_the_seed(prompts: int) -> None:
    """A fixed dataset whose prompts differ in difficulty; 6 probes of it."""
    shape = random.Random(99)
    chances = [shape.betavariate(0.3, 4.7) for _ in range(600)]
    for seed in range(6):
        draw = random.Random(seed)
        assert verdict(draw.sample(chances, prompts), draw) is Verdict.RFT

"""Guard sets through a run: checked, frozen, certified, evaluated, and held by the gate."""

import json
from pathlib import Path
from typing import Any

import pytest

from rft_cli.main import main
from rft_contract.layout import RunKeys
from rft_contract.outcomes import InvalidDataset, Outcome, UncertifiedReward
from rft_contract.recipe_sections import guard_split
from rft_contract.rollout_mark import FIELD
from rft_runtime.certification.run_certification import certify_run
from rft_runtime.closing import close_run
from rft_runtime.decision import decide_run
from rft_runtime.deployment import poll_deployment, start_deployment
from rft_runtime.ending import Ending
from rft_runtime.frozen_data import freeze
from rft_runtime.gate import Criterion, Decision
from rft_runtime.report import decode_report
from rft_runtime.shard_evaluation import evaluate_shard
from rft_runtime.training import poll_training, start_training
from rft_runtime.validation import validate
from tests.unit.certified import accept
from tests.unit.fakes.account import BUCKET
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.recipe import dataset, recipe_json, upload
from tests.unit.test_runtime_workflow import (
    MODEL_ARN,
    RUN,
    label_grade,
    planned,
    record,
    shards,
    tuned_answer,
)

KEYS = RunKeys(RUN)
MANNERS = guard_split("manners")
PROMPTS = 60
OF_TRAINING = b"where is my money"
OF_A_GUARD = b"which team answers a kind question about the weather"


def manners() -> bytes:
    return dataset(MANNERS, PROMPTS).replace(OF_TRAINING, OF_A_GUARD)


def address(split: str) -> str:
    return f"s3://{BUCKET}/datasets/{split}/{split}.jsonl"


def validated(guard: bytes, **changes: Any) -> FakeAws:
    aws = FakeAws()
    upload(aws)
    aws.s3.put(f"datasets/{MANNERS}/{MANNERS}.jsonl", guard)
    datasets = {**recipe_json()["datasets"], "guards": {"manners": address(MANNERS)}}
    planned(aws, **{"datasets": datasets, **changes})
    validate(aws.platform(), RUN)
    return aws


def frozen(guard: bytes, **changes: Any) -> FakeAws:
    aws = validated(guard, **changes)
    freeze(aws.platform(), RUN)
    for split in ("train", "held_out"):
        accept(aws, dataset(split, 100))
    return aws


def deployed(**changes: Any) -> FakeAws:
    aws = frozen(manners(), **changes)
    accept(aws, manners())
    certify_run(aws.platform(), RUN, 600)
    start_training(aws.platform(), RUN)
    aws.bedrock.job().update(status="Completed", outputModelArn=MODEL_ARN)
    poll_training(aws.platform(), RUN, 30)
    start_deployment(aws.platform(), RUN)
    aws.bedrock.settle_deployment(f"dev-{RUN}-candidate")
    poll_deployment(aws.platform(), RUN, 30)
    aws.bedrock_runtime.answer = tuned_answer
    aws.functions.grade = label_grade
    return aws


def decided(aws: FakeAws) -> Decision:
    for shard in shards(aws):
        evaluate_shard(aws.platform(), RUN, shard, 60)
    return decide_run(aws.platform(), RUN)


def forgetful_answer(request: dict[str, Any]) -> str:
    """Answer as a candidate that routes tickets better than its base, and knows nothing of the weather any more."""
    if OF_A_GUARD.decode() in request["messages"][-1]["content"][0]["text"] and "deployment" in request["modelId"]:
        return "none of my business"
    return tuned_answer(request)


def of_manners(decision: Decision) -> Criterion:
    (found,) = (criterion for criterion in decision.criteria if criterion.name == MANNERS)
    return found


def test_a_candidate_that_forgot_nothing_passes() -> None:
    aws = deployed()
    decision = decided(aws)
    assert decision.outcome == Outcome.PASSED
    assert of_manners(decision).held
    assert of_manners(decision).threshold == -0.05
    close_run(aws.platform(), RUN, Ending(Outcome.PASSED, decision.reason))
    report = decode_report(aws.s3.objects[KEYS.report_json])
    assert report.decision == decision
    assert report.certificates == dict.fromkeys(("train", "held_out", MANNERS), "PASSED")
    guard = report.guards[MANNERS]
    assert (guard.prompts, guard.base.accuracy, guard.candidate.accuracy) == (PROMPTS, 0.5, 1.0)
    markdown = aws.s3.objects[KEYS.report_markdown].decode()
    assert f"| Candidate, {MANNERS} | 100 % |" in markdown
    assert "the API takes no seed" in markdown


def test_a_candidate_that_forgot_is_rejected_however_much_it_gained() -> None:
    aws = deployed()
    aws.bedrock_runtime.answer = forgetful_answer
    decision = decided(aws)
    assert decision.outcome == Outcome.REJECTED
    assert [criterion.name for criterion in decision.criteria if not criterion.held] == [MANNERS]
    assert f"may be worse than the base model on {MANNERS}" in decision.reason


def test_the_recipes_margin_counts() -> None:
    aws = deployed(gate={"guards": {"manners": 0.9}})
    aws.bedrock_runtime.answer = forgetful_answer
    decision = decided(aws)
    assert (decision.outcome, of_manners(decision).threshold) == (Outcome.PASSED, -0.9)


def test_base_and_candidate_answer_every_guard_prompt_and_the_reward_is_told() -> None:
    aws = deployed()
    decided(aws)
    items = [item for event in aws.functions.events for item in event if item["metadata"][FIELD]["split"] == MANNERS]
    assert {item["metadata"][FIELD]["phase"] for item in items} == {"guard"}
    assert {item["metadata"][FIELD]["row"] for item in items} == set(range(PROMPTS))
    assert len(items) == 2 * PROMPTS * (1 + 2)


def test_frozen_guards_say_what_they_are() -> None:
    aws = frozen(manners())
    rows = [json.loads(line) for line in aws.s3.objects[KEYS.data(MANNERS)].splitlines()]
    assert [row[FIELD] for row in rows] == [{"run": RUN, "split": MANNERS, "row": row} for row in range(PROMPTS)]
    assert record(aws)["datasets"][MANNERS]["rows"] == PROMPTS


def test_guard_data_that_overlap_training_are_refused() -> None:
    overlapping = manners() + dataset("train", 100).splitlines(keepends=True)[7]
    with pytest.raises(InvalidDataset, match=rf"{MANNERS}\.jsonl:61.* leak-prompt"):
        validated(overlapping)


def test_guard_data_may_be_held_out_data() -> None:
    aws = validated(dataset("held_out", 100)[:-1] + b"\n")
    assert record(aws)["datasets"][MANNERS]["rows"] == 100


def test_a_guard_whose_references_the_reward_cannot_grade_ends_the_run_with_its_name() -> None:
    """One reward grades every dataset of a run, guards too."""
    unknown = manners().replace(b'"billing"', b'"sunshine"').replace(b'"shipping"', b'"rain"')
    aws = frozen(unknown)
    aws.functions.runs_its_code = True
    with pytest.raises(UncertifiedReward) as refusal:
        certify_run(aws.platform(), RUN, 600)
    assert str(refusal.value).startswith(f"datasets.{MANNERS}: ")
    assert "reference" in str(refusal.value)
    assert "sunshine" not in str(refusal.value)


def test_rft_validate_checks_the_guards_of_a_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.jsonl").write_bytes(dataset("train", 100))
    (tmp_path / "held_out.jsonl").write_bytes(dataset("held_out", 100))
    (tmp_path / "manners.jsonl").write_bytes(dataset("train", 100).splitlines(keepends=True)[7])
    datasets = {"train": "train.jsonl", "held_out": "held_out.jsonl", "guards": {"manners": "manners.jsonl"}}
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(json.dumps(recipe_json(datasets=datasets)))
    assert main(["validate", "--recipe", str(recipe)]) == 1
    shown = capsys.readouterr().out
    assert f"{MANNERS}: 1 rows in" in shown
    assert "leak-prompt" in shown
    assert "manners.jsonl:1" in shown

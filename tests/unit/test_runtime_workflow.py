"""The whole route of a run, state by state, against in-memory AWS."""

import io
import json
from functools import cache
from typing import Any

import pytest

from rft_contract.layout import CERTIFICATES, RunKeys, dataset_key
from rft_contract.outcomes import InvalidDataset, Outcome, OverLimit, RunFailed, RunStopped, Transient
from rft_contract.rollout_mark import FIELD
from rft_runtime.certification.run_certification import certify_run
from rft_runtime.closing import close_run
from rft_runtime.decision import decide_run
from rft_runtime.deployment import poll_deployment, start_deployment
from rft_runtime.ending import Ending
from rft_runtime.frozen_data import freeze
from rft_runtime.plan import plan
from rft_runtime.planning.prompt_sizes import read_prompt_sizes
from rft_runtime.report import decode_report
from rft_runtime.shard_evaluation import evaluate_shard
from rft_runtime.shards import Shard, decode_shards
from rft_runtime.training import poll_training, start_training
from rft_runtime.validation import validate
from tests.unit.fakes.account import EXECUTION, RESOURCES, SETTINGS
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.recipe import dataset, recipe_json, upload

RUN = "tickets-1"
KEYS = RunKeys(RUN)
MODEL_ARN = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-2-lite-v1:0:256k/aaaabbbbcccc"
DEPLOYMENT = "dev-tickets-1-candidate"


def planned(aws: FakeAws, run: str = RUN, **changes: Any) -> None:
    facts = {"settings": SETTINGS.to_json(), "resources": RESOURCES.to_json()}
    plan(aws.platform(), run_id=run, execution=EXECUTION + run, recipe=recipe_json(**changes), facts=facts)


def frozen(**changes: Any) -> FakeAws:
    aws = FakeAws()
    upload(aws)
    planned(aws, **changes)
    validate(aws.platform(), RUN)
    freeze(aws.platform(), RUN)
    return aws


@cache
def certificates() -> dict[str, bytes]:
    """Return the certificates of the reward on the usual datasets, made once."""
    aws = frozen()
    aws.functions.runs_its_code = True
    certify_run(aws.platform(), RUN, 600)
    return {key: body for key, body in aws.s3.objects.items() if key.startswith(CERTIFICATES)}


def certified(**changes: Any) -> FakeAws:
    aws = frozen(**changes)
    for key, body in certificates().items():
        aws.s3.put(key, body)
    certify_run(aws.platform(), RUN, 600)
    assert not aws.functions.events
    return aws


def trained(**changes: Any) -> FakeAws:
    aws = certified(**changes)
    start_training(aws.platform(), RUN)
    aws.bedrock.job().update(status="Completed", outputModelArn=MODEL_ARN)
    poll_training(aws.platform(), RUN, 30)
    start_deployment(aws.platform(), RUN)
    aws.bedrock.deployments[DEPLOYMENT]["status"] = "Active"
    poll_deployment(aws.platform(), RUN, 30)
    aws.bedrock_runtime.answer = tuned_answer
    aws.functions.grade = label_grade
    return aws


def evaluated(**changes: Any) -> FakeAws:
    aws = trained(**changes)
    for shard in shards(aws):
        evaluate_shard(aws.platform(), RUN, shard, 60)
    return aws


def shards(aws: FakeAws) -> list[Shard]:
    return decode_shards(aws.s3.objects[KEYS.shards])


def tuned_answer(request: dict[str, Any]) -> str:
    """Answer as a model that always says billing, and whose tuned version knows odd rows from even ones."""
    number = int(request["messages"][-1]["content"][0]["text"].split("number ")[1].split(":")[0])
    return "billing" if "deployment" not in request["modelId"] or number % 2 else "shipping"


def label_grade(item: dict[str, Any]) -> float:
    return float(item["messages"][-1]["content"] == item["metadata"]["reference_answer"])


def record(aws: FakeAws) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(aws.s3.objects[KEYS.record])
    return found


def test_a_good_candidate_passes_and_everything_is_cleaned_up() -> None:
    aws = evaluated()
    decision = decide_run(aws.platform(), RUN)
    ending = close_run(aws.platform(), RUN, Ending(Outcome(decision.outcome), decision.reason), EXECUTION + RUN)
    assert ending.outcome == Outcome.PASSED
    assert aws.bedrock.deployments == {}
    assert aws.functions.aliases == {}
    assert "StopModelCustomizationJob" not in aws.bedrock.calls
    assert [message["Subject"] for message in aws.sns.messages] == ["rft dev/tickets-1: PASSED"]
    report = decode_report(aws.s3.objects[KEYS.report_json])
    assert (report.outcome, report.held_out_prompts, report.held_out_uses) == ("PASSED", 100, 0)
    assert report.certificates == {"train": "PASSED", "held_out": "PASSED"}
    assert report.base is not None
    assert report.candidate is not None
    assert report.gain is not None
    assert (report.base.accuracy, report.candidate.accuracy, report.gain.absolute) == (0.5, 1.0, 0.5)
    assert (report.relative_gain, report.error_reduction) == (1.0, 1.0)
    assert report.base.sampled_accuracy == 0.5
    assert list(report.seconds) == [
        "Plan",
        "Validate",
        "Freeze",
        "Certify",
        "Train",
        "Deploy",
        "Evaluate",
        "Decide",
    ]
    assert record(aws)["status"] == "ENDED"
    assert record(aws)["closed"] is not None


def test_markdown_begins_with_the_verdict() -> None:
    aws = evaluated()
    close_run(aws.platform(), RUN, Ending(Outcome.PASSED, "the bound lies above it"))
    verdict = aws.s3.objects[KEYS.report_markdown].decode().splitlines()[2]
    assert verdict.startswith(
        "**Ticket routing accuracy on 100 unseen prompts rose from 50 % to 100 % (+50 points, 95 % +"
    )
    assert verdict.endswith("greedy; PASSED because the bound lies above it.**")


def test_a_candidate_that_is_no_better_is_rejected() -> None:
    aws = trained()
    aws.bedrock_runtime.answer = lambda request: "billing"
    for shard in shards(aws):
        evaluate_shard(aws.platform(), RUN, shard, 60)
    decision = decide_run(aws.platform(), RUN)
    assert decision.outcome == Outcome.REJECTED
    assert "does not lie above" in decision.reason


def test_frozen_rows_say_where_they_belong() -> None:
    aws = frozen()
    rows = [json.loads(line) for line in aws.s3.objects[KEYS.data("held_out")].splitlines()]
    assert [row[FIELD] for row in rows] == [{"run": RUN, "split": "held_out", "row": row} for row in range(100)]
    original = [json.loads(line) for line in dataset("held_out", 100).splitlines()]
    assert [{name: value for name, value in row.items() if name != FIELD} for row in rows] == original


def test_every_state_may_run_twice() -> None:
    aws = FakeAws()
    upload(aws)
    for _ in range(2):
        planned(aws)
    for _ in range(2):
        validate(aws.platform(), RUN)
    for _ in range(2):
        freeze(aws.platform(), RUN)
    for key, body in certificates().items():
        aws.s3.put(key, body)
    for _ in range(2):
        certify_run(aws.platform(), RUN, 600)
    for _ in range(2):
        start_training(aws.platform(), RUN)
    aws.bedrock.job().update(status="Completed", outputModelArn=MODEL_ARN)
    for _ in range(2):
        poll_training(aws.platform(), RUN, 30)
    for _ in range(2):
        start_deployment(aws.platform(), RUN)
    assert len(aws.functions.aliases) == len(aws.bedrock.jobs) == len(aws.bedrock.deployments) == 1
    first = aws.s3.versions[KEYS.data("train")]
    assert first == 1


def test_a_start_whose_answer_was_lost_finds_its_job_and_deployment() -> None:
    aws = trained()
    changed = record(aws) | {"job_arn": None, "deployment_arn": None}
    aws.s3.put(KEYS.record, json.dumps(changed).encode())
    start_training(aws.platform(), RUN)
    start_deployment(aws.platform(), RUN)
    assert len(aws.bedrock.jobs) == len(aws.bedrock.deployments) == 1
    assert record(aws)["job_arn"] == aws.bedrock.job()["jobArn"]
    assert record(aws)["deployment_arn"] == aws.bedrock.deployments[DEPLOYMENT]["customModelDeploymentArn"]


def test_a_job_name_of_somebody_else_is_not_adopted() -> None:
    aws = frozen()
    start_training(aws.platform(), RUN)
    aws.bedrock.job()["clientRequestToken"] = "somebody-elses"
    aws.bedrock.tags.clear()
    aws.s3.put(KEYS.record, json.dumps(record(aws) | {"job_arn": None}).encode())
    with pytest.raises(RunFailed, match="job name dev-tickets-1 is taken"):
        start_training(aws.platform(), RUN)


def test_a_deployment_name_of_another_model_is_not_adopted() -> None:
    aws = trained()
    aws.bedrock.deployments[DEPLOYMENT]["modelArn"] = MODEL_ARN.replace("aaaa", "zzzz")
    aws.s3.put(KEYS.record, json.dumps(record(aws) | {"deployment_arn": None}).encode())
    with pytest.raises(RunFailed, match="is taken by"):
        start_deployment(aws.platform(), RUN)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"reward": "nonsense"}, RunFailed, "this environment has tickets"),
        ({"base_model": "nonsense.model"}, RunFailed, "known are amazon.nova-2-lite"),
        ({"surprise": 1}, RunFailed, "recipe.surprise: unknown key"),
        ({"hyperparameters": {"batchSize": 8}}, RunFailed, "Bedrock accepts 16 to 512"),
        ({"limits": {"rollouts": 100}}, OverLimit, "100 allowed, 800 to 1,024 needed"),
        ({"datasets": {"train": "s3://elsewhere/a", "held_out": "s3://dev-data/b"}}, InvalidDataset, "s3://elsewhere"),
        (
            {"datasets": {"train": "s3://dev-data/b", "held_out": "s3://dev-data/b"}},
            InvalidDataset,
            "datasets lie under",
        ),
        (
            {"datasets": {"train": "s3://dev-data/datasets/x/y", "held_out": "s3://dev-data/datasets/x/y"}},
            InvalidDataset,
            "does not exist",
        ),
    ],
)
def test_plan_refuses_in_one_line_and_the_run_can_still_be_closed(
    changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    aws = FakeAws()
    upload(aws)
    with pytest.raises(error, match=words) as refusal:
        planned(aws, **changes)
    assert "\n" not in str(refusal.value)
    close_run(aws.platform(), RUN, Ending(Outcome.FAILED, str(refusal.value)))
    assert decode_report(aws.s3.objects[KEYS.report_json]).reason == str(refusal.value)
    assert len(aws.sns.messages) == 1


def test_plan_keeps_the_version_it_chose_when_a_deploy_comes_between_its_attempts() -> None:
    aws = FakeAws()
    upload(aws)
    planned(aws)
    aws.functions.live["dev-reward-label"] = "8"
    planned(aws)
    assert record(aws)["reward_version"] == "7"


def test_an_alias_that_points_elsewhere_is_not_taken_over_and_not_deleted() -> None:
    aws = FakeAws()
    upload(aws)
    aws.functions.create_alias(FunctionName="dev-reward-label", Name=f"run-{RUN}", FunctionVersion="3")
    with pytest.raises(RunFailed, match="exists and points elsewhere"):
        planned(aws)
    close_run(aws.platform(), RUN, Ending(Outcome.FAILED, "alias"))
    assert len(aws.functions.aliases) == 1


def test_a_reward_function_that_was_never_published_is_refused() -> None:
    aws = FakeAws()
    upload(aws)
    aws.functions.live.clear()
    with pytest.raises(RunFailed, match="no alias `live`"):
        planned(aws)


def test_a_run_id_belongs_to_one_execution() -> None:
    aws = FakeAws()
    upload(aws)
    planned(aws)
    with pytest.raises(RunFailed, match="the name is taken by"):
        plan(
            aws.platform(),
            run_id=RUN,
            execution="another",
            recipe=recipe_json(),
            facts={"settings": {}, "resources": {}},
        )
    ending = close_run(aws.platform(), RUN, Ending(Outcome.FAILED, "taken"), "another")
    assert ending.outcome == Outcome.FAILED
    assert record(aws)["status"] == "RUNNING"
    assert aws.functions.aliases


def test_a_broken_line_ends_the_run_with_line_and_code_but_no_text() -> None:
    aws = FakeAws()
    upload(aws)
    broken = dataset("train", 100).replace(b'"train ticket number 41: where is my money?"', b"oops-secret")
    aws.s3.put("datasets/train/train.jsonl", broken)
    planned(aws)
    with pytest.raises(InvalidDataset, match=r"train\.jsonl:42") as refusal:
        validate(aws.platform(), RUN)
    assert "secret" not in str(refusal.value)
    assert json.loads(aws.s3.objects[KEYS.findings])["valid"] is False


def test_a_held_out_prompt_in_training_ends_the_run() -> None:
    aws = FakeAws()
    upload(aws)
    aws.s3.put("datasets/held_out/held_out.jsonl", dataset("train", 99))
    planned(aws)
    with pytest.raises(InvalidDataset, match="leak-prompt"):
        validate(aws.platform(), RUN)


def test_freeze_refuses_data_that_changed_after_validation() -> None:
    aws = FakeAws()
    upload(aws)
    planned(aws)
    validate(aws.platform(), RUN)
    upload(aws, train=101)
    with pytest.raises(InvalidDataset, match="changed after it was validated"):
        freeze(aws.platform(), RUN)


def test_a_poll_waits_longer_each_time() -> None:
    aws = frozen()
    waits = [start_training(aws.platform(), RUN)["wait_seconds"]]
    for _ in range(4):
        waits.append(poll_training(aws.platform(), RUN, int(str(waits[-1])))["wait_seconds"])
    assert waits == [30, 60, 120, 180, 180]


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        ("Failed", RunFailed, "grader timed out"),
        ("Stopped", RunStopped, "was stopped"),
        ("Completed", RunFailed, "without a model"),
    ],
)
def test_a_job_that_ends_badly_ends_the_run(status: str, error: type[Exception], words: str) -> None:
    aws = frozen()
    start_training(aws.platform(), RUN)
    aws.bedrock.job().update(status=status, failureMessage="grader timed out")
    with pytest.raises(error, match=words):
        poll_training(aws.platform(), RUN, 30)


def test_a_job_past_its_deadline_is_stopped() -> None:
    aws = frozen()
    start_training(aws.platform(), RUN)
    started = "2020-01-01T00:00:00Z"
    aws.s3.put(KEYS.record, json.dumps(record(aws) | {"job_started": started}).encode())
    with pytest.raises(OverLimit, match="ran past 2020-01-02 00:00 UTC"):
        poll_training(aws.platform(), RUN, 30)
    assert aws.bedrock.job()["status"] == "Stopping"


def test_a_failed_deployment_ends_the_run() -> None:
    aws = trained()
    aws.bedrock.deployments[DEPLOYMENT].update(status="Failed", failureMessage="no capacity")
    with pytest.raises(RunFailed, match="no capacity"):
        poll_deployment(aws.platform(), RUN, 30)


def test_only_completions_bear_the_tag_by_which_they_expire() -> None:
    tags = evaluated().s3.tags
    graded = {key for key in tags if key.startswith(KEYS.evaluation)}
    assert graded
    assert {key for key, tag in tags.items() if tag == "rft%3Aholds=rollouts"} == graded
    assert {tag for key, tag in tags.items() if key not in graded} == {None}


def test_evaluation_asks_both_models_and_marks_every_rollout() -> None:
    aws = evaluated()
    models = {request["modelId"] for request in aws.bedrock_runtime.requests}
    assert models == {"us.amazon.nova-2-lite-v1:0", record(aws)["deployment_arn"]}
    phases = [item["metadata"][FIELD]["phase"] for event in aws.functions.events for item in event]
    assert sorted(set(phases)) == ["base", "candidate"]
    assert len(phases) == 2 * 100 * (1 + 2)
    temperatures = {request["inferenceConfig"]["temperature"] for request in aws.bedrock_runtime.requests}
    assert temperatures == {0.0, 0.7}


def test_an_invalid_grade_is_kept_as_invalid_and_never_filled() -> None:
    aws = trained(gate={"samples_per_prompt": 0})
    aws.functions.grade = lambda item: None if item["id"] == "3-0" else label_grade(item)
    for shard in shards(aws):
        evaluate_shard(aws.platform(), RUN, shard, 60)
    close_run(aws.platform(), RUN, Ending(Outcome.FAILED, "test"))
    report = decode_report(aws.s3.objects[KEYS.report_json])
    assert report.candidate is not None
    assert report.candidate.accuracy == 0.99
    assert report.candidate.invalid_share == 0.01
    assert report.candidate.sampled_accuracy is None


def test_too_many_missing_grades_are_no_decision() -> None:
    aws = trained()
    aws.functions.grade = lambda item: None if item["metadata"][FIELD]["row"] < 3 else label_grade(item)
    for shard in shards(aws):
        evaluate_shard(aws.platform(), RUN, shard, 60)
    with pytest.raises(RunFailed, match=r"3\.0 % of 100 prompts of held_out lack a grade"):
        decide_run(aws.platform(), RUN)


def test_a_missing_shard_is_no_decision() -> None:
    aws = evaluated()
    del aws.s3.objects[KEYS.graded("held_out", "candidate", "greedy", 1)]
    with pytest.raises(RunFailed, match="incomplete"):
        decide_run(aws.platform(), RUN)


def test_a_crashing_reward_function_is_called_again_and_then_retried_by_the_workflow() -> None:
    aws = trained()
    aws.functions.crashes = 2
    assert evaluate_shard(aws.platform(), RUN, shards(aws)[0], 60) == 40
    aws.functions.crashes = 3
    with pytest.raises(Transient, match="raised KeyError 3 times"):
        evaluate_shard(aws.platform(), RUN, shards(aws)[0], 60)


def test_the_reason_of_a_failed_map_is_the_shards() -> None:
    aws = trained()
    aws.functions.crashes = 3
    with pytest.raises(Transient):
        evaluate_shard(aws.platform(), RUN, shards(aws)[0], 60)
    close_run(aws.platform(), RUN, Ending(Outcome.FAILED, "States.ExceedToleratedFailureThreshold"))
    reason = record(aws)["reason"]
    assert "raised KeyError 3 times" in reason
    assert reason.endswith("(States.ExceedToleratedFailureThreshold)")


def test_held_out_uses_count_the_runs_before() -> None:
    aws = evaluated()
    decide_run(aws.platform(), RUN)
    decide_run(aws.platform(), RUN)
    key = dataset_key(read_prompt_sizes(io.BytesIO(dataset("held_out", 100))).digest, "uses.json")
    assert json.loads(aws.s3.objects[key]) == {"runs": [RUN]}
    aws.s3.put(key, json.dumps({"runs": ["a", "b", RUN]}).encode())
    decide_run(aws.platform(), RUN)
    assert record(aws)["held_out_uses"] == 2

"""Closing: the first word wins, everything is tried, and repeating it is harmless."""

import json
import re
from typing import Any

import pytest

from rft_contract.layout import RunKeys
from rft_contract.outcomes import Outcome, RunFailed, RunStopped, Transient
from rft_runtime.closing import close_run
from rft_runtime.ending import Ending, read_ending
from rft_runtime.frozen_data import freeze
from rft_runtime.plan import plan
from rft_runtime.report import decode_report
from rft_runtime.training import poll_training, start_training
from rft_runtime.validation import validate
from tests.unit.fakes.account import EXECUTION, RESOURCES, SETTINGS
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.recipe import recipe_json, upload
from tests.unit.fakes.service_models import aws_error

RUN = "tickets-1"
KEYS = RunKeys(RUN)
STOPPED = Ending(Outcome.STOPPED, "Ctrl-C")


@pytest.fixture
def training() -> FakeAws:
    aws = FakeAws()
    upload(aws)
    facts = {"settings": SETTINGS.to_json(), "resources": RESOURCES.to_json()}
    plan(aws.platform(), run_id=RUN, execution=EXECUTION + RUN, recipe=recipe_json(), facts=facts)
    validate(aws.platform(), RUN)
    freeze(aws.platform(), RUN)
    start_training(aws.platform(), RUN)
    return aws


def record(aws: FakeAws) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(aws.s3.objects[KEYS.record])
    return found


def test_a_stop_in_the_middle_stops_the_job_and_later_states_see_it(training: FakeAws) -> None:
    assert close_run(training.platform(), RUN, STOPPED) == STOPPED
    assert training.bedrock.job()["status"] == "Stopping"
    assert training.functions.aliases == {}
    with pytest.raises(RunStopped, match="closed while it was in Train: STOPPED, Ctrl-C"):
        poll_training(training.platform(), RUN, 30)


def test_the_first_closing_wins_and_one_message_is_sent(training: FakeAws) -> None:
    close_run(training.platform(), RUN, STOPPED)
    again = close_run(training.platform(), RUN, Ending(Outcome.FAILED, "later"), EXECUTION + RUN)
    assert again == STOPPED
    assert len(training.sns.messages) == 1
    assert decode_report(training.s3.objects[KEYS.report_json]).outcome == Outcome.STOPPED


def test_a_job_started_behind_a_closing_is_stopped_by_the_next_one(training: FakeAws) -> None:
    job = training.bedrock.jobs.popitem()
    close_run(training.platform(), RUN, STOPPED)
    training.bedrock.jobs[job[0]] = job[1]
    close_run(training.platform(), RUN, Ending(Outcome.FAILED, "status event"))
    assert training.bedrock.job()["status"] == "Stopping"


def test_a_job_whose_record_was_never_written_is_found_by_name(training: FakeAws) -> None:
    training.s3.put(KEYS.record, json.dumps(record(training) | {"job_arn": None}).encode())
    close_run(training.platform(), RUN, STOPPED)
    assert training.bedrock.job()["status"] == "Stopping"


def test_a_job_or_deployment_or_alias_that_only_bears_the_name_is_left_alone(training: FakeAws) -> None:
    """A run that failed because its names were taken must not touch whose they are."""
    training.bedrock.job()["clientRequestToken"] = "somebody-elses"
    training.bedrock.deployments[f"dev-{RUN}-candidate"] = {
        "customModelDeploymentArn": "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/mnopqrstuvwx",
        "modelArn": "another model",
        "status": "Active",
    }
    unknown = {"job_arn": None, "reward_arn": None, "reward_version": None}
    training.s3.put(KEYS.record, json.dumps(record(training) | unknown).encode())
    close_run(training.platform(), RUN, Ending(Outcome.FAILED, "name taken"))
    assert training.bedrock.job()["status"] == "InProgress"
    assert len(training.bedrock.deployments) == len(training.functions.aliases) == 1


def test_a_deployment_whose_record_was_never_written_is_deleted(training: FakeAws) -> None:
    model = "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-2-lite-v1:0:256k/aaaabbbbcccc"
    training.bedrock.job().update(status="Completed", outputModelArn=model)
    poll_training(training.platform(), RUN, 30)
    training.bedrock.create_custom_model_deployment(modelDeploymentName=f"dev-{RUN}-candidate", modelArn=model)
    close_run(training.platform(), RUN, STOPPED)
    assert training.bedrock.deployments == {}


@pytest.mark.parametrize("operation", ["StopModelCustomizationJob", "DeleteCustomModelDeployment"])
def test_a_conflict_is_tried_again_later(training: FakeAws, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    training.bedrock.deployments[f"dev-{RUN}-candidate"] = {
        "customModelDeploymentArn": "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/mnopqrstuvwx",
        "modelArn": "model",
        "status": "Creating",
    }
    training.s3.put(KEYS.record, json.dumps(record(training) | {"model_arn": "model"}).encode())

    def conflict(**request: Any) -> None:
        raise aws_error("ConflictException", operation)

    method = {"StopModelCustomizationJob": "stop_model_customization_job"}.get(
        operation, "delete_custom_model_deployment"
    )
    with monkeypatch.context() as patched:
        patched.setattr(training.bedrock, method, conflict)
        with pytest.raises(Transient, match=operation):
            close_run(training.platform(), RUN, STOPPED)
    close_run(training.platform(), RUN, STOPPED)
    assert training.bedrock.job()["status"] == "Stopping"
    assert training.bedrock.deployments == {}


@pytest.mark.parametrize(
    ("broken", "left"),
    [
        ("GetModelCustomizationJob", "stop the job"),
        ("StopModelCustomizationJob", "stop the job"),
        ("GetCustomModelDeployment", "delete the deployment"),
    ],
)
def test_one_failing_step_does_not_prevent_the_others(training: FakeAws, broken: str, left: str) -> None:
    training.bedrock.broken = {broken}
    with pytest.raises(Transient, match=left):
        close_run(training.platform(), RUN, STOPPED)
    assert training.functions.aliases == {}
    assert KEYS.report_json in training.s3.objects
    assert len(training.sns.messages) == 1
    assert left in record(training)["closing_errors"][0]
    assert record(training)["closed"] is None
    training.bedrock.broken = set()
    close_run(training.platform(), RUN, STOPPED)
    assert record(training)["closing_errors"] == []
    assert record(training)["closed"] is not None
    assert len(training.sns.messages) == 1


def test_a_message_that_could_not_be_sent_is_sent_by_the_next_closing(
    training: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**message: Any) -> None:
        raise aws_error("AuthorizationError", "Publish", 403)

    with monkeypatch.context() as patched:
        patched.setattr(training.sns, "publish", refuse, raising=False)
        with pytest.raises(RunFailed, match="announce the outcome"):
            close_run(training.platform(), RUN, STOPPED)
    close_run(training.platform(), RUN, STOPPED)
    assert len(training.sns.messages) == 1


def test_a_report_that_cannot_be_built_still_ends_the_run(training: FakeAws) -> None:
    training.s3.put(KEYS.shards, b"not json")
    with pytest.raises(RunFailed, match="build the report"):
        close_run(training.platform(), RUN, STOPPED)
    assert record(training)["outcome"] == Outcome.STOPPED
    assert training.bedrock.job()["status"] == "Stopping"


def test_a_run_that_never_began_gets_a_record_with_its_outcome() -> None:
    aws = FakeAws()
    close_run(aws.platform(), RUN, Ending(Outcome.FAILED, "Plan could not start"), EXECUTION + RUN)
    assert record(aws)["outcome"] == Outcome.FAILED
    assert record(aws)["execution_arn"] == EXECUTION + RUN
    assert "Plan could not start" in aws.s3.objects[KEYS.report_markdown].decode()


def test_a_plan_that_comes_between_is_closed() -> None:
    """A run is stopped in its first second: Plan makes the record between closing's look and its write."""
    aws = FakeAws()
    upload(aws)
    raced = False

    def race(key: str) -> None:
        nonlocal raced
        if key == KEYS.open and not raced:
            raced = True
            facts = {"settings": SETTINGS.to_json(), "resources": RESOURCES.to_json()}
            plan(aws.platform(), run_id=RUN, execution=EXECUTION + RUN, recipe=recipe_json(), facts=facts)

    aws.s3.on_put = race
    assert close_run(aws.platform(), RUN, STOPPED) == STOPPED
    assert raced
    assert (record(aws)["execution_arn"], record(aws)["outcome"]) == (EXECUTION + RUN, Outcome.STOPPED)
    assert aws.functions.aliases == {}


def test_two_closings_at_once_agree(training: FakeAws) -> None:
    """Another closing writes the outcome between this one's read and its write."""
    raced = False

    def race(key: str) -> None:
        nonlocal raced
        if key == KEYS.record and not raced:
            raced = True
            close_run(training.platform(), RUN, Ending(Outcome.OVER_LIMIT, "too long"))

    training.s3.on_put = race
    assert close_run(training.platform(), RUN, STOPPED).outcome == Outcome.OVER_LIMIT
    assert len(training.sns.messages) == 1


@pytest.mark.parametrize(
    ("event", "outcome", "reason"),
    [
        ({"outcome": "PASSED", "reason": "better"}, Outcome.PASSED, "better"),
        ({"stop": "Ctrl-C"}, Outcome.STOPPED, "Ctrl-C"),
        ({"execution_status": "ABORTED"}, Outcome.STOPPED, "somebody stopped"),
        ({"execution_status": "TIMED_OUT"}, Outcome.OVER_LIMIT, "time limit"),
        ({"execution_status": "FAILED"}, Outcome.FAILED, "history"),
        (
            {"error": {"Error": "InvalidDataset", "Cause": '{"errorMessage":"line 3","errorType":"InvalidDataset"}'}},
            Outcome.INVALID_DATASET,
            "^line 3$",
        ),
        ({"error": {"Error": "States.Timeout", "Cause": ""}}, Outcome.FAILED, "^States.Timeout$"),
        ({"error": {"Error": "Transient", "Cause": "not\njson"}}, Outcome.FAILED, "^Transient: not json$"),
    ],
)
def test_every_caller_names_an_ending(event: dict[str, Any], outcome: Outcome, reason: str) -> None:
    ending = read_ending({"run_id": RUN, **event})
    assert ending.outcome == outcome
    assert re.search(reason, ending.reason)


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="got the keys run_id; wanted outcome"):
        read_ending({"run_id": RUN})

"""Customization jobs over HTTP, as botocore's client sees them."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from rft_local.bedrock.emulator_client import EmulatorClient
from rft_local.bedrock.endpoint_settings import ACCOUNT, REGION
from rft_local.bedrock.role_check import RoleCheck
from tests.unit.bedrock_bench import BASE, CALLER, GRADER, ROLE, Bench, bench, request
from tests.unit.fakes.engine import FakeEngine


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as served:
        yield served


def refusal(bed: Bench, **changes: object) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as raised:
        bed.create(**changes)  # type: ignore[arg-type]  # some changes are illegal on purpose
    response = raised.value.response
    return response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_job_trains_a_model_and_says_so(bed: Bench) -> None:
    bed.engine.go.set()
    job = bed.ended(bed.create("lifecycle"))
    assert job["status"] == "Completed" and job["jobArn"].split("/")[1] == "local.smollm2-135m-instruct-v1:0"
    assert {part["status"] for part in job["statusDetails"].values()} == {"Completed"}
    assert job["baseModelArn"] == BASE and job["customizationConfig"]["rftConfig"]["hyperParameters"]["batchSize"] == 16
    model = bed.control.get_custom_model(modelIdentifier=job["outputModelArn"])
    assert model["modelArn"] == job["outputModelArn"] and model["modelStatus"] == "Active"
    assert model["jobArn"] == job["jobArn"] and model["customizationType"] == "REINFORCEMENT_FINE_TUNING"


def test_a_job_writes_its_output_as_the_role(bed: Bench) -> None:
    bed.engine.go.set()
    key = "alias/model-key"
    job = bed.ended(bed.create(customModelKmsKeyId=key))
    folder = f"/data/out/model-customization-job-{job['jobArn'].rsplit('/', 1)[1]}"
    steps = list(
        csv.DictReader(
            io.StringIO(bed.emulator.objects[f"{folder}/training_artifacts/step_wise_training_metrics.csv"].decode())
        )
    )
    assert [step["step_number"] for step in steps] == ["0", "1", "2"]
    assert steps[0]["reward"] == "1" and steps[0]["training_loss"] == "" and steps[0]["validation_reward"] == ""
    assert steps[2]["validation_reward"] == "0.25"
    validation = f"{folder}/validation_artifacts/post_fine_tuning_validation/validation_metrics.csv"
    assert bed.emulator.objects[validation].decode().splitlines()[1] == "2,0,,,0.25"
    run = json.loads(bed.emulator.objects[f"{folder}/training_artifacts/embedded_run.json"])
    assert run["stand_in"] == "fake model" and run["peak_memory_mb"] > 0
    assert run["planned_steps"] == 3
    assert run["asked_used"] == [
        {"name": "batchSize", "asked": 16, "used": 2, "why": "two prompts a step"},
        {"name": "customModelKmsKeyId", "asked": key, "used": None, "why": "no effect"},
    ]
    assert "/data/out/.write_access_check_file.tmp" not in bed.emulator.objects
    assert ("PUT", "/data/out/.write_access_check_file.tmp") in bed.emulator.requests


def test_progress_can_be_read_while_the_job_runs(bed: Bench) -> None:
    job = bed.create()
    metrics = (
        f"/data/out/model-customization-job-{job.rsplit('/', 1)[1]}/training_artifacts/step_wise_training_metrics.csv"
    )
    found = bed.until(job, lambda _: metrics in bed.emulator.objects)
    assert found["status"] == "InProgress" and found["statusDetails"]["trainingDetails"]["status"] == "InProgress"
    assert len(bed.emulator.objects[metrics].splitlines()) == 2


def test_the_event_bus_hears_of_start_and_end(bed: Bench) -> None:
    bed.engine.go.set()
    job = bed.create("told")
    bed.until(job, lambda _: len(bed.emulator.events) == 2)
    event = bed.emulator.events[1]
    assert (event["Source"], event["DetailType"]) == ("aws.bedrock", "Model Customization Job State Change")
    assert event["Resources"] == [job]
    detail = json.loads(event["Detail"])
    assert detail["jobStatus"] == "Completed" and detail["jobName"] == "told" and detail["outputModelArn"]
    assert "status" not in detail and "customizationConfig" not in detail


def test_the_role_is_assumed_for_the_job(bed: Bench) -> None:
    bed.engine.go.set()
    job = bed.create()
    bed.ended(job)
    assert {session["source_arn"] for session in bed.emulator.sessions} == {job}
    assert bed.emulator.sessions[0]["role_arn"] == ROLE and bed.emulator.sessions[0]["source_account"] == ACCOUNT
    question = bed.emulator.questions[0]
    assert question["action"] == "iam:PassRole" and question["principal_arn"] == CALLER
    assert question["context"] == {"iam:PassedToService": "bedrock.amazonaws.com"}


@pytest.mark.parametrize(
    ("denied", "code", "words"),
    [
        ("iam:PassRole", "AccessDeniedException", "iam:PassRole on resource"),
        ("s3:GetObject", "ValidationException", "Could not validate GetObject permissions to access Amazon S3 bucket"),
        ("s3:PutObject", "ValidationException", "Amazon S3 perms missing (PutObject)"),
    ],
)
def test_what_the_role_lacks_is_refused_at_once(bed: Bench, denied: str, code: str, words: str) -> None:
    bed.emulator.denied.add(denied)
    found, message, _ = refusal(bed)
    assert found == code and words in message
    assert bed.control.list_model_customization_jobs()["modelCustomizationJobSummaries"] == []


def test_a_call_that_did_not_come_through_the_emulator_has_no_caller_to_check() -> None:
    nowhere = EmulatorClient("http://127.0.0.1:1")
    RoleCheck(nowhere).pass_role("", ROLE)
    with pytest.raises(OSError, match="refused"):
        RoleCheck(nowhere).pass_role(CALLER, ROLE)


def test_a_role_without_trust_is_refused_at_once(bed: Bench) -> None:
    bed.emulator.trust = "the trust policy does not name bedrock.amazonaws.com"
    code, message, _ = refusal(bed)
    assert code == "ValidationException" and "does not name bedrock.amazonaws.com" in message


@pytest.mark.parametrize(
    ("denied", "words"),
    [("lambda:InvokeFunction", "InvokeFunction permissions"), ("kms:CreateGrant", "lacks kms:CreateGrant")],
)
def test_what_only_training_needs_fails_the_job(bed: Bench, denied: str, words: str) -> None:
    bed.emulator.denied.add(denied)
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-1111-1111-1111-111111111111"
    job = bed.ended(bed.create(customModelKmsKeyId=key))
    assert job["status"] == "Failed" and words in job["failureMessage"] and "outputModelArn" not in job
    assert job["statusDetails"]["validationDetails"]["status"] == "Failed"
    assert job["statusDetails"]["trainingDetails"]["status"] == "NotStarted"


def test_a_stopped_job_leaves_no_model(bed: Bench) -> None:
    job = bed.create()
    bed.first_step_done(job)
    bed.control.stop_model_customization_job(jobIdentifier=job)
    assert bed.control.get_model_customization_job(jobIdentifier=job)["status"] == "Stopping"
    bed.engine.go.set()
    found = bed.ended(job)
    assert found["status"] == "Stopped" and "outputModelArn" not in found and "failureMessage" not in found
    assert found["statusDetails"]["trainingDetails"]["status"] == "Stopped"
    assert bed.control.list_custom_models()["modelSummaries"] == []
    bed.control.stop_model_customization_job(jobIdentifier=job)


def test_a_completed_job_cannot_be_stopped(bed: Bench) -> None:
    bed.trained()
    with pytest.raises(bed.control.exceptions.ConflictException):
        bed.control.stop_model_customization_job(jobIdentifier="job")


def test_jobs_wait_for_their_turn(bed: Bench) -> None:
    first, second = bed.create("first"), bed.create("second")
    bed.first_step_done(first)
    waiting = bed.control.get_model_customization_job(jobIdentifier=second)
    assert waiting["status"] == "InProgress"
    assert waiting["statusDetails"]["validationDetails"]["status"] == "NotStarted"
    third = bed.create("third")
    bed.control.stop_model_customization_job(jobIdentifier=third)
    assert bed.control.get_model_customization_job(jobIdentifier=third)["status"] == "Stopped"
    bed.engine.go.set()
    assert bed.ended(first)["endTime"] <= bed.ended(second)["endTime"]
    bed.trained("fourth")
    assert len(bed.engine.tasks) == 3


def test_the_same_token_is_the_same_job(bed: Bench) -> None:
    job = bed.create(clientRequestToken="once")
    assert bed.create(clientRequestToken="once") == job
    code, message, status = refusal(bed, name="other", clientRequestToken="once")
    assert (code, status) == ("ConflictException", 400) and "other parameters" in message


def test_names_are_taken_once(bed: Bench) -> None:
    bed.create("taken")
    assert refusal(bed, name="taken")[:1] == ("ConflictException",)
    assert refusal(bed, name="free", customModelName="taken")[0] == "ConflictException"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"customizationType": "FINE_TUNING"}, "REINFORCEMENT_FINE_TUNING"),
        ({"customizationType": None}, "REINFORCEMENT_FINE_TUNING"),
        ({"baseModelIdentifier": "amazon.nova-9-max-v1:0"}, "model identifier is invalid"),
        ({"customizationConfig": {"rftConfig": {}}}, "graderConfig is required"),
        ({"trainingDataConfig": {}}, "trainingDataConfig.s3Uri is required"),
    ],
)
def test_what_rft_needs_beyond_the_model(bed: Bench, changes: dict[str, object], words: str) -> None:
    code, message, _ = refusal(bed, **changes)
    assert code == "ValidationException" and words in message


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("few", "ROWS99", "99 records"),
        ("json", "{not json}\n", "line 1 is not JSON"),
        ("gap", '{"messages":[{"role":"user","content":"a"}]}\n\n', "line 2 is empty"),
        ("prompt", '{"messages":[{"role":"system","content":"a"}]}\n', "no user message"),
    ],
)
def test_a_broken_dataset_fails_the_job(bed: Bench, name: str, content: str, words: str) -> None:
    bed.emulator.objects["/data/broken.jsonl"] = content.encode()
    if content == "ROWS99":
        bed.emulator.put_rows("broken.jsonl", 99)
    job = bed.ended(bed.create(name, trainingDataConfig={"s3Uri": "s3://data/broken.jsonl"}))
    assert job["status"] == "Failed" and words in job["failureMessage"]
    assert job["statusDetails"]["dataProcessingDetails"]["status"] == "Failed"


def test_a_reward_function_that_keeps_failing_fails_the_job(bed: Bench) -> None:
    def broken(event: object) -> object:
        raise RuntimeError("no judge")

    bed.emulator.grade = broken
    job = bed.ended(bed.create())
    assert (
        job["status"] == "Failed" and "RuntimeError" in job["failureMessage"] and "3 retries" in job["failureMessage"]
    )
    assert GRADER in job["failureMessage"] and len(bed.emulator.graded) == 4


def test_a_reward_function_that_recovers_does_not_fail_the_job(bed: Bench) -> None:
    def hesitant(event: list[dict[str, object]]) -> object:
        if len(bed.emulator.graded) <= 3:
            raise RuntimeError("cold")
        return [{"id": sample["id"], "aggregate_reward_score": 0} for sample in event]

    bed.emulator.grade = hesitant
    bed.engine.go.set()
    assert bed.ended(bed.create())["status"] == "Completed"


def test_a_restart_fails_what_ran_and_keeps_what_was_done(tmp_path: Path) -> None:
    with bench(tmp_path) as before:
        model = before.trained("done")
        before.engine.go.clear()
        job = before.create("cut-off")
        before.first_step_done(job)
        record = next((tmp_path / "jobs").glob(f"{job.rsplit('/', 1)[1]}.json"))
        written = record.read_bytes()
    record.write_bytes(written)  # as a crash leaves it: nothing was recorded at the end
    with bench(tmp_path) as after:
        assert after.control.get_custom_model(modelIdentifier=model)["modelName"] == "done"
        found = after.control.get_model_customization_job(jobIdentifier=job)
        assert found["status"] == "Failed" and "start the job again" in found["failureMessage"]
        assert found["statusDetails"]["trainingDetails"]["status"] == "Failed"


def test_stopping_the_endpoint_fails_what_runs_at_once(bed: Bench) -> None:
    job = bed.create()
    bed.first_step_done(job)
    bed.endpoint.stop()
    assert bed.control.get_model_customization_job(jobIdentifier=job)["status"] == "Failed"


def test_jobs_are_listed_by_filters_in_pages(bed: Bench) -> None:
    bed.engine.go.set()
    for name in ("list-a", "list-b", "other"):
        bed.ended(bed.create(name))
    client = bed.control
    pages = client.get_paginator("list_model_customization_jobs").paginate(PaginationConfig={"PageSize": 1})
    names = [job["jobName"] for part in pages for job in part["modelCustomizationJobSummaries"]]
    assert names == ["other", "list-b", "list-a"]
    found = client.list_model_customization_jobs(nameContains="list", sortOrder="Ascending", statusEquals="Completed")
    assert [job["jobName"] for job in found["modelCustomizationJobSummaries"]] == ["list-a", "list-b"]
    assert client.list_model_customization_jobs(statusEquals="Failed")["modelCustomizationJobSummaries"] == []
    middle = client.get_model_customization_job(jobIdentifier="list-b")["creationTime"]
    later = client.list_model_customization_jobs(creationTimeAfter=middle)["modelCustomizationJobSummaries"]
    assert "list-a" not in [job["jobName"] for job in later]
    with pytest.raises(client.exceptions.ValidationException):
        client.list_model_customization_jobs(nextToken="bm90LW91cnM=")


def test_an_unknown_job_is_not_found(bed: Bench) -> None:
    with pytest.raises(bed.control.exceptions.ResourceNotFoundException):
        bed.control.get_model_customization_job(jobIdentifier="nobody")


def test_a_nova_job_is_trained_by_the_stand_in(tmp_path: Path) -> None:
    with bench(tmp_path, FakeEngine(steps=1)) as bed:
        job = bed.ended(bed.create(baseModelIdentifier="amazon.nova-2-lite-v1:0:256k"))
        assert job["status"] == "Completed"
        assert job["outputModelArn"].split("/")[1] == "amazon.nova-2-lite-v1:0:256k"
        assert job["baseModelArn"] == f"arn:aws:bedrock:{REGION}::foundation-model/amazon.nova-2-lite-v1:0:256k"


def test_the_request_is_echoed(bed: Bench) -> None:
    asked = request("echo", clientRequestToken="token-1")
    bed.create("echo", clientRequestToken="token-1")
    job = bed.control.get_model_customization_job(jobIdentifier="echo")
    for member in ("trainingDataConfig", "validationDataConfig", "outputDataConfig", "customizationConfig", "roleArn"):
        assert job[member] == asked[member]
    assert job["clientRequestToken"] == "token-1"

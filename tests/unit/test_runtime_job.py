"""The job's request is legal for every run, and says what the recipe says."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.naming import candidate_deployment_name, request_token
from rft_contract.settings import JobNetwork, PlatformResources, PlatformSettings
from rft_runtime.job import Job, job_request
from rft_runtime.run_record import RunRecord
from tests.unit.fakes.account import FUNCTION_ARN, REGION, RESOURCES, SETTINGS
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.recipe import recipe_json
from tests.unit.fakes.service_models import check_request

RUN_IDS = st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True).filter(lambda run: len(run) <= 40)
ENVIRONMENTS = st.from_regex(r"[a-z][a-z0-9]{0,11}", fullmatch=True)
MODELS = st.sampled_from(["amazon.nova-2-lite-v1:0:256k", "local.smollm2-135m-instruct-v1:0"])
HYPERPARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "epochCount": st.integers(1, 50),
        "batchSize": st.integers(16, 512),
        "learningRate": st.floats(1e-7, 1e-3),
        "trainingSamplePerPrompt": st.integers(2, 16),
        "evalInterval": st.integers(1, 100),
        "reasoningEffort": st.sampled_from(["low", "medium", "high"]),
    },
)


def planned(
    run: str = "a-1",
    environment: str = "dev",
    settings: PlatformSettings = SETTINGS,
    datasets: dict[str, str] | None = None,
    **changes: Any,
) -> RunRecord:
    aws = FakeAws()
    recipe = recipe_json(**changes)
    recipe["datasets"] = {**recipe["datasets"], **(datasets or {})}
    return aws.platform().runs.create(
        RunRecord(
            run_id=run,
            environment=environment,
            started=datetime.now(UTC),
            recipe=recipe,
            settings=settings.to_json(),
            resources=RESOURCES.to_json(),
            reward_arn=f"{FUNCTION_ARN}:run-{run}",
        )
    )


@settings(max_examples=60, deadline=None)
@given(RUN_IDS, ENVIRONMENTS, MODELS, HYPERPARAMETERS, st.booleans())
def test_every_request_is_legal_for_bedrock(
    run: str, environment: str, model: str, hyperparameters: dict[str, Any], validation: bool
) -> None:
    datasets = {"validation": "s3://dev-data/datasets/v/v.jsonl"} if validation else {}
    record = planned(run, environment, datasets=datasets, base_model=model, hyperparameters=hyperparameters)
    request = job_request(record, REGION)
    check_request("bedrock", "CreateModelCustomizationJob", dict(request))
    assert ("validationDataConfig" in request) == validation


@settings(max_examples=60, deadline=None)
@given(RUN_IDS, ENVIRONMENTS)
def test_every_deployment_request_is_legal_for_bedrock(run: str, environment: str) -> None:
    check_request(
        "bedrock",
        "CreateCustomModelDeployment",
        {
            "modelDeploymentName": candidate_deployment_name(environment, run),
            "modelArn": f"arn:aws:bedrock:{REGION}:123456789012:custom-model/amazon.nova-2-lite-v1:0:256k/abcdefghijkl",
            "clientRequestToken": request_token(run, "Deploy"),
        },
    )


def test_the_checker_finds_what_botocore_lets_through() -> None:
    """The checks above mean something only if illegal requests fail them."""
    request = dict(job_request(planned(), REGION))
    broken: list[dict[str, Any]] = [
        {"jobName": "with_underscore"},
        {"customModelName": "double--dash"},
        {"clientRequestToken": "with:colon"},
        {"trainingDataConfig": {"s3Uri": "s3://bucket/run=1/x"}},
        {"customizationType": "RFT"},
        {"customizationConfig": {"rftConfig": {"hyperParameters": {"epochCount": 51}}}},
        {"customizationConfig": {"rftConfig": {"hyperParameters": {"learningRate": "0.1"}}}},
    ]
    for change in broken:
        try:
            check_request("bedrock", "CreateModelCustomizationJob", {**request, **change})
        except AssertionError:
            continue
        raise AssertionError(f"accepted {change}")


def test_hyperparameters_travel_as_numbers() -> None:
    request = job_request(planned(hyperparameters={"learningRate": 1e-5, "epochCount": 2}), REGION)
    sent = request["customizationConfig"]["rftConfig"]["hyperParameters"]
    assert (sent["learningRate"], sent["epochCount"]) == (1e-5, 2)
    assert "reasoningEffort" not in sent


def test_switches_of_the_platform_change_the_request() -> None:
    datasets = {"validation": "s3://dev-data/datasets/v/v.jsonl"}
    plain = PlatformSettings(environment="dev", grader_qualifier="none", validation_data=False)
    request = job_request(planned(settings=plain, datasets=datasets), REGION)
    assert request["customizationConfig"]["rftConfig"]["graderConfig"]["lambdaGrader"]["lambdaArn"] == FUNCTION_ARN
    assert "validationDataConfig" not in request


def test_a_job_runs_in_the_environments_network() -> None:
    assert "vpcConfig" not in job_request(planned(), REGION)
    network = JobNetwork(subnets=("subnet-0123456789abcdef0",), security_groups=("sg-0123456789abcdef0",))
    resources = replace(RESOURCES, job_network=network)
    assert PlatformResources.from_json(resources.to_json()) == resources
    request = job_request(msgspec.structs.replace(planned(), resources=resources.to_json()), REGION)
    assert request["vpcConfig"] == {
        "subnetIds": ["subnet-0123456789abcdef0"],
        "securityGroupIds": ["sg-0123456789abcdef0"],
    }
    check_request("bedrock", "CreateModelCustomizationJob", dict(request))


def test_the_model_is_encrypted_with_the_environments_key_and_tagged_with_its_run() -> None:
    request = job_request(planned("a-1"), REGION)
    assert request["customModelKmsKeyId"] == RESOURCES.key_arn
    assert {"key": "rft:run", "value": "a-1"} in request["jobTags"]
    assert {"key": "rft:run", "value": "a-1"} in request["customModelTags"]


def test_a_status_that_is_not_known_counts_as_running() -> None:
    now = datetime.now(UTC)
    assert not Job(arn="a", status="Queued", created=now).is_ending
    assert Job(arn="a", status="Stopped", created=now).is_ending

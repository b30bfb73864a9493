"""Custom models, deployments, base models and tags over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from rft_local.bedrock.accidents import Accidents
from rft_local.bedrock.account import Account
from rft_local.bedrock.deployments import Deployments
from rft_local.bedrock.requests import CreateDeployment, DeploymentIdentifier, UpdateDeployment
from rft_local.bedrock.service_error import ServiceError
from rft_local.bedrock.undocumented import Undocumented
from tests.unit.bedrock_bench import BASE, Bench, bench

MISSING = "arn:aws:bedrock:us-east-1:000000000000:custom-model/local.smollm2-135m-instruct-v1:0/abcdefghijkl"


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("state")) as served:
        yield served


@pytest.fixture(scope="module")
def model(bed: Bench) -> str:
    return bed.trained("shared")


def deploy(bed: Bench, model: str, name: str, **more: object) -> str:
    created = bed.control.create_custom_model_deployment(
        modelDeploymentName=name,
        modelArn=model,
        **more,  # type: ignore[arg-type]  # members
    )
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 202
    return created["customModelDeploymentArn"]


def code(raised: "pytest.ExceptionInfo[ClientError]") -> str:
    return raised.value.response["Error"]["Code"]


def test_models_are_listed_by_what_they_are(bed: Bench, model: str) -> None:
    found = bed.control.list_custom_models(nameContains="share", baseModelArnEquals=BASE)["modelSummaries"]
    assert [item["modelArn"] for item in found] == [model]
    assert (
        found[0]["baseModelName"] == "local.smollm2-135m-instruct-v1" and found[0]["ownerAccountId"] == "000000000000"
    )
    assert bed.control.list_custom_models(nameContains="nothing")["modelSummaries"] == []
    assert bed.control.list_custom_models(isOwned=False)["modelSummaries"] == []
    assert bed.control.list_custom_models(modelStatus="Failed")["modelSummaries"] == []


def test_a_model_can_be_deleted_unless_it_is_deployed(bed: Bench) -> None:
    model = bed.trained("short-lived")
    deployment = deploy(bed, model, "holds-it")
    with pytest.raises(ClientError) as raised:
        bed.control.delete_custom_model(modelIdentifier=model)
    assert code(raised) == "ConflictException"
    bed.control.delete_custom_model_deployment(customModelDeploymentIdentifier=deployment)
    bed.control.delete_custom_model(modelIdentifier="short-lived")
    with pytest.raises(bed.control.exceptions.ResourceNotFoundException):
        bed.control.get_custom_model(modelIdentifier=model)


def test_a_deployment_is_found_by_arn_and_name(bed: Bench, model: str) -> None:
    arn = deploy(bed, model, "by-name", description="for tests", tags=[{"key": "team", "value": "a"}])
    for identifier in (arn, "by-name"):
        found = bed.control.get_custom_model_deployment(customModelDeploymentIdentifier=identifier)
        assert found["customModelDeploymentArn"] == arn and found["modelArn"] == model
        assert found["status"] == "Active" and found["description"] == "for tests"
    listed = bed.control.list_custom_model_deployments(nameContains="by-n", statusEquals="Active", modelArnEquals=model)
    assert [item["customModelDeploymentName"] for item in listed["modelDeploymentSummaries"]] == ["by-name"]
    assert bed.control.list_custom_model_deployments(statusEquals="Creating")["modelDeploymentSummaries"] == []


def test_a_deployment_needs_its_model_and_its_own_name(bed: Bench, model: str) -> None:
    with pytest.raises(ClientError) as raised:
        deploy(bed, MISSING, "nothing-behind")
    assert code(raised) == "ResourceNotFoundException"
    deploy(bed, model, "only-once")
    with pytest.raises(ClientError) as raised:
        deploy(bed, model, "only-once")
    assert code(raised) == "ValidationException"


def test_a_deployment_token_works_once(bed: Bench, model: str) -> None:
    arn = deploy(bed, model, "tokened", clientRequestToken="t1")
    assert deploy(bed, model, "tokened", clientRequestToken="t1") == arn
    with pytest.raises(ClientError) as raised:
        deploy(bed, model, "other", clientRequestToken="t1")
    assert code(raised) == "ValidationException"


def test_an_unknown_deployment_is_not_found(bed: Bench) -> None:
    for call in (bed.control.get_custom_model_deployment, bed.control.delete_custom_model_deployment):
        with pytest.raises(ClientError) as raised:
            call(customModelDeploymentIdentifier="nobody")
        assert code(raised) == "ResourceNotFoundException"


def test_a_deployment_and_its_update_take_their_time(tmp_path: Path) -> None:
    with bench(tmp_path) as bed:
        first, second = bed.trained("first"), bed.trained("second")
    now = 1000.0
    account = Account(tmp_path, lambda: now)
    deployments = Deployments(account, seconds=5, accidents=Accidents(), undocumented=Undocumented())
    arn = deployments.create(CreateDeployment(model_deployment_name="slow", model_arn=first))[
        "customModelDeploymentArn"
    ]
    slow = DeploymentIdentifier(custom_model_deployment_identifier=str(arn))
    update = UpdateDeployment(custom_model_deployment_identifier=str(arn), model_arn=second)
    assert deployments.get(slow)["status"] == "Creating"
    with pytest.raises(ServiceError, match="being created"):
        deployments.delete(slow)
    with pytest.raises(ServiceError, match="being created or updated"):
        deployments.update(update)
    now += 5
    assert deployments.get(slow)["status"] == "Active"
    deployments.update(update)
    found = deployments.get(slow)
    assert found["modelArn"] == first
    assert found["updateDetails"] == {"modelArn": second, "updateStatus": "Updating"}
    now += 5
    found = Deployments(Account(tmp_path, lambda: now), 5, Accidents(), Undocumented()).get(slow)
    assert found["modelArn"] == second
    assert found["updateDetails"] == {"modelArn": second, "updateStatus": "UpdateCompleted"}


def test_foundation_models_are_those_of_the_platforms_tables(bed: Bench) -> None:
    found = bed.control.list_foundation_models()["modelSummaries"]
    ids = [item["modelId"] for item in found]
    judges = ["openai.gpt-oss-120b-1:0", "openai.gpt-oss-20b-1:0"]
    assert ids == ["amazon.nova-2-lite-v1:0:256k", "local.smollm2-135m-instruct-v1:0", *judges]
    judge = bed.control.get_foundation_model(modelIdentifier=judges[0])["modelDetails"]
    assert judge["modelArn"].endswith(f"foundation-model/{judges[0]}") and judge["providerName"] == "OpenAI"
    assert [
        item["modelId"] for item in bed.control.list_foundation_models(byProvider="Amazon")["modelSummaries"]
    ] == ids[:1]
    assert bed.control.list_foundation_models(byCustomizationType="FINE_TUNING")["modelSummaries"] == []
    details = bed.control.get_foundation_model(modelIdentifier=BASE)["modelDetails"]
    assert details["modelArn"] == BASE and details["modelLifecycle"]["status"] == "ACTIVE"
    with pytest.raises(bed.control.exceptions.ResourceNotFoundException):
        bed.control.get_foundation_model(modelIdentifier="amazon.nova-9-max-v1:0")


def test_tags_are_added_replaced_and_removed(bed: Bench, model: str) -> None:
    client = bed.control
    job = client.get_custom_model(modelIdentifier=model)["jobArn"]
    for arn in (model, job, deploy(bed, model, "tagged")):
        client.tag_resource(resourceARN=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
        client.tag_resource(resourceARN=arn, tags=[{"key": "a", "value": "3"}])
        client.untag_resource(resourceARN=arn, tagKeys=["b", "never"])
        assert client.list_tags_for_resource(resourceARN=arn)["tags"] == [{"key": "a", "value": "3"}]


def test_tags_have_their_limits(bed: Bench, model: str) -> None:
    with pytest.raises(ClientError) as raised:
        bed.control.tag_resource(resourceARN=model, tags=[{"key": f"k{n}", "value": "v"} for n in range(51)])
    assert code(raised) == "TooManyTagsException"
    with pytest.raises(ClientError) as raised:
        bed.control.list_tags_for_resource(resourceARN=MISSING)
    assert code(raised) == "ResourceNotFoundException"

"""What is asked twice happens once: a Lambda that is called again, or died between a create and its note of it."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rft_contract.layout import RunKeys
from rft_contract.naming import live_deployment_name, request_token
from rft_contract.outcomes import RunFailed
from rft_runtime.decision import decide_run
from rft_runtime.deployment import poll_deployment, start_deployment
from rft_runtime.plan import plan
from rft_runtime.releases.promotion import poll_promotion, start_promotion
from rft_runtime.training import poll_training, start_training
from tests.unit.fakes.account import EXECUTION, RESOURCES, SETTINGS
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.recipe import recipe_json, upload
from tests.unit.fakes.service_models import aws_error, breaches, service_model
from tests.unit.test_runtime_workflow import MODEL_ARN, RUN, certified, evaluated

LINE = "ticket-routing"
LIVE = live_deployment_name("dev", LINE)
CREATES = ("CreateModelCustomizationJob", "CreateCustomModelDeployment")

Step = Callable[[FakeAws], object]


@settings(max_examples=200, derandomize=True)
@given(st.text(max_size=80), st.sampled_from(["Train", "Deploy", "Promote"]) | st.text(max_size=40))
def test_every_token_is_legal_for_bedrock(run_id: str, state: str) -> None:
    """A run id is narrower than that, a rollback's id is not ours to choose."""
    for operation in CREATES:
        shape = service_model("bedrock").operation_model(operation).input_shape
        assert shape is not None
        assert breaches(shape.members["clientRequestToken"], request_token(run_id, state)) == []


@settings(max_examples=100, derandomize=True)
@given(st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True), st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True))
def test_two_calls_share_a_token_only_when_they_are_the_same_step_of_the_same_run(first: str, second: str) -> None:
    tokens = {(run, state): request_token(run, state) for run in (first, second) for state in ("Train", "Deploy")}
    assert len(set(tokens.values())) == len(tokens)


def planned_by_hand(aws: FakeAws) -> None:
    facts = {"settings": SETTINGS.to_json(), "resources": RESOURCES.to_json()}
    plan(aws.platform(), run_id=RUN, execution=EXECUTION + RUN, recipe=recipe_json(), facts=facts)


def uploaded() -> FakeAws:
    aws = FakeAws()
    upload(aws)
    return aws


def trained() -> FakeAws:
    aws = certified()
    start_training(aws.platform(), RUN)
    aws.bedrock.job().update(status="Completed", outputModelArn=MODEL_ARN)
    poll_training(aws.platform(), RUN, 30)
    return aws


def decided() -> FakeAws:
    aws = evaluated(promote=True)
    decide_run(aws.platform(), RUN)
    return aws


STEPS: dict[str, tuple[Callable[[], FakeAws], Step, Callable[[FakeAws], int]]] = {
    "the alias": (uploaded, planned_by_hand, lambda aws: len(aws.functions.aliases)),
    "the job": (certified, lambda aws: start_training(aws.platform(), RUN), lambda aws: len(aws.bedrock.jobs)),
    "the candidate's deployment": (
        trained,
        lambda aws: start_deployment(aws.platform(), RUN),
        lambda aws: len(aws.bedrock.deployments),
    ),
    "the live deployment": (
        decided,
        lambda aws: start_promotion(aws.platform(), RUN),
        lambda aws: LIVE in aws.bedrock.deployments,
    ),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_that_died_before_it_could_note_its_create_finds_what_it_made(name: str) -> None:
    prepare, step, made = STEPS[name]
    aws = prepare()
    before = made(aws)

    def dies(key: str) -> None:
        if made(aws) > before:
            raise aws_error("InternalError", "PutObject", 500)

    aws.s3.on_put = dies
    try:
        step(aws)
    except Exception as error:
        assert "InternalError" in str(error)
    else:
        assert name == "the live deployment"  # it is claimed before it is made, and nothing is left to be noted
    assert made(aws) == before + 1
    aws.s3.on_put = lambda key: None
    step(aws)
    step(aws)
    assert made(aws) == before + 1


def test_a_job_whose_token_bedrock_forgot_is_known_by_its_tag() -> None:
    aws = certified()
    start_training(aws.platform(), RUN)
    forget(aws, job_arn=None)
    aws.bedrock.job()["clientRequestToken"] = "of-long-ago"
    start_training(aws.platform(), RUN)
    assert aws.platform().runs.load(RUN).job_arn == aws.bedrock.job()["jobArn"]
    assert len(aws.bedrock.jobs) == 1


def test_a_job_with_another_runs_tag_is_not_adopted() -> None:
    aws = certified()
    start_training(aws.platform(), RUN)
    forget(aws, job_arn=None)
    job = aws.bedrock.job()
    job["clientRequestToken"] = "of-long-ago"
    aws.bedrock.tags[job["jobArn"]] = [{"key": "rft:run", "value": "another"}]
    with pytest.raises(RunFailed, match="is taken by another job"):
        start_training(aws.platform(), RUN)


def test_a_live_deployment_without_the_lines_tags_is_not_adopted() -> None:
    aws = decided()
    aws.bedrock.create_custom_model_deployment(modelDeploymentName=LIVE, modelArn=MODEL_ARN)
    with pytest.raises(RunFailed, match="lacks the tags of line ticket-routing"):
        start_promotion(aws.platform(), RUN)
        poll_promotion(aws.platform(), RUN, 30)


def test_polls_may_be_doubled() -> None:
    aws = certified()
    start_training(aws.platform(), RUN)
    aws.bedrock.job().update(status="Completed", outputModelArn=MODEL_ARN)
    assert poll_training(aws.platform(), RUN, 30) == poll_training(aws.platform(), RUN, 30)
    start_deployment(aws.platform(), RUN)
    aws.bedrock.settle_deployment(f"dev-{RUN}-candidate")
    assert poll_deployment(aws.platform(), RUN, 30) == poll_deployment(aws.platform(), RUN, 30)


def forget(aws: FakeAws, **fields: Any) -> None:
    aws.platform().runs.set(RUN, **fields)
    assert RunKeys(RUN).record in aws.s3.objects

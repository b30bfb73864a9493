"""Every name that the platform makes is legal where it is used, by the service's own model."""

import re

import botocore.session
import pytest
from botocore.model import ServiceModel
from hypothesis import given
from hypothesis import strategies as st

from rft_contract import naming
from rft_contract.layout import RunKeys, dataset_key
from rft_contract.outcomes import InvalidDataset, Outcome, OverLimit, RunEnded, Stale, outcome_of
from rft_contract.outputs import StackOutputs
from rft_contract.rollout_mark import RolloutMark
from rft_contract.settings import FunctionEnvironment

RUN_IDS = st.from_regex(r"[a-z0-9]{1,12}(-[a-z0-9]{1,8}){0,3}", fullmatch=True).filter(lambda run: len(run) <= 40)
ENVIRONMENTS = st.from_regex(r"[a-z][a-z0-9]{0,11}", fullmatch=True)


def shape_allows(model: ServiceModel, shape_name: str, value: str) -> bool:
    shape = model.shape_for(shape_name)
    low, high = shape.metadata.get("min", 0), shape.metadata.get("max", 10**9)
    return low <= len(value) <= high and re.fullmatch(shape.metadata["pattern"], value) is not None


@pytest.fixture(scope="module")
def bedrock() -> ServiceModel:
    return botocore.session.get_session().get_service_model("bedrock")


@given(run_id=RUN_IDS, environment=ENVIRONMENTS)
def test_names_match_the_service_model(bedrock: ServiceModel, run_id: str, environment: str) -> None:
    assert shape_allows(bedrock, "JobName", naming.job_name(environment, run_id))
    assert shape_allows(bedrock, "CustomModelName", naming.custom_model_name(environment, run_id))
    assert shape_allows(bedrock, "ModelDeploymentName", naming.candidate_deployment_name(environment, run_id))
    assert shape_allows(bedrock, "ModelDeploymentName", naming.live_deployment_name(environment, "a" * 24))
    assert shape_allows(bedrock, "IdempotencyToken", naming.request_token(run_id, "Train"))
    assert re.fullmatch(r"(?!^[0-9]+$)[a-zA-Z0-9-_]{1,128}", naming.reward_alias(run_id))


@given(run_id=RUN_IDS)
def test_every_key_of_a_run_is_an_address_that_bedrock_reads(bedrock: ServiceModel, run_id: str) -> None:
    keys = RunKeys(run_id)
    for key in (keys.data("train"), keys.data("held_out"), keys.job_output, keys.shards, keys.record):
        assert key.startswith(keys.prefix)
        assert shape_allows(bedrock, "S3Uri", f"s3://some-bucket/{key}")
    assert shape_allows(bedrock, "S3Uri", f"s3://some-bucket/{dataset_key('0' * 64, 'train.jsonl')}")


@pytest.mark.parametrize("bad", ["", "A", "a--b", "-a", "a_b", "a.b", "a" * 41, "a\n"])
def test_illegal_run_ids_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="run id: got"):
        naming.check_run_id(bad)


def test_tokens_differ_by_state_and_repeat_for_retries() -> None:
    assert naming.request_token("r", "Train") == naming.request_token("r", "Train")
    assert naming.request_token("r", "Train") != naming.request_token("r", "Deploy")


@pytest.mark.parametrize("ending", [InvalidDataset, OverLimit, Stale])
def test_an_error_name_leads_back_to_its_outcome(ending: type[RunEnded]) -> None:
    assert outcome_of(ending.__name__) is ending.outcome


def test_an_unknown_error_is_a_failure() -> None:
    assert outcome_of("States.Timeout") is Outcome.FAILED


@pytest.mark.parametrize("signing_key", [None, "arn:aws:kms:us-east-1:123456789012:key/1"])
def test_a_functions_environment_reads_back_equal(signing_key: str | None) -> None:
    environment = FunctionEnvironment(bucket="b", environment="dev", signing_key=signing_key)
    assert FunctionEnvironment.from_variables(environment.to_variables()) == environment


def test_outputs_read_back_what_the_stack_declares() -> None:
    outputs = StackOutputs(
        bucket="b",
        key_arn="k",
        release_key_arn="r",
        state_machine_arn="m",
        close_function="c",
        sweep_function="s",
        rollback_function="b",
        dashboard="d",
        topic_arn="t",
        rewards={"a": "f"},
        keep_releases=2,
        rejected_model_days=0.5,
    )
    assert StackOutputs.from_outputs(outputs.to_outputs()) == outputs
    with pytest.raises(ValueError, match="no output Bucket"):
        StackOutputs.from_outputs({})


@given(
    st.builds(
        RolloutMark,
        run=RUN_IDS,
        split=st.sampled_from(["train", "validation"]),
        row=st.integers(0),
        phase=st.none() | st.just("base"),
        base=st.none() | st.floats(0, 1),
    )
)
def test_a_mark_reads_back_equal(mark: RolloutMark) -> None:
    assert RolloutMark.from_json(mark.to_json()) == mark


@pytest.mark.parametrize(
    "value", [None, [], {}, {"run": 1, "split": "train", "row": 0}, {"run": "r", "split": "train", "row": True}]
)
def test_what_is_no_mark_reads_as_none(value: object) -> None:
    assert RolloutMark.from_json(value) is None  # type: ignore[arg-type]  # deliberately not JSON-typed

"""A customization job of a trial: started, watched, ended."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from rft_cli.cli_error import CliError
from rft_cli.verification.grader_events import EventSeen
from rft_cli.verification.pace import TrialPace
from rft_cli.verification.removals import Removals
from rft_cli.verification.scaffold import TAG, Scaffold
from rft_cli.verification.trial_data import HYPERPARAMETERS
from rft_contract.statuses import JobStatus
from rft_runtime.base_models import BaseModel
from rft_runtime.failures import explain
from rft_runtime.job import Job, find_job, stop_job

if TYPE_CHECKING:
    from types_boto3_bedrock import BedrockClient


@dataclass(frozen=True, kw_only=True)
class Started:
    """How a job could be started.

    Args:
        job: The job.
        name: Its name, and that of its model.
        refusals: What the service said before it took the role; one for each try.
        qualifier_refused: What it said to the qualified ARN of the reward function; empty: it took it.
        validation_refused: What it said to a validation set; empty: it took it, or there was none.
    """

    job: Job
    name: str
    refusals: list[str] = field(default_factory=list)
    qualifier_refused: str = ""
    validation_refused: str = ""


def start(
    scaffold: Scaffold, name: str, model: BaseModel, *, validation: bool, pace: TrialPace, removals: Removals
) -> Started:
    """Start a job; where the service refuses what AWS may not support, leave that out.

    Args:
        scaffold: The trial's resources.
        name: The job's name.
        model: What is trained.
        validation: Whether it is given a validation set.
        pace: How long the service may refuse the new role.
        removals: Told of the job and its model.

    Raises:
        CliError: When the service refuses it in every form.
    """
    bedrock = scaffold.environment.aws.bedrock
    removals.add(f"model of {name}", lambda: _delete_model(bedrock, name))
    removals.add(f"job {name}", lambda: _end(bedrock, name, pace))
    refusals: list[str] = []

    def create(**left_out: bool) -> str:
        request = job_request(scaffold, name, model, validation=validation, **left_out)
        return bedrock.create_model_customization_job(**request)["jobArn"]

    def first() -> str:
        try:
            return create()
        except ClientError as error:
            refusals.append(explain(error))
            raise

    try:
        return Started(job=_found(bedrock, pace.granted(first)), name=name, refusals=refusals)
    except ClientError as error:
        said = explain(error)
    for qualified, validated in ((False, True), (True, False), (False, False)):
        if not validated and not validation:
            continue
        try:
            arn = create(qualified=qualified, validated=validated)
        except ClientError:
            continue
        return Started(
            job=_found(bedrock, arn),
            name=name,
            qualifier_refused="" if qualified else said,
            validation_refused="" if validated else said,
        )
    raise CliError(f"Bedrock refuses the job: {said}")


def job_request(
    scaffold: Scaffold,
    name: str,
    model: BaseModel,
    *,
    validation: bool,
    qualified: bool = True,
    validated: bool = True,
) -> dict[str, Any]:
    """Return the request of the smallest job.

    Args:
        scaffold: The trial's resources.
        name: The job's name.
        model: What is trained.
        validation: Whether there is a validation set.
        qualified: Whether the reward function's ARN has its alias.
        validated: Whether the validation set is passed.
    """
    _, partition, _, region, *_ = scaffold.alias_arn.split(":")
    tags = [{"key": TAG, "value": scaffold.name}]
    grader = scaffold.alias_arn if qualified else scaffold.alias_arn.rsplit(":", 1)[0]
    request: dict[str, Any] = {
        "jobName": name,
        "customModelName": name,
        "roleArn": scaffold.job_role,
        "baseModelIdentifier": model.arn(region, partition),
        "customizationType": "REINFORCEMENT_FINE_TUNING",
        "jobTags": tags,
        "customModelTags": tags,
        "trainingDataConfig": {"s3Uri": scaffold.address("train.jsonl")},
        "outputDataConfig": {"s3Uri": scaffold.address(f"output/{name}")},
        "customizationConfig": {
            "rftConfig": {
                "graderConfig": {"lambdaGrader": {"lambdaArn": grader}},
                "hyperParameters": HYPERPARAMETERS.to_json(),
            }
        },
    }
    if validation and validated:
        request["validationDataConfig"] = {"validators": [{"s3Uri": scaffold.address("validation.jsonl")}]}
    return request


def wait(
    scaffold: Scaffold, started: Started, *, first_event: bool, pace: TrialPace, tell: Callable[[str], None]
) -> Job:
    """Return a job once it is over, or once its reward function was called.

    Args:
        scaffold: The trial's resources.
        started: The job.
        first_event: Whether a first call is enough; the trial's first job.
        pace: How long to wait.
        tell: Told of each change.
    """
    bedrock, told = scaffold.environment.aws.bedrock, ""

    def ready(job: Job) -> bool:
        nonlocal told
        calls = scaffold.count("events")
        words = f"{started.name}: {job.status}, {calls} calls of the reward function"
        if words != told:
            told = words
            tell(words)
        return is_over(job) or (first_event and calls > 0)

    return pace.until(lambda: _found(bedrock, started.job.arn), ready, pace.job)


def is_over(job: Job) -> bool:
    """Whether a job has come to one of its ends."""
    return job.status in {status.value for status in JobStatus if status.is_terminal}


def events(scaffold: Scaffold) -> list[EventSeen]:
    """Return the reward function's events of all jobs so far."""
    return [msgspec.json.decode(body, type=EventSeen) for body in scaffold.written("events")]


def models_named(bedrock: "BedrockClient", name: str) -> list[str]:
    """Return the ARNs of the custom models of a name."""
    pages = bedrock.get_paginator("list_custom_models").paginate(nameContains=name)
    return [model["modelArn"] for page in pages for model in page["modelSummaries"] if model["modelName"] == name]


def _found(bedrock: "BedrockClient", identifier: str) -> Job:
    job = find_job(bedrock, identifier)
    if job is None:
        raise CliError(f"Bedrock does not show the job {identifier}")
    return job


def _end(bedrock: "BedrockClient", name: str, pace: TrialPace) -> None:
    """Stop a job that still runs, and wait until it needs its role no more."""
    job = find_job(bedrock, name)
    if job is None:
        return
    stop_job(bedrock, job)
    pace.until(lambda: find_job(bedrock, name), lambda found: found is None or is_over(found), pace.deployment)


def _delete_model(bedrock: "BedrockClient", name: str) -> None:
    for model in models_named(bedrock, name):
        bedrock.delete_custom_model(modelIdentifier=model)

"""The customization job: its request, its start, and what it says about itself."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from rft_contract.naming import custom_model_name, job_name, request_token
from rft_contract.outcomes import RunFailed, Transient
from rft_contract.statuses import JobStatus
from rft_contract.tags import ENVIRONMENT_TAG, LINE_TAG, RUN_TAG
from rft_runtime.base_models import base_model
from rft_runtime.failures import error_code, explain, one_line
from rft_runtime.run_record import RunRecord

if TYPE_CHECKING:
    from types_boto3_bedrock import BedrockClient
    from types_boto3_bedrock.type_defs import CreateModelCustomizationJobRequestTypeDef, TagTypeDef

_STATE = "Train"


@dataclass(frozen=True, kw_only=True)
class Job:
    """What Bedrock says about a job.

    Args:
        arn: Its ARN.
        status: Its status, as the service writes it.
        created: When it was created, UTC.
        model_arn: The custom model; None until there is one.
        failure: The service's message; empty when there is none.
        token: The idempotency token it was created with.
    """

    arn: str
    status: str
    created: datetime
    model_arn: str | None = None
    failure: str = ""
    token: str | None = None

    @property
    def is_ending(self) -> bool:
        """Whether it is over or stopping; a status that is not in the service model counts as running."""
        return self.status in {
            status.value for status in JobStatus if status.is_terminal or status is JobStatus.STOPPING
        }

    def carries_token_of(self, record: RunRecord) -> bool:
        """Whether it was created with the run's idempotency token."""
        return self.token == request_token(record.run_id, _STATE)


def run_tags(record: RunRecord) -> "list[TagTypeDef]":
    """Return the tags of everything that a run makes in Bedrock."""
    return [
        {"key": RUN_TAG, "value": record.run_id},
        {"key": ENVIRONMENT_TAG, "value": record.environment},
        {"key": LINE_TAG, "value": record.parsed_recipe().line},
    ]


def job_request(record: RunRecord, region: str) -> "CreateModelCustomizationJobRequestTypeDef":
    """Build the request of CreateModelCustomizationJob.

    Source: Amazon Bedrock user guide, "Submit a reinforcement fine-tuning job"; shapes from the service model.

    Args:
        record: A planned and frozen run.
        region: Where the job runs.

    Raises:
        RunFailed: When the run has no reward alias or its base model is not known.
    """
    recipe, settings, resources = record.parsed_recipe(), record.parsed_settings(), record.parsed_resources()
    if record.reward_arn is None:
        raise RunFailed(f"run {record.run_id}: the record has no reward alias; Plan did not finish")
    role = resources.customization_role_arn
    bucket = f"s3://{resources.bucket}/"
    grader = record.reward_arn if settings.grader_qualifier == "alias" else record.reward_arn.rsplit(":", 1)[0]
    request: dict[str, Any] = {
        "jobName": job_name(record.environment, record.run_id),
        "customModelName": custom_model_name(record.environment, record.run_id),
        "roleArn": role,
        "clientRequestToken": request_token(record.run_id, _STATE),
        "baseModelIdentifier": base_model(recipe.base_model, region).arn(region, role.split(":")[1]),
        "customizationType": "REINFORCEMENT_FINE_TUNING",
        "customModelKmsKeyId": resources.key_arn,
        "jobTags": run_tags(record),
        "customModelTags": run_tags(record),
        "trainingDataConfig": {"s3Uri": bucket + record.keys.data(record.trains_on)},
        "outputDataConfig": {"s3Uri": bucket + record.keys.job_output},
        "customizationConfig": {
            "rftConfig": {
                "graderConfig": {"lambdaGrader": {"lambdaArn": grader}},
                "hyperParameters": recipe.hyperparameters.to_json(),
            }
        },
    }
    if recipe.datasets.validation is not None and settings.validation_data:
        request["validationDataConfig"] = {"validators": [{"s3Uri": bucket + record.keys.data("validation")}]}
    if resources.job_network is not None:
        request["vpcConfig"] = {
            "subnetIds": list(resources.job_network.subnets),
            "securityGroupIds": list(resources.job_network.security_groups),
        }
    return cast("CreateModelCustomizationJobRequestTypeDef", request)


def start_job(bedrock: "BedrockClient", record: RunRecord, region: str) -> Job:
    """Create the run's job, or find the one that a former attempt created.

    Raises:
        RunFailed: When a job of that name exists and is not this run's.
        Transient: When Bedrock accepted the job and does not show it yet; the next attempt's token finds it.
    """
    request = job_request(record, region)
    try:
        arn = bedrock.create_model_customization_job(**request)["jobArn"]
    except ClientError as error:
        if error_code(error) != "ConflictException":
            raise
        job = find_job(bedrock, request["jobName"])
        if job is None or not _is_ours(bedrock, job, record):
            raise RunFailed(
                f"job name {request['jobName']} is taken by another job; start again with another run id"
            ) from error
        return job
    created = find_job(bedrock, arn)
    if created is None:
        raise Transient(f"job {request['jobName']}: Bedrock accepted it as {arn} and does not show it yet")
    return created


def find_job(bedrock: "BedrockClient", identifier: str) -> Job | None:
    """Return a job by ARN or name, or None."""
    try:
        answer = bedrock.get_model_customization_job(jobIdentifier=identifier)
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return None
        raise
    return Job(
        arn=answer["jobArn"],
        status=answer.get("status", JobStatus.IN_PROGRESS),
        created=answer["creationTime"].astimezone(UTC),
        model_arn=answer.get("outputModelArn"),
        failure=one_line(answer.get("failureMessage", "")),
        token=answer.get("clientRequestToken"),
    )


def stop_job(bedrock: "BedrockClient", job: Job) -> None:
    """Ask a job to stop; one that is over or stopping already is left alone.

    Raises:
        Transient: When Bedrock will not stop it now, and it goes on.
    """
    if job.is_ending:
        return
    try:
        bedrock.stop_model_customization_job(jobIdentifier=job.arn)
    except ClientError as error:
        if error_code(error) not in ("ConflictException", "ResourceNotFoundException"):
            raise
        now = find_job(bedrock, job.arn)
        if now is not None and not now.is_ending:
            raise Transient(explain(error)) from error


def deadline_of(record: RunRecord) -> datetime:
    """Return when the job has to be over: the recipe's limit or the platform's, whichever is shorter."""
    hours = min(record.parsed_recipe().limits.hours, record.parsed_settings().deadline_hours)
    return (record.job_started or record.started) + timedelta(hours=hours)


def _is_ours(bedrock: "BedrockClient", job: Job, record: RunRecord) -> bool:
    if job.carries_token_of(record):
        return True
    tags = bedrock.list_tags_for_resource(resourceARN=job.arn).get("tags", [])
    return {"key": RUN_TAG, "value": record.run_id} in tags

"""The candidate's on-demand deployment: made for Evaluate, deleted by Close."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from rft_contract.json_value import JsonObject
from rft_contract.naming import candidate_deployment_name, request_token
from rft_contract.outcomes import RunFailed, Transient
from rft_contract.statuses import DeploymentStatus, Progress, UpdateStatus
from rft_runtime.failures import error_code, explain, one_line
from rft_runtime.job import run_tags
from rft_runtime.platform import Platform
from rft_runtime.polling import next_wait
from rft_runtime.run_record import RunRecord

if TYPE_CHECKING:
    from types_boto3_bedrock import BedrockClient

_STATE = "Deploy"
_PATIENCE = timedelta(hours=2)


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What Bedrock says about a deployment.

    Args:
        arn: Its ARN.
        model_arn: The model behind it.
        status: Its status, as the service writes it.
        failure: The service's message; empty when there is none.
        update: Status of its last update, as the service writes it; None: it never was updated.
        updated_to: The model of that update.
    """

    arn: str
    model_arn: str
    status: str
    failure: str = ""
    update: str | None = None
    updated_to: str | None = None

    @property
    def is_settled(self) -> bool:
        """Whether it is neither being created nor being updated."""
        return self.status != DeploymentStatus.CREATING and self.update != UpdateStatus.UPDATING

    @property
    def serves(self) -> str:
        """The model that answers, once it is settled."""
        return self.updated_to or self.model_arn if self.update == UpdateStatus.COMPLETED else self.model_arn


def find_deployment(bedrock: "BedrockClient", identifier: str) -> Deployment | None:
    """Return a deployment by ARN or name, or None."""
    try:
        answer = bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=identifier)
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return None
        raise
    update = answer.get("updateDetails", {})
    return Deployment(
        arn=answer["customModelDeploymentArn"],
        model_arn=answer["modelArn"],
        status=answer["status"],
        failure=one_line(answer.get("failureMessage", "")),
        update=update.get("updateStatus"),
        updated_to=update.get("modelArn"),
    )


def create_deployment(bedrock: "BedrockClient", record: RunRecord) -> str:
    """Create the candidate's deployment, or find the one that a former attempt created; return its ARN.

    The service documents no error of its own for a name in use, so after any refusal the name is looked up.

    Raises:
        RunFailed: When Bedrock refuses, or the name is taken by another model's deployment.
    """
    if record.model_arn is None:
        raise RunFailed(f"run {record.run_id}: the record has no model; Train did not finish")
    name = candidate_deployment_name(record.environment, record.run_id)
    try:
        return bedrock.create_custom_model_deployment(
            modelDeploymentName=name,
            modelArn=record.model_arn,
            tags=run_tags(record),
            clientRequestToken=request_token(record.run_id, _STATE),
        )["customModelDeploymentArn"]
    except ClientError as error:
        if error_code(error) not in ("ConflictException", "ValidationException", "ResourceInUseException"):
            raise
        existing = find_deployment(bedrock, name)
        if existing is None:
            raise RunFailed(explain(error)) from error
        if existing.model_arn != record.model_arn:
            raise RunFailed(
                f"deployment name {name} is taken by {existing.model_arn}; start again with another run id"
            ) from error
        return existing.arn


def delete_deployment(bedrock: "BedrockClient", record: RunRecord) -> None:
    """Delete the candidate's deployment if it is there; does not wait.

    Where the record has no ARN, the name is looked up, and a deployment of another model is left alone.

    Raises:
        Transient: When Bedrock will not delete it now.
    """
    name = candidate_deployment_name(record.environment, record.run_id)
    deployment = find_deployment(bedrock, record.deployment_arn or name)
    if deployment is None or (record.deployment_arn is None and deployment.model_arn != record.model_arn):
        return
    try:
        bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=deployment.arn)
    except ClientError as error:
        if error_code(error) == "ConflictException":
            raise Transient(explain(error)) from error
        if error_code(error) != "ResourceNotFoundException":
            raise


def start_deployment(platform: Platform, run_id: str) -> JsonObject:
    """Deploy the run's candidate.

    Returns:
        `run_id` and the seconds to wait before the first look.
    """
    record = platform.runs.enter(run_id, _STATE)
    if record.deployment_arn is None:
        record = platform.runs.set(run_id, deployment_arn=create_deployment(platform.clients.bedrock, record))
    return {"run_id": run_id, "wait_seconds": record.parsed_settings().poll_first_seconds}


def poll_deployment(platform: Platform, run_id: str, waited: int) -> JsonObject:
    """Look at the candidate's deployment.

    Args:
        platform: Where this runs.
        run_id: The run.
        waited: Seconds waited before this look.

    Returns:
        `run_id`, `progress` and the seconds to wait before the next look.

    Raises:
        RunFailed: When the deployment failed, is gone, or is not active after two hours.
    """
    record = platform.runs.load_running(run_id)
    deployment = find_deployment(platform.clients.bedrock, record.deployment_arn or "")
    if deployment is None:
        raise RunFailed(f"the candidate's deployment {record.deployment_arn} does not exist any more")
    if deployment.status == DeploymentStatus.ACTIVE:
        platform.runs.enter(run_id, "Evaluate")
        return {"run_id": run_id, "progress": Progress.DONE, "wait_seconds": waited}
    if deployment.status == DeploymentStatus.FAILED:
        raise RunFailed(f"the candidate's deployment failed: {deployment.failure or 'no message'}")
    since = record.stages.get(_STATE, record.started)
    if datetime.now(UTC) > since + _PATIENCE:
        raise RunFailed(f"the candidate's deployment {deployment.arn} is still {deployment.status} after two hours")
    wait = next_wait(waited, record.parsed_settings().poll_max_seconds)
    return {"run_id": run_id, "progress": Progress.WAITING, "wait_seconds": wait}

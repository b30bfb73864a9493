"""A model line's one deployment, through which applications use whatever is live."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from rft_contract.naming import live_deployment_name, request_token
from rft_contract.outcomes import Transient
from rft_contract.statuses import DeploymentStatus, UpdateStatus
from rft_contract.tags import ENVIRONMENT_TAG, LINE_TAG, LIVE_ROLE, ROLE_TAG
from rft_runtime.deployment import Deployment, find_deployment
from rft_runtime.failures import error_code, explain, is_transient
from rft_runtime.releases.current import Change, Current

if TYPE_CHECKING:
    from types_boto3_bedrock import BedrockClient
    from types_boto3_bedrock.type_defs import TagTypeDef


class NotPutInPlace(Exception):
    """Bedrock would not put a model behind a line's deployment; the message says why."""


def live_tags(current: Current) -> "list[TagTypeDef]":
    """Return the tags by which policies know a line's deployment."""
    return [
        {"key": ROLE_TAG, "value": LIVE_ROLE},
        {"key": LINE_TAG, "value": current.line},
        {"key": ENVIRONMENT_TAG, "value": current.environment},
    ]


def deployment_with(bedrock: "BedrockClient", current: Current, change: Change, model_arn: str) -> Deployment | None:
    """Return the line's deployment once it serves a model. Until then create it or ask for the update, and return None.

    While an update is under way the former model serves, and after a failed one too (service model: `updateDetails`
    holds the new model until `updateStatus` is UpdateCompleted).

    Args:
        bedrock: Bedrock's control plane.
        current: The line.
        change: What is under way.
        model_arn: The model to serve.

    Raises:
        NotPutInPlace: When Bedrock refuses, the update that this change asked for failed, or the name is somebody
            else's.
    """
    deployment = _find(bedrock, current)
    if deployment is None:
        _create(bedrock, current, change, model_arn)
        return None
    if not deployment.is_settled:
        return None
    if deployment.status == DeploymentStatus.FAILED:
        raise NotPutInPlace(f"the deployment {deployment.arn} failed: {deployment.failure or 'no message'}")
    if deployment.serves == model_arn:
        return deployment
    if change.asked and deployment.update == UpdateStatus.FAILED and deployment.updated_to == model_arn:
        raise NotPutInPlace(f"the update of {deployment.arn} failed: {deployment.failure or 'no message'}")
    _update(bedrock, deployment, change, model_arn)
    return None


def remove_deployment(bedrock: "BedrockClient", current: Current) -> bool:
    """Delete the deployment of a line that never had a release; return whether it is gone.

    Raises:
        ValueError: When the line has a release: what is live is never deleted.
    """
    if current.release is not None:
        raise ValueError(f"line {current.line}: release {current.release} is live, its deployment stays")
    try:
        deployment = _find(bedrock, current)
    except NotPutInPlace:
        return True  # somebody else's
    if deployment is None:
        return True
    try:
        bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=deployment.arn)
    except ClientError as error:
        if error_code(error) == "ConflictException":
            return False
        if error_code(error) != "ResourceNotFoundException":
            raise
    return True


def _find(bedrock: "BedrockClient", current: Current) -> Deployment | None:
    """Return the deployment of the line's name, if it is the line's: one made by hand has not its tags."""
    name = live_deployment_name(current.environment, current.line)
    deployment = find_deployment(bedrock, name)
    if deployment is None or deployment.arn == current.deployment_arn:
        return deployment
    tags = bedrock.list_tags_for_resource(resourceARN=deployment.arn).get("tags", [])
    if not all(tag in tags for tag in live_tags(current)):
        raise NotPutInPlace(
            f"the deployment name {name} is taken by {deployment.arn}, which lacks the tags of line {current.line}; "
            "delete it or choose another line"
        )
    return deployment


def _create(bedrock: "BedrockClient", current: Current, change: Change, model_arn: str) -> None:
    try:
        bedrock.create_custom_model_deployment(
            modelDeploymentName=live_deployment_name(current.environment, current.line),
            modelArn=model_arn,
            tags=live_tags(current),
            clientRequestToken=request_token(change.id, "Promote"),
        )
    except ClientError as error:
        # The operation has no error of its own for a name in use: another attempt may have created it meanwhile.
        if is_transient(error) or _find(bedrock, current) is None:
            _refuse(error)


def _update(bedrock: "BedrockClient", deployment: Deployment, change: Change, model_arn: str) -> None:
    try:
        bedrock.update_custom_model_deployment(customModelDeploymentIdentifier=deployment.arn, modelArn=model_arn)
    except ClientError as error:
        now = find_deployment(bedrock, deployment.arn)
        # Asked before, and the description lags behind: the update is under way.
        if is_transient(error) or now is None or (now.is_settled and not change.asked):
            _refuse(error)


def _refuse(error: ClientError) -> None:
    if is_transient(error):
        raise Transient(explain(error)) from error
    raise NotPutInPlace(explain(error)) from error

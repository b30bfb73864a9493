"""What can be observed of a trained model and its deployment."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from rft_cli.environment import Aws, Environment
from rft_cli.verification.observation import Observation, holds, unseen
from rft_cli.verification.pace import TrialPace
from rft_cli.verification.permission import ALLOWED, Tried, attempt, observe_tags
from rft_cli.verification.removals import Removals
from rft_cli.verification.scaffold import TAG, Scaffold
from rft_contract.statuses import DeploymentStatus
from rft_runtime.deployment import find_deployment
from rft_runtime.failures import explain

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime.type_defs import MessageTypeDef


def observe_deployment(
    scaffold: Scaffold, model_arn: str, pace: TrialPace, removals: Removals
) -> tuple[Observation, str | None]:
    """Deploy a model and call it once.

    Args:
        scaffold: The trial's resources.
        model_arn: The model.
        pace: How long to wait.
        removals: Told of the deployment.

    Returns:
        What was observed, and the deployment's ARN; None: there is none that serves.
    """
    bedrock, label = scaffold.environment.aws.bedrock, "deployment-region"
    try:
        arn = bedrock.create_custom_model_deployment(
            modelDeploymentName=scaffold.name, modelArn=model_arn, tags=[{"key": TAG, "value": scaffold.name}]
        )["customModelDeploymentArn"]
    except ClientError as error:
        return holds(label, False, f"refused: {explain(error)}"), None

    def remove() -> None:
        pace.until(
            lambda: find_deployment(bedrock, arn), lambda found: found is None or found.is_settled, pace.deployment
        )
        bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=arn)

    removals.add(f"deployment {scaffold.name}", remove)
    found = pace.until(
        lambda: find_deployment(bedrock, arn), lambda now: now is None or now.is_settled, pace.deployment
    )
    if found is None or found.status != DeploymentStatus.ACTIVE:
        words = "it is gone" if found is None else f"it is {found.status}: {found.failure or 'no message'}"
        return holds(label, False, words), None
    outcome = attempt(lambda: _converse(scaffold.environment.aws, arn))
    return holds(label, outcome == ALLOWED, f"Active; one call of Converse: {outcome}"), arn


def try_tags(scaffold: Scaffold, model_arn: str, deployment: str | None, pace: TrialPace) -> Observation:
    """Use, update and delete a deployment and its model with the roles of the trial; they are gone afterwards."""
    other, own = scaffold.acting_as(scaffold.other), scaffold.acting_as(scaffold.own)
    bedrock, tried = scaffold.environment.aws.bedrock, []

    def both(action: str, name: str, **asked: str) -> None:
        results = [attempt(partial(getattr(aws.bedrock, name), **asked)) for aws in (other, own)]
        tried.append(Tried(action, *results))

    if deployment is not None:
        calls = [attempt(partial(_converse, aws, deployment)) for aws in (other, own)]
        tried.append(Tried("InvokeModel", *calls))
        named = {"customModelDeploymentIdentifier": deployment}
        both("UpdateCustomModelDeployment", "update_custom_model_deployment", **named, modelArn=model_arn)
        pace.until(
            lambda: find_deployment(bedrock, deployment), lambda now: now is None or now.is_settled, pace.deployment
        )
        both("DeleteCustomModelDeployment", "delete_custom_model_deployment", **named)
        pace.until(lambda: find_deployment(bedrock, deployment), lambda now: now is None, pace.metrics)
    both("DeleteCustomModel", "delete_custom_model", modelIdentifier=model_arn)
    return observe_tags("tags-models", tried)


def observe_metrics(environment: Environment, deployment: str, pace: TrialPace) -> Observation:
    """Return under which `ModelId` CloudWatch shows the calls of a deployment."""

    def models() -> list[str]:
        pages = environment.aws.cloudwatch.get_paginator("list_metrics").paginate(
            Namespace="AWS/Bedrock", MetricName="Invocations"
        )
        return [
            dimension["Value"]
            for page in pages
            for metric in page["Metrics"]
            for dimension in metric["Dimensions"]
            if dimension["Name"] == "ModelId"
        ]

    deployment_id = deployment.rsplit("/", 1)[1]
    found = pace.until(models, lambda names: any(deployment_id in name for name in names), pace.metrics)
    return judge_metrics(found, deployment)


def judge_metrics(models: Sequence[str], deployment: str) -> Observation:
    """Return whether a deployment is named by its ARN.

    Args:
        models: The values of `ModelId`.
        deployment: The deployment's ARN.
    """
    about = sorted({name for name in models if deployment.rsplit("/", 1)[1] in name})
    if not about:
        return unseen("deployment-metrics", "CloudWatch shows no call of the deployment yet")
    return holds("deployment-metrics", deployment in about, f"ModelId: {', '.join(about)}")


def _converse(aws: Aws, deployment: str) -> None:
    turn: MessageTypeDef = {"role": "user", "content": [{"text": "What is 2 plus 2? Answer with the number alone."}]}
    aws.bedrock_runtime.converse(modelId=deployment, messages=[turn], inferenceConfig={"maxTokens": 8})

"""Operations on on-demand deployments of custom models.

A deployment becomes Active, and an update takes effect, some seconds after it was asked for; both are computed from the
recorded times, so a restart changes nothing.
"""

import msgspec

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.statuses import DeploymentStatus, UpdateStatus
from rft_local.bedrock.accidents import Accidents
from rft_local.bedrock.account import Account, arn
from rft_local.bedrock.listing import between, named, page
from rft_local.bedrock.record_store import new_id
from rft_local.bedrock.records import Deployment
from rft_local.bedrock.requests import CreateDeployment, DeploymentIdentifier, ListDeployments, UpdateDeployment
from rft_local.bedrock.service_error import conflict, invalid, not_found
from rft_local.bedrock.tags import as_mapping
from rft_local.bedrock.undocumented import Deploying, Undocumented


class Deployments:
    """Create, Get, Update, List and DeleteCustomModelDeployment.

    Args:
        account: The account.
        seconds: How long a deployment is `Creating` and an update `Updating`.
        accidents: What is ordered to go wrong.
        undocumented: Whether models can be deployed at all.
    """

    def __init__(self, account: Account, seconds: float, accidents: Accidents, undocumented: Undocumented) -> None:
        self._account = account
        self._seconds = seconds
        self._accidents = accidents
        self._undocumented = undocumented

    def create(self, asked: CreateDeployment) -> JsonObject:
        """Deploy a custom model; the same token with the same parameters answers with the same deployment.

        Raises:
            ServiceError: ResourceNotFoundException without such a model; ValidationException when the name is taken
                (the operation has no ConflictException); TooManyTagsException.
        """
        present = self._account.deployments.find(lambda record: _same_token(record, asked))
        if present:
            if present.request != asked:
                raise invalid("The clientRequestToken was used before with other parameters")
            return {"customModelDeploymentArn": present.arn}
        if self._account.model(asked.model_arn) is None:
            raise not_found(f"The custom model {asked.model_arn} does not exist")
        if self._undocumented.deploying is Deploying.REFUSED:
            raise invalid("On-demand deployment is not supported for this custom model")
        now, deployment_id = self._account.now(), new_id()
        accident = self._accidents.take("deployment", asked.model_deployment_name)
        deployment = Deployment(
            id=deployment_id,
            arn=arn("custom-model-deployment", deployment_id),
            created=now,
            tags=as_mapping(asked.tags),
            request=asked,
            model_arn=asked.model_arn,
            ready=now + self._seconds,
            modified=now,
            failure=accident.message if accident else None,
            stays=DeploymentStatus(accident.ends) if accident else None,
        )

        def refuse(present: list[Deployment]) -> None:
            if any(record.name == asked.model_deployment_name for record in present):
                raise invalid(f"A custom model deployment named {asked.model_deployment_name} already exists")

        self._account.deployments.create(deployment, refuse)
        return {"customModelDeploymentArn": deployment.arn}

    def get(self, asked: DeploymentIdentifier) -> JsonObject:
        """Describe a deployment.

        Raises:
            ServiceError: ResourceNotFoundException.
        """
        deployment = self.found(asked.custom_model_deployment_identifier)
        now = self._account.now()
        update: JsonObject | None = None
        if deployment.next_model_arn:
            update = {"modelArn": deployment.next_model_arn, "updateStatus": deployment.update(now).value}
        return {
            "customModelDeploymentArn": deployment.arn,
            "modelDeploymentName": deployment.name,
            "modelArn": deployment.serving(now),
            "createdAt": deployment.created,
            "status": deployment.status(now).value,
            "description": deployment.request.description,
            "updateDetails": update,
            "failureMessage": deployment.failure,
            "lastUpdatedAt": deployment.modified,
        }

    def update(self, asked: UpdateDeployment) -> JsonObject:
        """Put another model behind the same deployment ARN.

        Raises:
            ServiceError: ResourceNotFoundException without such a deployment or model; ValidationException while it is
                Creating or Updating.
        """
        deployment = self.found(asked.custom_model_deployment_identifier)
        if self._account.model(asked.model_arn) is None:
            raise not_found(f"The custom model {asked.model_arn} does not exist")
        now = self._account.now()
        accident = self._accidents.take("update", deployment.name)

        def switch(record: Deployment) -> Deployment:
            if now < record.ready or record.update(now) is UpdateStatus.UPDATING:
                raise invalid(f"The deployment {record.arn} is being created or updated; try again when it is Active")
            return msgspec.structs.replace(
                record,
                model_arn=record.serving(now),
                next_model_arn=asked.model_arn,
                switched=now + self._seconds,
                modified=now,
                failure=accident.message if accident else None,
                update_stays=UpdateStatus(accident.ends) if accident else None,
            )

        self._account.deployments.change(deployment.id, switch)
        return {"customModelDeploymentArn": deployment.arn}

    def list_page(self, asked: ListDeployments) -> JsonObject:
        """List deployments, newest first unless asked otherwise."""
        now = self._account.now()
        records = [
            record
            for record in self._account.deployments.all()
            if between(record, asked.created_after, asked.created_before)
            and named(record.name, asked.name_contains)
            and asked.status_equals in (None, record.status(now).value)
            and asked.model_arn_equals in (None, record.serving(now))
        ]
        found = page(records, asked)
        summaries: list[JsonValue] = [_summary(record, now) for record in found.records]
        return {"modelDeploymentSummaries": summaries, "nextToken": found.next_token}

    def delete(self, asked: DeploymentIdentifier) -> JsonObject:
        """Delete a deployment; the model stays.

        Raises:
            ServiceError: ResourceNotFoundException; ConflictException while it is Creating.
        """
        deployment = self.found(asked.custom_model_deployment_identifier)
        if self._account.now() < deployment.ready:
            raise conflict(f"The deployment {deployment.arn} is being created; delete it when it is Active")
        self._account.deployments.delete(deployment.id)
        return {}

    def found(self, identifier: str) -> Deployment:
        """Return the deployment of an ARN or name.

        Raises:
            ServiceError: ResourceNotFoundException.
        """
        deployment = self._account.deployments.find(lambda record: identifier in (record.arn, record.name))
        if deployment is None:
            raise not_found(f"The custom model deployment {identifier} does not exist")
        return deployment


def _same_token(record: Deployment, asked: CreateDeployment) -> bool:
    token = asked.client_request_token
    return token is not None and record.request.client_request_token == token


def _summary(record: Deployment, now: float) -> JsonValue:
    return {
        "customModelDeploymentArn": record.arn,
        "customModelDeploymentName": record.name,
        "modelArn": record.serving(now),
        "createdAt": record.created,
        "status": record.status(now).value,
        "lastUpdatedAt": record.modified,
    }

"""Operations on custom models."""

from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.statuses import DeploymentStatus
from rft_local.bedrock.account import Account
from rft_local.bedrock.endpoint_settings import ACCOUNT
from rft_local.bedrock.listing import between, named, page
from rft_local.bedrock.records import CustomModel
from rft_local.bedrock.requests import ListModels, ModelIdentifier, to_json
from rft_local.bedrock.service_error import conflict, not_found


class CustomModels:
    """GetCustomModel, ListCustomModels, DeleteCustomModel.

    Args:
        account: The account.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def get(self, asked: ModelIdentifier) -> JsonObject:
        """Describe a model.

        Raises:
            ServiceError: ResourceNotFoundException.
        """
        model = self._found(asked.model_identifier)
        request = model.request
        return {
            "modelArn": model.arn,
            "modelName": model.name,
            "jobName": request.job_name,
            "jobArn": model.job_arn,
            "baseModelArn": model.base_model_arn,
            "customizationType": request.customization_type,
            "modelKmsKeyArn": _key_arn(request.custom_model_kms_key_id),
            "hyperParameters": dict(request.hyper_parameters) if request.hyper_parameters else None,
            "trainingDataConfig": to_json(request.training_data_config),
            "validationDataConfig": to_json(request.validation_data_config),
            "outputDataConfig": to_json(request.output_data_config),
            "creationTime": model.created,
            "customizationConfig": to_json(request.customization_config),
            "modelStatus": "Active",
        }

    def list_page(self, asked: ListModels) -> JsonObject:
        """List models, newest first unless asked otherwise."""
        base = asked.base_model_arn_equals
        foundation = asked.foundation_model_arn_equals
        records = [
            model
            for model in self._account.models.all()
            if between(model, asked.creation_time_after, asked.creation_time_before)
            and named(model.name, asked.name_contains)
            and base in (None, model.base_model_arn)
            and foundation in (None, model.base_model_arn)
            and asked.model_status in (None, "Active")
            and asked.is_owned is not False
        ]
        found = page(records, asked)
        return {"modelSummaries": [_summary(model) for model in found.records], "nextToken": found.next_token}

    def delete(self, asked: ModelIdentifier) -> JsonObject:
        """Delete a model and its weights.

        Raises:
            ServiceError: ResourceNotFoundException; ConflictException while a deployment serves it.
        """
        model = self._found(asked.model_identifier)
        now = self._account.now()
        for deployment in self._account.deployments.all():
            in_use = (deployment.serving(now), deployment.next_model_arn)
            if deployment.status(now) is not DeploymentStatus.FAILED and model.arn in in_use:
                raise conflict(f"The custom model {model.arn} is used by the deployment {deployment.arn}")
        self._account.models.delete(model.id)
        self._account.adapter(model.id).unlink(missing_ok=True)
        return {}

    def _found(self, identifier: str) -> CustomModel:
        model = self._account.models.find(lambda record: identifier in (record.arn, record.name))
        if model is None:
            raise not_found(f"The custom model {identifier} does not exist")
        return model


def _summary(model: CustomModel) -> JsonValue:
    return {
        "modelArn": model.arn,
        "modelName": model.name,
        "creationTime": model.created,
        "baseModelArn": model.base_model_arn,
        "baseModelName": model.base_model.split(":")[0],
        "customizationType": model.request.customization_type,
        "ownerAccountId": ACCOUNT,
        "modelStatus": "Active",
    }


def _key_arn(key: str | None) -> str | None:
    """Return a key's ARN where that is what was given: an alias or id would have to be resolved."""
    return key if key and ":key/" in key else None

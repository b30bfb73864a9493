"""Operations on the base models of the platform's table."""

from rft_contract.json_value import JsonObject
from rft_local.bedrock.account import customizable
from rft_local.bedrock.endpoint_settings import REGION
from rft_local.bedrock.requests import ListFoundationModels, ModelIdentifier
from rft_local.bedrock.service_error import not_found
from rft_runtime.base_models import BASE_MODELS, BaseModel

_LONGEST_NAME = 20


def get_foundation_model(asked: ModelIdentifier) -> JsonObject:
    """Describe a base model.

    Raises:
        ServiceError: ResourceNotFoundException.
    """
    model = customizable(asked.model_identifier)
    if model is None:
        raise not_found(
            f"Could not resolve the foundation model from the provided model identifier {asked.model_identifier}"
        )
    return {"modelDetails": _details(model)}


def list_foundation_models(asked: ListFoundationModels) -> JsonObject:
    """List base models. `customizationsSupported` has no value for RFT, so asking by customization finds none."""
    found = [
        _details(model)
        for model in BASE_MODELS
        if asked.by_provider in (None, _provider(model))
        and asked.by_output_modality in (None, "TEXT")
        and asked.by_inference_type in (None, "ON_DEMAND")
        and asked.by_customization_type is None
    ]
    return {"modelSummaries": [*found]}


def _details(model: BaseModel) -> JsonObject:
    return {
        "modelArn": model.arn(REGION),
        "modelId": model.customization_id,
        "modelName": model.customization_id.split(".", 1)[1].split(":")[0][:_LONGEST_NAME],
        "providerName": _provider(model),
        "inputModalities": ["TEXT"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": False,
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    }


def _provider(model: BaseModel) -> str:
    return model.customization_id.split(".")[0].capitalize()

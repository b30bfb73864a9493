"""Operations on the foundation models of the platform's tables: base models and judges."""

from rft_contract.json_value import JsonObject
from rft_contract.judge_models import JUDGE_MODELS
from rft_local.bedrock.account import customizable
from rft_local.bedrock.endpoint_settings import REGION
from rft_local.bedrock.requests import ListFoundationModels, ModelIdentifier
from rft_local.bedrock.service_error import not_found
from rft_runtime.base_models import BASE_MODELS

_LONGEST_NAME = 20

_JUDGES = tuple(model.foundation_model for model in JUDGE_MODELS if not model.is_profile)
"""Judges that answer without a profile."""


def get_foundation_model(asked: ModelIdentifier) -> JsonObject:
    """Describe a foundation model.

    Raises:
        ServiceError: ResourceNotFoundException.
    """
    base = customizable(asked.model_identifier)
    if base is not None:
        return {"modelDetails": _details(base.customization_id)}
    for model_id in _JUDGES:
        if asked.model_identifier in (model_id, _arn(model_id)):
            return {"modelDetails": _details(model_id)}
    raise not_found(
        f"Could not resolve the foundation model from the provided model identifier {asked.model_identifier}"
    )


def list_foundation_models(asked: ListFoundationModels) -> JsonObject:
    """List foundation models. `customizationsSupported` has no value for RFT, so asking by customization finds none."""
    found = [
        _details(model_id)
        for model_id in (*(model.customization_id for model in BASE_MODELS), *_JUDGES)
        if asked.by_provider in (None, _provider(model_id))
        and asked.by_output_modality in (None, "TEXT")
        and asked.by_inference_type in (None, "ON_DEMAND")
        and asked.by_customization_type is None
    ]
    return {"modelSummaries": [*found]}


def _details(model_id: str) -> JsonObject:
    return {
        "modelArn": _arn(model_id),
        "modelId": model_id,
        "modelName": model_id.split(".", 1)[1].split(":")[0][:_LONGEST_NAME],
        "providerName": _provider(model_id),
        "inputModalities": ["TEXT"],
        "outputModalities": ["TEXT"],
        "responseStreamingSupported": False,
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    }


def _arn(model_id: str) -> str:
    return f"arn:aws:bedrock:{REGION}::foundation-model/{model_id}"


def _provider(model_id: str) -> str:
    name = model_id.split(".")[0]
    return "OpenAI" if name == "openai" else name.capitalize()

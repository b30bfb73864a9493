"""Whether the base models are served in the Region, to customize and to ask."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from rft_runtime.base_models import BaseModel
from rft_runtime.failures import error_code
from rft_runtime.preflight.finding import Finding, Severity, unanswered
from rft_runtime.preflight.place import Place

_NOT_SERVED = frozenset({"ResourceNotFoundException", "ValidationException"})


def models(place: Place) -> Iterator[Finding]:
    """Look up each model, and the inference profile through which it answers."""
    for model in place.models:
        yield _customizable(place, model)
        if model.inference_id != model.customization_id:
            yield _answering(place, model)


def _customizable(place: Place, model: BaseModel) -> Finding:
    """Look up the model by its customization id, and by its plain id where that is unknown.

    Nothing documents that `GetFoundationModel` knows the longer customization ids, so only a model that is unknown
    under both is refused.
    """
    status = None
    for model_id in (model.customization_id, model.customization_id.rpartition(":")[0]):
        try:
            details = place.clients.bedrock.get_foundation_model(modelIdentifier=model_id)["modelDetails"]
        except ClientError as error:
            if error_code(error) not in _NOT_SERVED:
                return unanswered("model", error, "bedrock:GetFoundationModel")
            continue
        status = details.get("modelLifecycle", {}).get("status", "ACTIVE")
        break
    if status is None:
        return Finding(
            check="model",
            severity=Severity.ERROR,
            found=f"Bedrock does not serve {model.customization_id} in {place.region}",
            remedy="choose a base model and a Region of the user guide's page on reinforcement fine-tuning",
        )
    if model_id != model.customization_id:
        found = f"Bedrock knows {model_id} but not {model.customization_id}, which the job names"
        return Finding(check="model", severity=Severity.UNKNOWN, found=found)
    if status != "ACTIVE":
        return Finding(
            check="model",
            severity=Severity.WARNING,
            found=f"{model.customization_id} is {status}",
            remedy="plan the move to a newer base model; this one will be switched off",
        )
    return Finding(check="model", severity=Severity.OK, found=f"{model.customization_id} is served in {place.region}")


def _answering(place: Place, model: BaseModel) -> Finding:
    try:
        found = place.clients.bedrock.get_inference_profile(inferenceProfileIdentifier=model.inference_id)
    except ClientError as error:
        if error_code(error) not in _NOT_SERVED:
            return unanswered("inference", error, "bedrock:GetInferenceProfile")
        return Finding(
            check="inference",
            severity=Severity.ERROR,
            found=f"there is no inference profile {model.inference_id} in {place.region}, through which the base model "
            "answers",
            remedy="use a Region that the profile can be called from",
        )
    regions = sorted({member["modelArn"].split(":")[3] for member in found["models"]} - {""})
    return Finding(
        check="inference", severity=Severity.OK, found=f"{model.inference_id} answers from {', '.join(regions)}"
    )

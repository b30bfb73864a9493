"""What a reward function needs in order to ask models for grades: those models, and no others."""

from collections.abc import Iterator, Mapping

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from rft_contract.judge_models import JUDGE_MODELS, JudgeModel, judge_model
from rft_contract.services import JUDGE_MODEL_IDS

_ACTION = "bedrock:InvokeModel"
"""Authorizes Converse as well (Service Authorization Reference, Amazon Bedrock)."""


class JudgeGrants:
    """The models that a reward's judges are.

    A foundation model is granted in the function's Region. An inference profile is granted itself, and its foundation
    model in each of its Regions, on the condition that the request comes through the profile
    (`bedrock:InferenceProfileArn`; Bedrock user guide, "Prerequisites for inference profiles"). A global profile may
    send data to any commercial Region and must be allowed by name of its own; its model is granted in the function's
    Region and, for requests that the service routes, without one (AWS machine learning blog on securing cross-Region
    inference).
    """

    def __init__(self, *models: str | JudgeModel, allow_global: bool = False) -> None:
        """Name the models.

        Args:
            *models: Ids of models and inference profiles in `rft_contract.judge_models`, or rows of your own.
            allow_global: Whether data may leave the geography, through `global.` profiles. Default: False.

        Raises:
            ValueError: When no model is named, an id is not in the table, a profile names no Region, or a global one is
                not allowed.
        """
        if not models:
            raise ValueError("models: got none, wanted at least one")
        self._models = tuple(_known(model) for model in models)
        for model in self._models:
            if model.is_global and not allow_global:
                raise ValueError(
                    f"judge {model.inference_id}: sends data to any commercial Region; say allow_global=True if it may"
                )
            if model.is_profile and not model.is_global and not model.regions:
                raise ValueError(f"judge {model.inference_id}: regions: got none, wanted those of the profile")

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables of a function that asks these models."""
        return {JUDGE_MODEL_IDS: ",".join(model.inference_id for model in self._models)}

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal ask these models."""
        statements = [statement for model in self._models for statement in _statements(model)]
        grants = [
            iam.Grant.add_to_principal(
                grantee=grantee, actions=[_ACTION], resource_arns=arns, conditions=dict(conditions) or None
            )
            for arns, conditions in statements
        ]
        first, *others = grants
        for other in others:
            first = first.combine(other)
        return first


def _known(model: str | JudgeModel) -> JudgeModel:
    """Return a model's row."""
    if isinstance(model, JudgeModel):
        return model
    found = judge_model(model)
    if found is None:
        known = ", ".join(row.inference_id for row in JUDGE_MODELS)
        raise ValueError(f"judge {model}: not in the table, which has {known}; describe it with JudgeModel(...)")
    return found


def _statements(model: JudgeModel) -> Iterator[tuple[list[str], Mapping[str, Mapping[str, str]]]]:
    """Yield the resources and conditions of each statement that a model needs."""
    if not model.is_profile:
        yield [_model_arn(model, Aws.REGION)], {}
        return
    profile = model.inference_id
    if not profile.startswith("arn:"):
        profile = f"arn:{Aws.PARTITION}:bedrock:{Aws.REGION}:{Aws.ACCOUNT_ID}:inference-profile/{profile}"
    through = {"bedrock:InferenceProfileArn": profile}
    yield [profile], {}
    yield [_model_arn(model, region) for region in model.regions or (Aws.REGION,)], {"StringEquals": through}
    if model.is_global:
        yield [_model_arn(model, "")], {"StringEquals": {**through, "aws:RequestedRegion": "unspecified"}}


def _model_arn(model: JudgeModel, region: str) -> str:
    return f"arn:{Aws.PARTITION}:bedrock:{region}::foundation-model/{model.foundation_model}"

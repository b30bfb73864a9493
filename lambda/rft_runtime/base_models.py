"""The base models that can be customized, and under which name each one answers.

A model's customization id is not its inference id: Nova 2 Lite is trained as `amazon.nova-2-lite-v1:0:256k` and answers
only through an inference profile (Amazon Bedrock user guide, "Reinforcement fine-tuning for Nova models" and "Supported
Regions and models for inference profiles").
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class BaseModel:
    """A row of the table.

    Args:
        customization_id: What recipes and the customization job call it.
        inference_id: What Converse calls it.
        regions: Regions where it can be customized; empty: wherever it is served.
        embedded_only: Whether only the embedded AWS serves it.
        reasoning: Whether it takes a `reasoningConfig`.
        quota_name: What the names of its quotas call it; empty: it has none.
    """

    customization_id: str
    inference_id: str
    regions: tuple[str, ...] = ()
    embedded_only: bool = False
    reasoning: bool = False
    quota_name: str = ""

    def arn(self, region: str, partition: str = "aws") -> str:
        """Return the foundation-model ARN that a customization job names."""
        return f"arn:{partition}:bedrock:{region}::foundation-model/{self.customization_id}"


BASE_MODELS = (
    BaseModel(
        customization_id="amazon.nova-2-lite-v1:0:256k",
        inference_id="us.amazon.nova-2-lite-v1:0",
        regions=("us-east-1",),
        reasoning=True,
        quota_name="Amazon Nova 2 Lite",
    ),
    BaseModel(
        customization_id="local.smollm2-135m-instruct-v1:0",
        inference_id="local.smollm2-135m-instruct-v1:0",
        embedded_only=True,
    ),
)


def base_model(customization_id: str, region: str) -> BaseModel:
    """Return the base model of a recipe.

    Args:
        customization_id: The recipe's `base_model`.
        region: Where the job would run.

    Raises:
        ValueError: When the table does not have it, or not in this Region.
    """
    for model in BASE_MODELS:
        if model.customization_id == customization_id:
            if model.regions and region not in model.regions:
                raise ValueError(
                    f"recipe.base_model: {customization_id} can be customized in {', '.join(model.regions)}, "
                    f"this environment is in {region}"
                )
            return model
    known = ", ".join(model.customization_id for model in BASE_MODELS)
    raise ValueError(f"recipe.base_model: got {customization_id!r}, known are {known}")

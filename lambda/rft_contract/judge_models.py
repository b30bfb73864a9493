"""Models that are known as judges: under which id each answers, what that id reaches, and how it is held to a form.

Sources: Amazon Bedrock user guide, "OpenAI models", "Get validated JSON results from models", "Prerequisites for
inference profiles"; Amazon Nova 2 user guide, "Core inference" and "Tool calling systems"; AWS machine learning blog on
securing geographic and global cross-Region inference (what a global profile needs).
"""

from dataclasses import dataclass

GLOBAL = "global"
"""Prefix of the profiles that send requests to any commercial Region."""


@dataclass(frozen=True, kw_only=True)
class JudgeModel:
    """A row of the table.

    Args:
        inference_id: What Converse calls it: a foundation model's id, or an inference profile's.
        foundation_model: Id of the foundation model that answers.
        regions: Regions to which a geographic profile sends requests; empty for a foundation model, which answers where
            it is asked, and for a global profile, which names no Region.
        json_output: Whether Converse's `outputConfig` holds it to a JSON schema. Others are made to call a tool.
    """

    inference_id: str
    foundation_model: str
    regions: tuple[str, ...] = ()
    json_output: bool = False

    @property
    def is_profile(self) -> bool:
        """Whether the id is an inference profile's."""
        return self.inference_id != self.foundation_model

    @property
    def is_global(self) -> bool:
        """Whether requests may leave the geography."""
        return self.is_profile and self.inference_id.split(".")[0] == GLOBAL


JUDGE_MODELS = (
    JudgeModel(inference_id="openai.gpt-oss-120b-1:0", foundation_model="openai.gpt-oss-120b-1:0", json_output=True),
    JudgeModel(inference_id="openai.gpt-oss-20b-1:0", foundation_model="openai.gpt-oss-20b-1:0", json_output=True),
    JudgeModel(
        inference_id="us.amazon.nova-2-lite-v1:0",
        foundation_model="amazon.nova-2-lite-v1:0",
        regions=("us-east-1", "us-east-2", "us-west-2"),
    ),
    JudgeModel(inference_id="global.amazon.nova-2-lite-v1:0", foundation_model="amazon.nova-2-lite-v1:0"),
)


def judge_model(inference_id: str) -> JudgeModel | None:
    """Return the row of a model or profile, by its id; None when the table does not have it."""
    return next((model for model in JUDGE_MODELS if model.inference_id == inference_id), None)

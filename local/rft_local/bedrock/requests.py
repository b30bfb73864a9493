"""The inputs of the operations, typed; the service model has checked them before one of these is made."""

import msgspec

from rft_contract.json_value import JsonObject


class Input(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An input; members have the service's own names on the wire."""


class S3Address(Input, frozen=True, kw_only=True):
    """Where something lies in S3."""

    s3_uri: str


class TrainingData(Input, frozen=True, kw_only=True):
    """Where training rows come from; invocation logs are not served here."""

    s3_uri: str | None = None
    invocation_logs_config: dict[str, object] | None = None


class ValidationData(Input, frozen=True, kw_only=True):
    """Where validation rows come from."""

    validators: tuple[S3Address, ...]


class LambdaGrader(Input, frozen=True, kw_only=True):
    """A reward function."""

    lambda_arn: str


class Grader(Input, frozen=True, kw_only=True):
    """A union with one member."""

    lambda_grader: LambdaGrader


class Rft(Input, frozen=True, kw_only=True):
    """What only reinforcement fine-tuning has."""

    grader_config: Grader | None = None
    hyper_parameters: dict[str, int | float | str] = {}


class Customization(Input, frozen=True, kw_only=True):
    """A union; of its members only `rftConfig` is served here."""

    rft_config: Rft | None = None
    distillation_config: dict[str, object] | None = None


class Vpc(Input, frozen=True, kw_only=True):
    """Accepted and without effect."""

    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]


class Tag(Input, frozen=True, kw_only=True):
    """A tag."""

    key: str
    value: str


class CreateJob(Input, frozen=True, kw_only=True):
    """Input of CreateModelCustomizationJob."""

    job_name: str
    custom_model_name: str
    role_arn: str
    base_model_identifier: str
    training_data_config: TrainingData
    output_data_config: S3Address
    client_request_token: str | None = None
    customization_type: str | None = None
    custom_model_kms_key_id: str | None = None
    job_tags: tuple[Tag, ...] = ()
    custom_model_tags: tuple[Tag, ...] = ()
    validation_data_config: ValidationData | None = None
    hyper_parameters: dict[str, str] | None = None
    vpc_config: Vpc | None = None
    customization_config: Customization | None = None

    @property
    def validation_uris(self) -> tuple[str, ...]:
        """Where the validation rows lie; empty when there are none."""
        return (
            tuple(item.s3_uri for item in self.validation_data_config.validators) if self.validation_data_config else ()
        )

    @property
    def rft(self) -> Rft:
        """The RFT part; an empty one when it was left out."""
        config = self.customization_config
        return (config.rft_config if config else None) or Rft()


class JobIdentifier(Input, frozen=True, kw_only=True):
    """Input of GetModelCustomizationJob and StopModelCustomizationJob."""

    job_identifier: str


class ModelIdentifier(Input, frozen=True, kw_only=True):
    """Input of GetCustomModel, DeleteCustomModel and GetFoundationModel."""

    model_identifier: str


class Page(Input, frozen=True, kw_only=True):
    """What every listing has."""

    max_results: int = 1000
    next_token: str | None = None
    name_contains: str | None = None
    sort_by: str = "CreationTime"
    sort_order: str = "Descending"


class ListJobs(Page, frozen=True, kw_only=True):
    """Input of ListModelCustomizationJobs."""

    creation_time_after: float | None = None
    creation_time_before: float | None = None
    status_equals: str | None = None


class ListModels(Page, frozen=True, kw_only=True):
    """Input of ListCustomModels."""

    creation_time_after: float | None = None
    creation_time_before: float | None = None
    base_model_arn_equals: str | None = None
    foundation_model_arn_equals: str | None = None
    is_owned: bool | None = None
    model_status: str | None = None


class ListDeployments(Page, frozen=True, kw_only=True):
    """Input of ListCustomModelDeployments."""

    created_after: float | None = None
    created_before: float | None = None
    status_equals: str | None = None
    model_arn_equals: str | None = None


class CreateDeployment(Input, frozen=True, kw_only=True):
    """Input of CreateCustomModelDeployment."""

    model_deployment_name: str
    model_arn: str
    description: str | None = None
    tags: tuple[Tag, ...] = ()
    client_request_token: str | None = None


class DeploymentIdentifier(Input, frozen=True, kw_only=True):
    """Input of GetCustomModelDeployment and DeleteCustomModelDeployment."""

    custom_model_deployment_identifier: str


class UpdateDeployment(DeploymentIdentifier, frozen=True, kw_only=True):
    """Input of UpdateCustomModelDeployment."""

    model_arn: str


class ListFoundationModels(Input, frozen=True, kw_only=True):
    """Input of ListFoundationModels."""

    by_provider: str | None = None
    by_customization_type: str | None = None
    by_output_modality: str | None = None
    by_inference_type: str | None = None


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """Input of ListTagsForResource."""

    resource_arn: str = msgspec.field(name="resourceARN")


class TagResource(Resource, frozen=True, kw_only=True):
    """Input of TagResource."""

    tags: tuple[Tag, ...]


class UntagResource(Resource, frozen=True, kw_only=True):
    """Input of UntagResource."""

    tag_keys: tuple[str, ...] = msgspec.field(name="tagKeys")


class Text(Input, frozen=True, kw_only=True):
    """A block of text; other kinds of content are refused, because no model here takes them."""

    text: str | None = None


class Turn(Input, frozen=True, kw_only=True):
    """One turn of a conversation."""

    role: str
    content: tuple[Text, ...]


class InferenceParameters(Input, frozen=True, kw_only=True):
    """How to sample; names as in Converse, which are Nova's own too."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: tuple[str, ...] = ()


class ToolSchema(Input, frozen=True, kw_only=True):
    """The JSON schema of a tool's input."""

    json: dict[str, object]


class ToolSpec(Input, frozen=True, kw_only=True):
    """A tool."""

    name: str
    input_schema: ToolSchema


class Tool(Input, frozen=True, kw_only=True):
    """A union; of its members only `toolSpec` is served here."""

    tool_spec: ToolSpec | None = None


class ToolConfig(Input, frozen=True, kw_only=True):
    """The tools that a model may or must call."""

    tools: tuple[Tool, ...]


class JsonSchema(Input, frozen=True, kw_only=True):
    """A JSON schema, as text."""

    schema: str


class FormatStructure(Input, frozen=True, kw_only=True):
    """A union with one member."""

    json_schema: JsonSchema


class TextFormat(Input, frozen=True, kw_only=True):
    """The form of a text."""

    structure: FormatStructure


class OutputConfig(Input, frozen=True, kw_only=True):
    """The form of the output."""

    text_format: TextFormat | None = None


class Converse(Input, frozen=True, kw_only=True):
    """Input of Converse."""

    model_id: str
    messages: tuple[Turn, ...] = ()
    system: tuple[Text, ...] = ()
    inference_config: InferenceParameters = InferenceParameters()
    tool_config: ToolConfig | None = None
    output_config: OutputConfig | None = None
    guardrail_config: dict[str, object] | None = None
    additional_model_request_fields: dict[str, object] | None = None


class InvokeModel(Input, frozen=True, kw_only=True):
    """Input of InvokeModel, without its body."""

    model_id: str
    content_type: str | None = None
    accept: str | None = None


def to_json(value: Input | None) -> JsonObject | None:
    """Return an input with the service's names, as a response echoes it; None stays None."""
    if value is None:
        return None
    echoed = msgspec.json.decode(msgspec.json.encode(value))
    if not isinstance(echoed, dict):
        raise TypeError(f"{type(value).__name__} is no structure")
    return echoed

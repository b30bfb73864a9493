"""Inference: Converse, and InvokeModel with Nova's own request body.

Sources: service model of `bedrock-runtime`; Amazon Nova user guide, "Request and response schema" and "Using the Invoke
API". The model behind every model id is the stand-in; responses say so in the headers `x-rft-stand-in` and
`x-rft-max-tokens`, and Converse also in `additionalModelResponseFields`. Behind the ids of judge models it is the judge
stand-in; where an id is also a base model's, for requests that demand a form.
"""

import itertools
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from rft_contract.json_value import JsonObject
from rft_contract.judge_models import JUDGE_MODELS, JudgeModel
from rft_contract.statuses import DeploymentStatus
from rft_local.bedrock.account import Account, arn
from rft_local.bedrock.batcher import Batcher, Question
from rft_local.bedrock.deployments import Deployments
from rft_local.bedrock.endpoint_settings import REGION
from rft_local.bedrock.engine import Completion, Decoding, Engine, Message
from rft_local.bedrock.judge_stand_in import NAME, JudgeStandIn
from rft_local.bedrock.requests import Converse, InferenceParameters, InvokeModel, Text, Turn
from rft_local.bedrock.service_error import ServiceError, invalid
from rft_runtime.base_models import BASE_MODELS

_DEFAULT_TEMPERATURE = 0.7
_DEFAULT_TOP_P = 0.9
_DEPLOYMENT = ":custom-model-deployment/"


class NovaParameters(InferenceParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`inferenceConfig` of Nova's request body: Converse's members and Nova's own."""

    top_k: int | None = None
    reasoning_config: dict[str, object] | None = None


class NovaBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Nova's request body, text only."""

    messages: tuple[Turn, ...]
    system: tuple[Text, ...] = ()
    inference_config: NovaParameters = NovaParameters()
    schema_version: str = "messages-v1"


@dataclass(frozen=True)
class Reply:
    """An answer of inference.

    Args:
        members: The operation's output.
        headers: What a person should know about it.
    """

    members: JsonObject
    headers: dict[str, str]


@dataclass(frozen=True)
class _Answer:
    completion: Completion
    stop_reason: str
    text: str
    prompt_tokens: int
    milliseconds: int
    asked_tokens: int | None
    used_tokens: int

    @property
    def message(self) -> JsonObject:
        return {"message": {"role": "assistant", "content": [{"text": self.text}]}}

    @property
    def usage(self) -> JsonObject:
        return {
            "inputTokens": self.prompt_tokens,
            "outputTokens": self.completion.tokens,
            "totalTokens": self.prompt_tokens + self.completion.tokens,
        }


class Runtime:
    """Converse and InvokeModel.

    Args:
        account: Deployments and models.
        deployments: Finds deployments.
        engine: Counts tokens.
        batcher: Generates.
        judge: Answers judges' questions.
        max_tokens: Longest completion, whatever was asked for.
    """

    def __init__(
        self,
        account: Account,
        deployments: Deployments,
        engine: Engine,
        batcher: Batcher,
        judge: JudgeStandIn,
        max_tokens: int,
    ) -> None:
        self._account = account
        self._deployments = deployments
        self._engine = engine
        self._batcher = batcher
        self._judge = judge
        self._max_tokens = max_tokens

    def converse(self, asked: Converse) -> Reply:
        """Answer a conversation.

        Raises:
            ServiceError: As the service refuses models, conversations and contents; ModelNotReadyException for a
                deployment that is Creating.
        """
        if asked.guardrail_config is not None:
            raise invalid("guardrailConfig: the embedded AWS has no guardrails")
        demands_form = asked.tool_config is not None or asked.output_config is not None
        judge = judge_of(asked.model_id)
        if judge is not None and (demands_form or not is_base(asked.model_id)):
            return self._judged(asked, judge)
        adapter = self._adapter(asked.model_id)
        if asked.tool_config is not None:
            raise invalid("This model doesn't support tool use.")
        if asked.output_config is not None:
            raise invalid("This model doesn't support the outputConfig field.")
        answer = self._answer(adapter, asked.system, asked.messages, asked.inference_config)
        note: JsonObject = {
            "standIn": self._engine.name,
            "maxTokens": {"asked": answer.asked_tokens, "used": answer.used_tokens},
        }
        members: JsonObject = {
            "output": answer.message,
            "stopReason": answer.stop_reason,
            "usage": answer.usage,
            "metrics": {"latencyMs": answer.milliseconds},
            "additionalModelResponseFields": note,
        }
        return Reply(members, self._headers(answer))

    def invoke_model(self, asked: InvokeModel, body: bytes) -> Reply:
        """Answer a request in Nova's own format.

        Raises:
            ServiceError: As `converse`, and ValidationException for a body that the format does not have.
        """
        try:
            request = msgspec.json.decode(body, type=NovaBody)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise invalid(f"Malformed input request: {error}, please reformat your input and try again.") from None
        adapter = self._adapter(asked.model_id)
        answer = self._answer(adapter, request.system, request.messages, request.inference_config)
        members: JsonObject = {
            "body": {"output": answer.message, "stopReason": answer.stop_reason, "usage": answer.usage},
            "contentType": "application/json",
        }
        return Reply(members, self._headers(answer))

    def _judged(self, asked: Converse, judge: JudgeModel) -> Reply:
        """Answer a judge's question."""
        if asked.output_config is not None and not judge.json_output:
            raise invalid("This model doesn't support the outputConfig.textFormat field.")
        began = time.monotonic()
        judgement = self._judge.answer(asked)
        members: JsonObject = {
            "output": {"message": {"role": "assistant", "content": judgement.content}},
            "stopReason": judgement.stop_reason,
            "usage": {
                "inputTokens": judgement.tokens_in,
                "outputTokens": judgement.tokens_out,
                "totalTokens": judgement.tokens_in + judgement.tokens_out,
            },
            "metrics": {"latencyMs": round((time.monotonic() - began) * 1000)},
            "additionalModelResponseFields": {"standIn": NAME},
        }
        return Reply(members, {"x-rft-stand-in": NAME})

    def _answer(
        self, adapter: Path | None, system: tuple[Text, ...], turns: tuple[Turn, ...], config: InferenceParameters
    ) -> _Answer:
        began = time.monotonic()
        messages = _messages(system, turns)
        decoding = _decoding(config, self._max_tokens)
        try:
            completion = self._batcher.ask(Question(messages, adapter, decoding))
        except ValueError as error:
            raise invalid(str(error)) from None
        text, stop_reason = _cut(completion, config.stop_sequences)
        return _Answer(
            completion=completion,
            stop_reason=stop_reason,
            text=text,
            prompt_tokens=self._engine.count_tokens(messages),
            milliseconds=round((time.monotonic() - began) * 1000),
            asked_tokens=config.max_tokens,
            used_tokens=decoding.max_tokens,
        )

    def _adapter(self, model_id: str) -> Path | None:
        """Return the weights that a model id stands for; None is the base model."""
        if _DEPLOYMENT not in model_id:
            check_base(model_id)
            return None
        deployment = self._deployments.found(model_id)
        now = self._account.now()
        if deployment.status(now) is not DeploymentStatus.ACTIVE:
            raise ServiceError("ModelNotReadyException", f"The deployment {model_id} is not Active yet")
        model = self._account.model(deployment.serving(now))
        if model is None:
            raise ServiceError("ModelErrorException", f"The custom model of {model_id} does not exist any more")
        return self._account.adapter(model.id)

    def _headers(self, answer: _Answer) -> dict[str, str]:
        return {
            "x-rft-stand-in": self._engine.name,
            "x-rft-max-tokens": f"asked {answer.asked_tokens}, used {answer.used_tokens}",
        }


def judge_of(model_id: str) -> JudgeModel | None:
    """Return the judge model that an id or ARN names."""
    for model in JUDGE_MODELS:
        own_arn = (
            arn("inference-profile", model.inference_id)
            if model.is_profile
            else f"arn:aws:bedrock:{REGION}::foundation-model/{model.foundation_model}"
        )
        if model_id in (model.inference_id, own_arn):
            return model
    return None


def is_base(model_id: str) -> bool:
    """Whether an id or ARN is one under which a base model answers."""
    return any(base.inference_id == model_id.rsplit("/", 1)[-1] for base in BASE_MODELS)


def check_base(model_id: str) -> None:
    """Check that a base model answers under an id: its inference id, and the ARN of its profile or of itself.

    Raises:
        ServiceError: ValidationException, in the service's words for a model that needs an inference profile.
    """
    for base in BASE_MODELS:
        needs_profile = base.inference_id != base.customization_id
        own_arn = arn("inference-profile", base.inference_id) if needs_profile else base.arn(REGION)
        if model_id in (base.inference_id, own_arn):
            return
        if needs_profile and model_id == base.inference_id.partition(".")[2]:
            raise invalid(
                f"Invocation of model ID {model_id} with on-demand throughput isn't supported. Retry your request "
                "with the ID or ARN of an inference profile that contains this model."
            )
    raise invalid("The provided model identifier is invalid.")


def _messages(system: tuple[Text, ...], turns: tuple[Turn, ...]) -> tuple[Message, ...]:
    """Return the prompt as plain text.

    Raises:
        ServiceError: ValidationException for conversations that the service refuses, and for content that is not text.
    """
    if not turns or turns[0].role != "user":
        raise invalid(
            "A conversation must start with a user message. Try again with a conversation that starts with a user "
            "message."
        )
    for before, after in itertools.pairwise(turns):
        if before.role == after.role:
            raise invalid(
                "A conversation must alternate between user and assistant roles. Make sure the conversation alternates "
                "between user and assistant roles and try again."
            )
    if turns[-1].role != "user":
        raise invalid("The model returned the following errors: the conversation must end with a user message")
    first = [Message(role="system", content=_text(system))] if system else []
    return (*first, *(Message(role=turn.role, content=_text(turn.content)) for turn in turns))


def _text(blocks: tuple[Text, ...]) -> str:
    texts = [block.text for block in blocks]
    if not texts or any(text is None for text in texts):
        raise invalid("The model returned the following errors: this model takes text content alone")
    return "\n".join(text for text in texts if text is not None)


def _decoding(config: InferenceParameters, most: int) -> Decoding:
    temperature = _DEFAULT_TEMPERATURE if config.temperature is None else config.temperature
    top_p = _DEFAULT_TOP_P if config.top_p is None else config.top_p
    tokens = most if config.max_tokens is None else min(config.max_tokens, most)
    if tokens < 1 or not 0 <= temperature <= 1 or not 0 <= top_p <= 1:
        raise invalid("inferenceConfig: maxTokens must be at least 1, temperature and topP between 0 and 1")
    return Decoding(max_tokens=tokens, temperature=temperature, top_p=top_p if temperature > 0 else 1.0)


def _cut(completion: Completion, stops: tuple[str, ...]) -> tuple[str, str]:
    """Return the text up to the first stop sequence, and the stop reason."""
    found = [position for stop in stops if (position := completion.text.find(stop)) >= 0]
    return (completion.text[: min(found)], "stop_sequence") if found else (completion.text, completion.stop_reason)

"""Completions of prompts, drawn concurrently."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from rft_contract.json_value import JsonObject
from rft_contract.outcomes import RunFailed, Transient
from rft_runtime.base_models import BaseModel
from rft_runtime.conversation import Answer, Decoding, converse_request, read_answer
from rft_runtime.failures import error_code, explain, is_transient
from rft_runtime.pace import Pace
from rft_runtime.patience import Patience

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime import BedrockRuntimeClient

_FATAL = frozenset({"AccessDeniedException", "ResourceNotFoundException", "UnrecognizedClientException"})


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """One sampled completion, or why there is none.

    Args:
        row: Row of the frozen dataset.
        sample: Number among the prompt's samples, from 0.
        answer: The completion; None when there is none.
        error: Why there is none.
    """

    row: int
    sample: int
    answer: Answer | None = None
    error: Exception | None = None

    @property
    def missing(self) -> str | None:
        """Why there is no completion, without any text of the prompt; None when there is one."""
        if self.error is None:
            return None
        name = error_code(self.error) if isinstance(self.error, ClientError) else type(self.error).__name__
        return f"unanswered-{name}"


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """Draws completions from one model.

    Args:
        client: bedrock-runtime client that makes single attempts.
        model_id: Inference id, profile or deployment ARN.
        model: The base model's row in the table.
        decoding: How to draw.
        patience: How long to go on when throttled.
        at_once: Most requests in flight; fewer while the model throttles.
    """

    client: "BedrockRuntimeClient"
    model_id: str
    model: BaseModel
    decoding: Decoding
    patience: Patience
    at_once: int

    def draw(self, rows: Sequence[tuple[int, JsonObject]], samples: int) -> list[Rollout]:
        """Draw `samples` completions for every row.

        A prompt without an answer is missing, with a reason. When nothing was answered at all, the cause is not the
        prompts', and the whole call fails.

        Args:
            rows: Row numbers and rows.
            samples: Completions of each.

        Raises:
            Transient: When nothing was answered because AWS throttled or was unavailable.
            RunFailed: When nothing was answered for another reason.
            ClientError: When the model cannot be called at all.
        """
        pace = Pace(self.at_once)
        todo = [(number, row, sample) for number, row in rows for sample in range(samples)]
        with ThreadPoolExecutor(max_workers=self.at_once) as pool:
            drawn = list(pool.map(lambda item: self._one(pace, *item), todo))
        first = drawn[0].error if drawn else None
        if first is not None and all(rollout.answer is None for rollout in drawn):
            message = f"{self.model_id}: none of {len(drawn)} rollouts was answered: {explain(first)}"
            raise Transient(message) if is_transient(first) else RunFailed(message)
        return drawn

    def _one(self, pace: Pace, number: int, row: JsonObject, sample: int) -> Rollout:
        if self.patience.is_over:
            # At a slow pace much may be left, and the answers that there are must still be graded.
            return Rollout(row=number, sample=sample, error=Transient("there was no time left to ask"))
        try:
            request = converse_request(self.model_id, row, self.decoding, self.model)
            answer = self.patience.call(lambda: read_answer(pace.call(lambda: self.client.converse(**request))))
        except (ClientError, BotoCoreError, ValueError) as error:
            if isinstance(error, ClientError) and error_code(error) in _FATAL:
                raise
            return Rollout(row=number, sample=sample, error=error)
        return Rollout(row=number, sample=sample, answer=answer)

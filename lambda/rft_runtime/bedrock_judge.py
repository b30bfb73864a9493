"""A judge behind Bedrock's Converse API.

Importing this loads no third-party package; the first question loads boto3.

The form of the answer is enforced as far as Converse can: `outputConfig.textFormat` with a JSON schema for models that
take it (their output is constrained while it is generated), and a forced call of the one tool `grade` for the others
(Amazon Nova constrains what it generates for a tool). Sources: Amazon Bedrock user guide, "Get validated JSON results
from models"; Amazon Nova user guide, "Choosing a tool" and "Generating structured output with Nova"; service model of
`bedrock-runtime`. Which model takes which is `rft_contract.judge_models`.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

from rft_contract.judge_models import judge_model
from rft_rewards.deadline import Deadline
from rft_rewards.judge_question import Answer, Question, Refusal
from rft_runtime.judge_usage import JudgeUsage

if TYPE_CHECKING:
    from types_boto3_bedrock_runtime import BedrockRuntimeClient

TOOL = "grade"
"""Name of the tool, and of the schema, in which the judge answers."""

_AT_ONCE = 16
_CONNECT_SECONDS = 3
_SHORTEST_WAIT = 5
_LONGEST_WAIT = 60
_NEEDED_SECONDS = _CONNECT_SECONDS + _SHORTEST_WAIT
_MALFORMED = frozenset({"malformed_model_output", "malformed_tool_use"})
_FORM_TRIES = 2
_STOPPED = {
    "content_filtered": "judge-filtered",
    "guardrail_intervened": "judge-filtered",
    "max_tokens": "judge-cut-off",
    "model_context_window_exceeded": "judge-cut-off",
}
"""Converse's reason to stop -> why there is no whole answer."""

_STAND_IN_FIELD = "standIn"

ClientMaker = Callable[[int], "BedrockRuntimeClient"]
"""Makes a client that waits at most so many seconds for a response, and makes single attempts."""


class BedrockJudge:
    """Asks models, several questions at once, until the event's time is up.

    Throttled and failed requests are tried again with full jitter. A request is only begun while there is time for it,
    and never waits for a response beyond the deadline.

    Args:
        deadline: Of the event.
        models: Ids that it may ask. None: any.
        at_once: Requests in flight.
        make_client: Makes clients. None: of the function's own Region and role.
        sleep: Waits between tries, seconds.
    """

    def __init__(
        self,
        deadline: Deadline,
        *,
        models: frozenset[str] | None = None,
        at_once: int = _AT_ONCE,
        make_client: ClientMaker | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._deadline = deadline
        self._models = models
        self._at_once = at_once
        self._make_client = make_client or runtime_client
        self._sleep = sleep
        self._clients: dict[int, BedrockRuntimeClient] = {}
        self._lock = Lock()
        self.usage = JudgeUsage()

    def ask(self, questions: Sequence[Question], /) -> list[Answer | Refusal]:
        """Return what came back for each question; see `rft_rewards.judge_question.Judge`."""
        if len(questions) < 2:
            return [self._one(question) for question in questions]
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(self._at_once, len(questions))) as pool:
            return list(pool.map(self._one, questions))

    def _one(self, question: Question) -> Answer | Refusal:
        """Ask one question."""
        from botocore.exceptions import BotoCoreError, ClientError

        from rft_runtime.patience import Patience

        if self._models is not None and question.model not in self._models:
            return Refusal(reason="judge-not-granted")
        if self._deadline.left < _NEEDED_SECONDS:
            return Refusal(reason="judge-out-of-time", transient=True)
        last_start = time.monotonic() + self._deadline.left - _NEEDED_SECONDS
        patience = Patience(deadline=last_start, sleep=self._sleep)
        try:
            for _ in range(_FORM_TRIES):
                response = patience.call(lambda: self._converse(question))
                answer = self._counted(response)
                if response.get("stopReason") not in _MALFORMED or time.monotonic() >= last_start:
                    break
        except (ClientError, BotoCoreError) as error:
            return _refusal(error)
        stopped = _STOPPED.get(response.get("stopReason", ""))
        return answer if stopped is None else Refusal(reason=stopped)

    def _converse(self, question: Question) -> Mapping[str, Any]:
        """Make one request."""
        return self._client().converse(**request(question))

    def _client(self) -> "BedrockRuntimeClient":
        """Return a client that waits no longer than there is time, in steps of 5 seconds."""
        wait = min(_LONGEST_WAIT, max(_SHORTEST_WAIT, int(self._deadline.left - _CONNECT_SECONDS) // 5 * 5))
        with self._lock:  # a boto3 session is not safe for making clients in several threads
            if wait not in self._clients:
                self._clients[wait] = self._make_client(wait)
            return self._clients[wait]

    def _counted(self, response: Mapping[str, Any]) -> Answer:
        """Read a response and count its tokens."""
        answer = read_response(response)
        with self._lock:
            self.usage.requests += 1
            self.usage.tokens_in += answer.tokens_in
            self.usage.tokens_out += answer.tokens_out
        return answer


def runtime_client(wait_seconds: int) -> "BedrockRuntimeClient":
    """Return a client of this process's own Region and credentials.

    Args:
        wait_seconds: Longest wait for a response.
    """
    import boto3

    return boto3.client("bedrock-runtime", config=client_config(wait_seconds))


def client_config(wait_seconds: int) -> Any:  # botocore's class is not imported where no question is asked
    """Return the settings of a client that makes single attempts, as this module tries again by itself."""
    from botocore.config import Config

    return Config(
        retries={"mode": "standard", "total_max_attempts": 1},
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=wait_seconds,
        max_pool_connections=_AT_ONCE,
    )


def request(question: Question) -> dict[str, Any]:
    """Return the arguments of `converse`."""
    asked: dict[str, Any] = {
        "modelId": question.model,
        "system": [{"text": question.system}],
        "messages": [{"role": "user", "content": [{"text": question.user}]}],
        "inferenceConfig": {"maxTokens": question.max_tokens, "temperature": question.temperature},
    }
    model = judge_model(question.model)
    if model is not None and model.json_output:
        schema = {"name": TOOL, "schema": json.dumps(question.schema())}
        asked["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
    else:
        tool = {"name": TOOL, "description": "Hands in the grade.", "inputSchema": {"json": question.schema()}}
        asked["toolConfig"] = {"tools": [{"toolSpec": tool}], "toolChoice": {"tool": {"name": TOOL}}}
    return asked


def read_response(response: Mapping[str, Any]) -> Answer:
    """Return the answer in a response of `converse`: the tool's input as JSON, else the text; reasoning is left out."""
    content = response.get("output", {}).get("message", {}).get("content", [])
    calls = [block["toolUse"].get("input") for block in content if "toolUse" in block]
    text = json.dumps(calls[0]) if len(calls) == 1 else "".join(block.get("text", "") for block in content)
    usage = response.get("usage", {})
    stand_in = (response.get("additionalModelResponseFields") or {}).get(_STAND_IN_FIELD)
    return Answer(
        text=text,
        tokens_in=usage.get("inputTokens", 0),
        tokens_out=usage.get("outputTokens", 0),
        stand_in=stand_in if isinstance(stand_in, str) else None,
    )


def _refusal(error: Exception) -> Refusal:
    """Return why a request came to nothing."""
    from botocore.exceptions import ClientError

    from rft_runtime.failures import error_code, is_transient

    code = error_code(error) if isinstance(error, ClientError) else ""
    if is_transient(error):
        is_throttled = "Throttling" in code or "TooManyRequests" in code
        return Refusal(reason="judge-throttled" if is_throttled else "judge-unavailable", transient=True)
    reasons = {"AccessDeniedException": "judge-access-denied", "ResourceNotFoundException": "judge-not-found"}
    return Refusal(reason=reasons.get(code, "judge-refused"))

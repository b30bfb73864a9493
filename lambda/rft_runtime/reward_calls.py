"""Calls to a reward function in Bedrock's own event shape.

Source: Amazon Bedrock user guide, "Setting up reward functions": the event is a bare JSON array, and so is the answer.
Lambda's limit of 6 MB a synchronous request is kept with a margin.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from rft_contract.json_value import JsonObject
from rft_contract.outcomes import RunFailed, Transient
from rft_contract.rollout_mark import FIELD, RolloutMark
from rft_runtime.grading import components, invalid_reason
from rft_runtime.patience import Patience

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

EVENT_BYTES = 5_500_000
_CRASHES = 3


@dataclass(frozen=True, kw_only=True)
class Grade:
    """What a reward function said about one completion.

    Args:
        reward: The aggregate score; None when there is no valid one.
        invalid: Why there is none; None when there is one.
        components: Its metrics by name.
    """

    reward: float | None
    invalid: str | None = None
    components: Mapping[str, float] = field(default_factory=dict)


def sample_id(row: int, sample: int) -> str:
    """Return the id under which a completion travels."""
    return f"{row}-{sample}"


def event_item(row: JsonObject, number: int, sample: int, completion: str, phase: str) -> JsonObject:
    """Build one element of the event: the conversation with the completion, and every other field as metadata.

    Args:
        row: The frozen row.
        number: Its number.
        sample: Number of the completion.
        completion: The model's text.
        phase: Who asks, one of `rollout_mark.PHASES`.
    """
    mark = RolloutMark.from_json(row.get(FIELD))
    metadata = {name: value for name, value in row.items() if name != "messages"}
    if mark is not None:
        metadata[FIELD] = RolloutMark(run=mark.run, split=mark.split, row=mark.row, phase=phase).to_json()
    messages = row.get("messages")
    turns = list(messages) if isinstance(messages, list) else []
    return {
        "id": sample_id(number, sample),
        "messages": [*turns, {"role": "assistant", "content": completion}],
        "metadata": metadata,
    }


def events_of(items: Sequence[JsonObject], limit: int = EVENT_BYTES) -> Iterator[bytes]:
    """Pack items, in order, into as few events as fit; an item that is too large alone travels alone.

    Args:
        items: Elements of the events.
        limit: Most bytes of an event.
    """
    batch: list[bytes] = []
    size = 2
    for item in items:
        text = msgspec.json.encode(item)
        if batch and size + len(text) + 1 > limit:
            yield b"[" + b",".join(batch) + b"]"
            batch, size = [], 2
        batch.append(text)
        size += len(text) + 1
    if batch:
        yield b"[" + b",".join(batch) + b"]"


@dataclass(frozen=True, kw_only=True)
class RewardCaller:
    """Grades completions with a deployed reward function.

    Args:
        client: Lambda client that makes single attempts.
        function_arn: The run's alias.
        patience: How long to go on when throttled.
    """

    client: "LambdaClient"
    function_arn: str
    patience: Patience

    def grade(self, items: Sequence[JsonObject]) -> dict[str, Grade]:
        """Return id -> grade; ids that the function did not answer are not in it.

        Raises:
            Transient: When the function raised three times, or Lambda kept throttling.
            RunFailed: When the answer is not an array, or no JSON.
        """
        grades: dict[str, Grade] = {}
        for event in events_of(items):
            for result in self._invoke(event):
                if isinstance(result, dict) and isinstance(result.get("id"), str):
                    grades[result["id"]] = read_grade(result)
        return grades

    def _invoke(self, event: bytes) -> list[Any]:
        crash = "nothing"
        for _ in range(_CRASHES):
            response = self.patience.call(lambda: self.client.invoke(FunctionName=self.function_arn, Payload=event))
            answer = self._decoded(response["Payload"].read())
            if "FunctionError" not in response:
                if not isinstance(answer, list):
                    raise RunFailed(
                        f"reward function {self.function_arn}: answered {type(answer).__name__}, wanted an array"
                    )
                return answer
            crash = str(answer.get("errorType", response["FunctionError"])) if isinstance(answer, dict) else "an error"
        raise Transient(
            f"reward function {self.function_arn}: raised {crash} {_CRASHES} times on one event; see its log group"
        )

    def _decoded(self, body: bytes) -> Any:
        try:
            return msgspec.json.decode(body)
        except msgspec.DecodeError:
            raise RunFailed(f"reward function {self.function_arn}: answered what is no JSON, wanted an array") from None


def read_grade(result: JsonObject) -> Grade:
    """Read one element of a reward function's answer."""
    parts = components(result)
    reason = invalid_reason(result)
    if reason is not None:
        return Grade(reward=None, invalid=reason, components=parts)
    score = result.get("aggregate_reward_score")
    if isinstance(score, bool) or not isinstance(score, (int, float)) or not math.isfinite(score):
        return Grade(reward=None, invalid="no-finite-score", components=parts)
    return Grade(reward=float(score), components=parts)

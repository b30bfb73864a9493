"""Amazon Bedrock's runtime in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.unit.fakes.service_models import check_request


@dataclass
class FakeRuntime:
    answer: Callable[[dict[str, Any]], str] = lambda request: "billing"
    requests: list[dict[str, Any]] = field(default_factory=list)

    def converse(self, **request: Any) -> dict[str, Any]:
        check_request("bedrock-runtime", "Converse", request)
        self.requests.append(request)
        return {
            "output": {"message": {"role": "assistant", "content": [{"text": self.answer(request)}]}},
            "stopReason": "end_turn",
            "usage": {"outputTokens": 2},
        }

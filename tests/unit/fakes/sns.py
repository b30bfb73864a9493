"""Amazon SNS in memory."""

from dataclasses import dataclass, field
from typing import Any

from tests.unit.fakes.service_models import check_request


@dataclass
class FakeSns:
    messages: list[dict[str, Any]] = field(default_factory=list)

    def publish(self, **message: Any) -> None:
        check_request("sns", "Publish", message)
        assert len(message["Subject"]) <= 100
        assert "\n" not in message["Subject"]
        self.messages.append(message)

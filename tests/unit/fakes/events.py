"""Amazon EventBridge in memory."""

from dataclasses import dataclass, field
from typing import Any

from tests.unit.fakes.service_models import check_request


@dataclass
class FakeEvents:
    entries: list[dict[str, Any]] = field(default_factory=list)
    broken: bool = False

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        check_request("events", "PutEvents", {"Entries": Entries})
        if self.broken:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}
        self.entries += Entries
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}

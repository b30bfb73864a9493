"""Service Quotas in memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.unit.fakes.service_models import check_request

CUSTOM_TOKENS = "(Model customization) Sum of on demand custom model deployment tokens"


@dataclass
class FakeQuotas:
    values: dict[str, float] = field(
        default_factory=lambda: {
            "(Model customization) Scheduled customization jobs": 10,
            "Custom models per account": 100,
            "Custom model deployments per account": 5,
            f"{CUSTOM_TOKENS} per minute for Amazon Nova 2 Lite": 4e6,
            "Model invocation max tokens per day for Amazon Nova 2 Lite": 5e9,
            "Cross-region model inference tokens per minute for Amazon Nova 2 Lite": 8e6,
        }
    )
    error: Exception | None = None

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_service_quotas"
        return self

    def paginate(self, *, ServiceCode: str) -> Iterator[dict[str, Any]]:
        check_request("service-quotas", "ListServiceQuotas", {"ServiceCode": ServiceCode})
        if self.error is not None:
            raise self.error
        yield {"Quotas": [{"QuotaName": name, "Value": value} for name, value in self.values.items()]}

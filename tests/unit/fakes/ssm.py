"""Parameter Store in memory."""

from dataclasses import dataclass, field
from typing import Any

from tests.unit.fakes.service_models import check_request


@dataclass
class FakeSsm:
    parameters: dict[str, str] = field(default_factory=dict)

    def put_parameter(self, **request: Any) -> None:
        check_request("ssm", "PutParameter", request)
        assert request["Overwrite"]
        self.parameters[request["Name"]] = request["Value"]

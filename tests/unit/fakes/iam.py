"""AWS IAM in memory."""

from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from tests.unit.fakes.account import ACCOUNT
from tests.unit.fakes.service_models import check_request


@dataclass
class FakeIam:
    """A role that trusts Bedrock and may do what is not denied."""

    principal: str = "bedrock.amazonaws.com"
    source_account: str = ACCOUNT
    denied: dict[str, str] = field(default_factory=dict)
    simulated: list[dict[str, Any]] = field(default_factory=list)
    error: ClientError | None = None

    def get_role(self, *, RoleName: str) -> dict[str, Any]:
        check_request("iam", "GetRole", {"RoleName": RoleName})
        if self.error is not None:
            raise self.error
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": self.principal},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": self.source_account}},
        }
        return {"Role": {"AssumeRolePolicyDocument": {"Statement": [statement]}}}

    def simulate_principal_policy(self, **request: Any) -> dict[str, Any]:
        check_request("iam", "SimulatePrincipalPolicy", request)
        self.simulated.append(request)
        decisions = [(action, self.denied.get(action, "allowed")) for action in request["ActionNames"]]
        return {"EvaluationResults": [{"EvalActionName": name, "EvalDecision": value} for name, value in decisions]}

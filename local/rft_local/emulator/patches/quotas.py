"""Service Quotas patch: a quota that AWS may turn out to have."""

from __future__ import annotations

import json
from typing import Any

from rft_local.emulator.authorization import simulate
from rft_local.emulator.undocumented import DeploymentQuota
from rft_local.emulator.upstream import require, wrap

_TARGET = "ServiceQuotasV20190624.ListServiceQuotas"
_ACTION = "servicequotas:ListServiceQuotas"
_CONTENT_TYPE = "application/x-amz-json-1.1"
_NAMES = {
    DeploymentQuota.NAMED: "Custom model deployments per account",
    DeploymentQuota.MISNAMED: "Custom model deployment limit",
}
_VALUE = 10.0


def list_deployment_quota(choice: DeploymentQuota) -> None:
    """Answers ListServiceQuotas with one quota of custom model deployments, when that is chosen.

    Undocumented: whether AWS has such a quota, and its name; both names here are made up. ministack knows no Service
    Quotas, and unless this is chosen the operation stays unknown.

    Args:
        choice: Whether it is listed, and under which name.
    """
    if choice is DeploymentQuota.UNSERVED:
        return
    quota = {"ServiceCode": "bedrock", "QuotaName": _NAMES[choice], "Value": _VALUE}

    async def dispatch(
        original: Any, method: str, path: str, headers: dict[str, str], body: bytes, query: Any, *rest: Any
    ) -> Any:
        if headers.get("x-amz-target") != _TARGET:
            return await original(method, path, headers, body, query, *rest)
        decision = simulate(require("core.iam_evaluator", "request_caller_arn")(headers, query), _ACTION, "*", {})
        if not decision.allowed:
            respond = require("core.responses", "error_response_json")
            return respond("AccessDeniedException", decision.reason, 400)
        asked = json.loads(body or b"{}").get("ServiceCode")
        listed = {"Quotas": [quota] if asked == quota["ServiceCode"] else []}
        return 200, {"Content-Type": _CONTENT_TYPE}, json.dumps(listed).encode()

    wrap("app", "_dispatch_service_request", dispatch)

"""IAM patches: condition keys of a request that ministack tells otherwise than AWS, or not at all."""

from __future__ import annotations

import json
from typing import Any

from rft_local.emulator.authorization import role_name
from rft_local.emulator.environment import ACCOUNT
from rft_local.emulator.upstream import require, wrap

_OF_SIGNATURES = {"kms:SigningAlgorithm": ("SigningAlgorithm", ""), "kms:MessageType": ("MessageType", "RAW")}
"""Condition key -> the member of a request that it tells, and what is meant where the request says nothing."""


def name_sessions_by_role() -> None:
    """Tells the role's ARN as `aws:PrincipalArn` of a session of a role.

    Gap: ministack tells the ARN of the session, so a statement that is confined to roles never meets one of them.
    AWS: "For IAM roles, the request context returns the ARN of the role, not the ARN of the user that assumed the role"
    (IAM User Guide, "AWS global condition context keys").
    """

    def resolve(original: Any, key: str, context: Any) -> Any:
        found = original(key, context)
        if key.lower() != "aws:principalarn" or ":assumed-role/" not in str(found):
            return found
        role = require("services.iam", "_roles").get_scoped(ACCOUNT, None, role_name(found))
        return found if role is None else role["Arn"]

    wrap("core.iam_evaluator", "_resolve_condition_key", resolve)


def tell_signatures() -> None:
    """Tells `kms:SigningAlgorithm` and `kms:MessageType` of a request to sign or to verify.

    Gap: ministack tells neither, so a statement with a condition on them never allows.
    AWS: both belong to Sign and Verify; a message is RAW where the request does not say (KMS Developer Guide, "AWS KMS
    condition keys").
    """

    def tell(original: Any, service: str, action: str, body: bytes, *rest: Any) -> Any:
        found = original(service, action, body, *rest)
        if action not in ("kms:Sign", "kms:Verify"):
            return found
        request = json.loads(body)
        return {**found, **{key: request.get(name, usual) for key, (name, usual) in _OF_SIGNATURES.items()}}

    wrap("core.iam_actions", "request_tag_context", tell)

"""IAM patch: a record of who asked for what, for those who want to know which permissions are needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rft_local.emulator import authorization
from rft_local.emulator.authorization_log import CALL, AuthorizationLog
from rft_local.emulator.upstream import require, wrap


def record_authorizations(path: Path | None) -> None:
    """Writes every authorization question about a stack's role to a file, with its answer.

    Gap: ministack logs refusals alone, and the policy that AWS would generate from CloudTrail needs an AWS account.

    Args:
        path: The file. None: nothing is recorded.
    """
    if path is None:
        return
    log = AuthorizationLog(path)

    def enforce(
        original: Any,
        key: str,
        action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Any = None,
    ) -> Any:
        result = original(key, action, service, region, resource_arn=resource_arn, service_context=service_context)
        caller = require("core.iam_evaluator", "caller_arn")()
        log.note(CALL, caller, action, resource_arn, service_context or {}, allowed=result is None)
        return result

    wrap("core.iam_evaluator", "enforce", enforce)
    authorization.observe(log)

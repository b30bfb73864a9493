"""Asks ministack's IAM evaluator questions outside of a request: simulations and service roles.

Sources: IAM User Guide, "Policy evaluation logic" and "The confused deputy problem"; KMS Developer Guide, "Key
policies" (a key policy must allow even the owner's own principals).
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rft_local.emulator.authorization_log import CHECK, TRUST, AuthorizationLog
from rft_local.emulator.environment import ACCOUNT, REGION
from rft_local.emulator.new_roles import NEW_ROLES
from rft_local.emulator.upstream import require

SESSION_SECONDS = 12 * 3600


@dataclass(frozen=True)
class Decision:
    """The answer to one authorization question.

    Attributes:
        allowed: Whether the call would be allowed.
        reason: One line for a person: which policy decided, or what is missing.
    """

    allowed: bool
    reason: str


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of a role session."""

    access_key_id: str
    secret_access_key: str
    session_token: str


def role_name(arn: str) -> str:
    """The name of the role in a role ARN or in an assumed-role ARN."""
    resource = arn.split(":", 5)[-1]
    return resource.split("/")[1] if resource.startswith("assumed-role/") else resource.rsplit("/", 1)[-1]


def session_arn(arn: str, session: str) -> str:
    """The assumed-role ARN that calls made as this role carry."""
    if ":assumed-role/" in arn:
        return arn
    return f"arn:aws:sts::{arn.split(':')[4]}:assumed-role/{role_name(arn)}/{session}"


def open_session(role_arn: str, session: str) -> Credentials:
    """Registers a new session of a role, so that calls signed with it are evaluated as the role.

    Args:
        role_arn: The role.
        session: Session name, the last part of the caller's ARN.

    Returns:
        Fresh credentials, valid for `SESSION_SECONDS`.
    """
    key, secret, token = f"ASIA{secrets.token_hex(8).upper()}", secrets.token_hex(20), secrets.token_hex(32)
    record = {
        "Arn": session_arn(role_arn, session),
        "UserId": f"{role_name(role_arn)}:{session}",
        "SecretAccessKey": secret,
        "SessionToken": token,
        "Expiration": time.time() + SESSION_SECONDS,
    }
    require("services.sts", "register_session")(key, record)
    return Credentials(key, secret, token)


_OBSERVERS: list[AuthorizationLog] = []


def observe(log: AuthorizationLog) -> None:
    """Lets a log hear every question that this module answers.

    Args:
        log: The log.
    """
    _OBSERVERS.append(log)


def simulate(principal_arn: str, action: str, resource: str, context: Mapping[str, Any]) -> Decision:
    """Evaluates one call of one principal with its identity policies and the resource's own policy.

    Args:
        principal_arn: Role, assumed role, user or account root.
        action: For example `iam:PassRole`.
        resource: ARN of the resource, or `*`.
        context: Condition keys of the call, for example `{"iam:PassedToService": "bedrock.amazonaws.com"}`.

    Returns:
        The decision with its reason.
    """
    decision = _decide(principal_arn, action, resource, context)
    for log in _OBSERVERS:
        log.note(CHECK, principal_arn, action, resource, context, allowed=decision.allowed)
    return decision


def _decide(principal_arn: str, action: str, resource: str, context: Mapping[str, Any]) -> Decision:
    service = action.split(":", 1)[0]
    if principal_arn.endswith(":root"):
        return Decision(True, "the account root is allowed everything")
    known = principal_policies(principal_arn)
    if known is None:
        return Decision(False, f"the principal {principal_arn} does not exist")
    policies, limits = known
    question = evaluation_context(principal_arn, action, resource, context)
    result = require("core.iam_evaluator", "evaluate")(question, policies, *limits)
    found = require("core.iam_evaluator", "_resource_policy")(service, resource)
    if found is not None:
        combine = require("core.iam_evaluator", "combine_resource_policy")
        required = service in require("core.iam_evaluator", "_POLICY_REQUIRED")
        result = combine(result, question, *found, required=required, limits=limits)
    if result.decision == "Allow":
        return Decision(True, f"allowed by statement {result.matched_sid or '(without a Sid)'}")
    kind = "explicitly denied" if result.decision == "Deny" else "not allowed"
    return Decision(False, f"{principal_arn} is {kind} to perform {action} on {resource}")


def principal_policies(arn: str) -> tuple[list[Any], list[Any]] | None:
    """The parsed identity policies and the limits (permissions boundary) of a role or user; None when unknown."""
    if ":role/" in arn or ":assumed-role/" in arn:
        store, gather, name = "_roles", "_gather_role_policies", role_name(arn)
    else:
        store, gather, name = "_users", "_gather_user_policies", arn.rsplit("/", 1)[-1]
    entities = require("services.iam", store)
    if entities.get_scoped(ACCOUNT, None, name) is None:
        return None
    policies = require("core.iam_evaluator", gather)(name, ACCOUNT)
    return policies, require("core.iam_evaluator", "_permissions_boundary")(entities, name, ACCOUNT)


def evaluation_context(arn: str, action: str, resource: str, context: Mapping[str, Any]) -> Any:
    """The evaluator's own question object for a call by a user or by a session of a role."""
    is_role = ":role/" in arn or ":assumed-role/" in arn
    return require("core.iam_evaluator", "EvalContext")(
        principal_arn=session_arn(arn, "simulated") if is_role else arn,
        principal_type="AssumedRole" if is_role else "User",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region=REGION,
        secure_transport=True,
        service_context={key.lower(): value for key, value in context.items()},
    )


def trusts_service(role_arn: str, service: str, source_arn: str, source_account: str) -> Decision:
    """Evaluates a role's trust policy, conditions included, for a service that wants to assume it.

    Args:
        role_arn: The role.
        service: The service principal, for example `bedrock.amazonaws.com`.
        source_arn: The resource on whose behalf the service acts (`aws:SourceArn`).
        source_account: Its account (`aws:SourceAccount`).

    Returns:
        The decision; the reason names the condition that failed.
    """
    decision = _trusts(role_arn, service, source_arn, source_account)
    context = {"service": service, "aws:SourceArn": source_arn, "aws:SourceAccount": source_account}
    for log in _OBSERVERS:
        log.note(TRUST, role_arn, "sts:AssumeRole", role_arn, context, allowed=decision.allowed)
    return decision


def _trusts(role_arn: str, service: str, source_arn: str, source_account: str) -> Decision:
    role = require("services.iam", "_roles").get_scoped(ACCOUNT, None, role_name(role_arn))
    if role is None or not NEW_ROLES.is_known(role["RoleId"], datetime.fromisoformat(role["CreateDate"])):
        return Decision(False, f"the role {role_arn} does not exist")
    document = role.get("AssumeRolePolicyDocument") or "{}"
    trust = json.loads(document) if isinstance(document, str) else document
    statements = trust.get("Statement", [])
    statements = [statements] if isinstance(statements, dict) else statements
    named = [statement for statement in statements if _names(statement, service)]
    if not named:
        return Decision(False, f"the trust policy of {role_arn} does not let {service} assume it")
    context = {"aws:SourceArn": source_arn, "aws:SourceAccount": source_account}
    question = evaluation_context(role_arn, "sts:AssumeRole", role_arn, context)
    conditions_met = require("core.iam_evaluator", "_conditions_met")
    met = [statement for statement in named if conditions_met(statement.get("Condition", {}), question)]
    if any(statement["Effect"] == "Deny" for statement in met):
        return Decision(False, f"the trust policy of {role_arn} denies {service}")
    if not met:
        failed = "; ".join(json.dumps(statement.get("Condition", {})) for statement in named)
        return Decision(
            False,
            f"no condition of {role_arn} for {service} holds for aws:SourceArn={source_arn}, "
            f"aws:SourceAccount={source_account}: {failed}",
        )
    return Decision(True, f"the trust policy of {role_arn} allows {service}")


def _names(statement: Mapping[str, Any], service: str) -> bool:
    """Whether a trust statement is about this service assuming the role."""
    actions = statement.get("Action", [])
    actions = [actions] if isinstance(actions, str) else actions
    matches = require("core.iam_evaluator", "_action_matches")("sts:AssumeRole", actions, [])
    principal = statement.get("Principal", {})
    is_service = require("core.iam_evaluator", "_service_principal_matches")(principal, service)
    return bool(matches and is_service)

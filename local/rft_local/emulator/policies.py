"""Asks ministack's IAM evaluator about policies that are deployed nowhere.

Source: IAM User Guide, "Policy evaluation logic".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rft_local.emulator.authorization import session_arn
from rft_local.emulator.environment import REGION
from rft_local.emulator.upstream import require

EVALUATOR = "core.iam_evaluator"


@dataclass(frozen=True)
class Question:
    """What a principal wants to do.

    Attributes:
        principal_arn: A role.
        action: For example `s3:GetObject`.
        resource: ARN, or `*`.
        context: Condition keys of the request.
    """

    principal_arn: str
    action: str
    resource: str
    context: Mapping[str, Any] = field(default_factory=dict)


def identity_allows(statements: Sequence[Mapping[str, Any]], question: Question) -> bool:
    """Whether the policies of a principal allow something.

    Args:
        statements: All statements of all its policies.
        question: What it wants.
    """
    parsed = require(EVALUATOR, "parse_policy_document")({"Statement": list(statements)})
    return bool(require(EVALUATOR, "evaluate")(_context(question), [parsed]).decision == "Allow")


def resource_allows(statements: Sequence[Mapping[str, Any]], question: Question) -> bool:
    """Whether the policy of a resource allows something to a principal of another account.

    Args:
        statements: The statements of the resource's policy.
        question: What the principal wants.
    """
    document = {"Statement": list(statements)}
    result = require(EVALUATOR, "evaluate_resource_policy")(document, _context(question))
    return bool(result.decision == "Allow")


def _context(question: Question) -> Any:
    return require(EVALUATOR, "EvalContext")(
        principal_arn=session_arn(question.principal_arn, "asked"),
        principal_type="AssumedRole",
        principal_account=question.principal_arn.split(":")[4],
        action=question.action,
        resource_arn=question.resource,
        region=REGION,
        secure_transport=True,
        service_context={key.lower(): value for key, value in question.context.items()},
    )

"""The role that is passed to Bedrock: its trust, and its rights as far as IAM's simulation shows.

The simulation looks at identity policies, permissions boundaries and service control policies, not at resource policies
and key policies (IAM user guide, "IAM policy testing with the policy simulator"), so what it misses is a warning.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from botocore.exceptions import ClientError

from rft_contract.layout import RunKeys
from rft_contract.naming import reward_alias
from rft_runtime.failures import error_code
from rft_runtime.preflight.finding import Finding, Severity
from rft_runtime.preflight.place import Place

_BEDROCK = "bedrock.amazonaws.com"
_RUN = "preflight"


@dataclass(frozen=True)
class _Need:
    """Actions that the role needs on a resource.

    Args:
        actions: All of them.
        resource: An ARN.
        context: Condition key -> value of the request.
    """

    actions: Sequence[str]
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)


def trust(place: Place) -> Iterator[Finding]:
    """Read whether Bedrock may assume the role for customization jobs of this account."""
    if place.role_arn is None:
        return
    try:
        role = place.clients.iam.get_role(RoleName=place.role_arn.rpartition("/")[2])["Role"]
    except ClientError as error:
        if error_code(error) != "NoSuchEntity":
            raise
        yield Finding(
            check="role-trust",
            severity=Severity.ERROR,
            found=f"{place.role_arn} does not exist",
            remedy="deploy the stack again",
        )
        return
    document = cast(dict[str, Any], role["AssumeRolePolicyDocument"])
    statements = [statement for statement in _list(document.get("Statement")) if _is_of_bedrock(statement)]
    if any(statement.get("Effect") == "Deny" for statement in statements) or not statements:
        yield Finding(
            check="role-trust",
            severity=Severity.ERROR,
            found=f"{place.role_arn} does not let {_BEDROCK} assume it",
            remedy="deploy the stack again; its customization role trusts Bedrock, and one of yours has to",
        )
        return
    accounts = {account for statement in statements for account in _source_accounts(statement)}
    if accounts and place.account not in accounts:
        yield Finding(
            check="role-trust",
            severity=Severity.ERROR,
            found=f"{place.role_arn} trusts jobs of account {', '.join(sorted(accounts))}, not of {place.account}",
            remedy="deploy the stack again in this account",
        )
        return
    yield Finding(check="role-trust", severity=Severity.OK, found=f"{_BEDROCK} may assume {place.role_arn}")


def rights(place: Place) -> Iterator[Finding]:
    """Simulate what a job does with the role."""
    if place.role_arn is None:
        return
    denied: list[str] = []
    explicit: list[str] = []
    for need in _needs(place):
        answer = place.clients.iam.simulate_principal_policy(
            PolicySourceArn=place.role_arn,
            ActionNames=list(need.actions),
            ResourceArns=[need.resource],
            ContextEntries=[
                {"ContextKeyName": key, "ContextKeyType": "string", "ContextKeyValues": [value]}
                for key, value in need.context.items()
            ],
        )
        for result in answer["EvaluationResults"]:
            words = f"{result['EvalActionName']} on {need.resource}"
            if not result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True):
                explicit.append(f"{words} (service control policy)")
            elif result["EvalDecision"] == "explicitDeny":
                explicit.append(words)
            elif result["EvalDecision"] != "allowed":
                denied.append(words)
    if explicit:
        yield Finding(
            check="role-rights",
            severity=Severity.WARNING,
            found=f"denied explicitly, as IAM's simulation shows: {'; '.join(explicit)}",
            remedy="find the policy with the deny: a service control policy, a permissions boundary or the role's own",
        )
    if denied:
        yield Finding(
            check="role-rights",
            severity=Severity.WARNING,
            found=f"not allowed, as IAM's simulation shows: {'; '.join(denied)}",
            remedy="deploy the stack again, or give a role of your own these rights; if it stays so, look whether "
            "somebody changed its policy",
        )
    if not explicit and not denied:
        yield Finding(check="role-rights", severity=Severity.OK, found="the role may do what a job does, by simulation")


def _needs(place: Place) -> Iterator[_Need]:
    """Yield what a job needs (Bedrock user guide, "Access and security for custom model jobs", "Encryption of ...")."""
    keys, bucket = RunKeys(_RUN), f"arn:{place.partition}:s3:::{place.bucket}"
    yield _Need(["s3:GetObject"], f"{bucket}/{keys.data('train')}")
    yield _Need(["s3:GetObject", "s3:PutObject"], f"{bucket}/{keys.job_output}/output")
    yield _Need(["s3:ListBucket"], bucket, {"s3:prefix": keys.prefix})
    for function in place.rewards.values():
        arn = f"arn:{place.partition}:lambda:{place.region}:{place.account}:function:{function}:{reward_alias(_RUN)}"
        yield _Need(["lambda:InvokeFunction"], arn)
    via = {"kms:ViaService": f"bedrock.{place.region}.amazonaws.com"}
    yield _Need(["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey", "kms:CreateGrant"], place.key_arn, via)


def _is_of_bedrock(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal")
    services = _list(principal.get("Service")) if isinstance(principal, dict) else []
    return _BEDROCK in services and "sts:AssumeRole" in _list(statement.get("Action"))


def _source_accounts(statement: dict[str, Any]) -> Iterator[str]:
    """Yield the accounts to which a statement is limited."""
    for operator, keys in statement.get("Condition", {}).items():
        if operator in ("StringEquals", "StringLike"):
            yield from _list(keys.get("aws:SourceAccount"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]

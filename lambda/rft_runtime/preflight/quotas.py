"""Quotas that a run needs, found by their names: their codes are published nowhere, and differ by model.

Sources of the names: Amazon Bedrock user guide, "Quotas for the bedrock-runtime endpoint"; listings of
`service-quotas list-service-quotas --service-code bedrock`. Which quota counts customization jobs is inferred from its
name, `(Model customization) Scheduled customization jobs`: jobs that are InProgress or Stopping. No listing that was
found names a quota of how many custom model deployments there may be, only of their tokens a minute; should an account
list one, it is any whose name speaks of custom model deployments and not of tokens.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from rft_runtime.base_models import BaseModel
from rft_runtime.planning.usage import Usage
from rft_runtime.preflight.finding import Finding, Severity, unanswered
from rft_runtime.preflight.place import Place
from rft_runtime.shards import BASE

JOBS = "(model customization) scheduled customization jobs"
CUSTOM_MODELS = "custom models per account"
DEPLOYMENTS = "custom model deployments"
DEPLOYMENT_TOKENS = "(model customization) sum of on demand custom model deployment tokens per minute for "
PER_DAY = "model invocation max tokens per day for "
PER_MINUTE = " tokens per minute for "
_TOKENS_A_DAY = "quota-tokens-a-day"
_TOKENS_A_MINUTE = "quota-tokens-a-minute"
_DOUBLED = "doubled for cross-region"
_CONSOLE = "ask for more in the Service Quotas console"


def quotas(place: Place) -> Iterator[Finding]:
    """Compare the account's quotas with what is in use and with what the run needs."""
    values = {
        quota.get("QuotaName", "").lower(): quota.get("Value", 0.0)
        for page in place.clients.quotas.get_paginator("list_service_quotas").paginate(ServiceCode="bedrock")
        for quota in page["Quotas"]
    }
    yield _room(
        values.get(JOBS), "quota-jobs", "customization jobs", "bedrock:ListModelCustomizationJobs", lambda: _jobs(place)
    )
    yield _room(
        values.get(CUSTOM_MODELS), "quota-models", "custom models", "bedrock:ListCustomModels", lambda: _models(place)
    )
    yield _room(
        _deployments_quota(values),
        "quota-deployments",
        "custom model deployments",
        "bedrock:ListCustomModelDeployments",
        lambda: _deployments(place),
    )
    for model in place.models:
        if model.quota_name:
            yield _deployment_tokens(values, model)
            yield _per_day(values, model)
            yield _per_minute(values, model)


def short_of_tokens(findings: Sequence[Finding], estimate: Usage) -> list[str]:
    """Return a warning when even at best the base model is asked for more tokens than the account has in a day.

    Args:
        findings: What preflight found.
        estimate: What the run uses.
    """
    asked = [estimate.parts[name] for name in ("probe", BASE) if name in estimate.parts]
    needed = sum(work.tokens_in.low + work.tokens_out.low for work in asked)
    return [
        f"{finding.found}, and probe and gate ask for at least {needed:,.0f}; use fewer prompts or samples in them, or "
        "have the quota raised"
        for finding in findings
        if finding.check == _TOKENS_A_DAY and finding.limit is not None and finding.limit < needed
    ]


def _room(quota: float | None, check: str, what: str, action: str, count: Callable[[], int]) -> Finding:
    """Say whether one more fits into a quota."""
    if quota is None:
        return Finding(check=check, severity=Severity.UNKNOWN, found=f"Service Quotas lists no quota of {what}")
    try:
        used = count()
    except (ClientError, BotoCoreError) as error:
        return unanswered(check, error, action)
    words = f"{used} of {quota:g} {what} are in use"
    if used >= quota:
        return Finding(
            check=check,
            severity=Severity.ERROR,
            found=f"the quota is full: {words}",
            remedy=f"wait for one to end, delete what is not needed, or {_CONSOLE}",
        )
    return Finding(check=check, severity=Severity.OK, found=words)


def _jobs(place: Place) -> int:
    pages = (
        page
        for status in ("InProgress", "Stopping")
        for page in place.clients.bedrock.get_paginator("list_model_customization_jobs").paginate(statusEquals=status)
    )
    return sum(len(page.get("modelCustomizationJobSummaries", [])) for page in pages)


def _models(place: Place) -> int:
    pages = place.clients.bedrock.get_paginator("list_custom_models").paginate()
    return sum(len(page.get("modelSummaries", [])) for page in pages)


def _deployments(place: Place) -> int:
    pages = place.clients.bedrock.get_paginator("list_custom_model_deployments").paginate()
    return sum(len(page.get("modelDeploymentSummaries", [])) for page in pages)


def _deployments_quota(values: Mapping[str, float]) -> float | None:
    return next((value for name, value in values.items() if DEPLOYMENTS in name and "token" not in name), None)


def _deployment_tokens(values: Mapping[str, float], model: BaseModel) -> Finding:
    """Say how many tokens a minute the account may ask of deployed custom models of this base model."""
    wanted = f"{DEPLOYMENT_TOKENS}{model.quota_name.lower()}"
    value = next((value for name, value in values.items() if _names(name, wanted)), None)
    check = "quota-deployment-tokens"
    if value is None:
        found = f"Service Quotas lists no tokens a minute for deployed custom models of {model.quota_name}"
        return Finding(check=check, severity=Severity.UNKNOWN, found=found)
    words = f"{value:,.0f} tokens a minute for deployed custom models of {model.quota_name}"
    if value == 0:
        return Finding(
            check=check,
            severity=Severity.WARNING,
            found=f"{words}: a candidate could be trained, and never be asked",
            remedy=_CONSOLE,
        )
    return Finding(check=check, severity=Severity.OK, found=words)


def _per_day(values: Mapping[str, float], model: BaseModel) -> Finding:
    """Say how many tokens a day the account may ask of the base model; 0 is what new accounts are given."""
    wanted = f"{PER_DAY}{model.quota_name.lower()}"
    name = next((name for name in values if _names(name, wanted)), None)
    if name is None:
        return Finding(
            check=_TOKENS_A_DAY,
            severity=Severity.UNKNOWN,
            found=f"Service Quotas lists no tokens a day for {model.quota_name}",
        )
    value = values[name] * (2 if _DOUBLED in name else 1)
    words = f"{value:,.0f} tokens a day for {model.quota_name}"
    if value == 0:
        return Finding(
            check=_TOKENS_A_DAY,
            severity=Severity.WARNING,
            found=f"{words}: every question to the base model is refused while that holds",
            remedy="open a support case for the account; the quota cannot be raised in the console",
        )
    return Finding(check=_TOKENS_A_DAY, severity=Severity.OK, found=words, limit=value)


def _per_minute(values: Mapping[str, float], model: BaseModel) -> Finding:
    """Say how many tokens a minute the account may ask of the base model; rollouts are paced below it."""
    wanted = f"{PER_MINUTE}{model.quota_name.lower()}"
    name = next(
        (name for name in values if name.startswith("cross-region") and _names(name[name.find(PER_MINUTE) :], wanted)),
        None,
    )
    if name is None:
        return Finding(
            check=_TOKENS_A_MINUTE,
            severity=Severity.UNKNOWN,
            found=f"Service Quotas lists no tokens a minute for {model.quota_name}",
        )
    words = f"{values[name]:,.0f} tokens a minute for {model.quota_name}"
    if values[name] == 0:
        return Finding(check=_TOKENS_A_MINUTE, severity=Severity.WARNING, found=words, remedy=_CONSOLE)
    return Finding(check=_TOKENS_A_MINUTE, severity=Severity.OK, found=words)


def _names(name: str, wanted: str) -> bool:
    """Whether a quota's name is the wanted one, with or without a remark in brackets behind it."""
    return name == wanted or name.startswith(f"{wanted} (")

"""All checks, each of which finds something or says why it cannot."""

from collections.abc import Callable, Iterator

from botocore.exceptions import BotoCoreError, ClientError

from rft_runtime.preflight.finding import Finding, unanswered
from rft_runtime.preflight.identity import identity
from rft_runtime.preflight.models import models
from rft_runtime.preflight.place import Place
from rft_runtime.preflight.quotas import quotas
from rft_runtime.preflight.rewards import concurrency, rewards
from rft_runtime.preflight.role import rights, trust
from rft_runtime.preflight.storage import bucket, key, release_key

Check = Callable[[Place], Iterator[Finding]]

CHECKS: tuple[tuple[str, Check, str], ...] = (
    ("identity", identity, "sts:GetCallerIdentity"),
    ("model", models, "bedrock:GetFoundationModel"),
    ("quota", quotas, "servicequotas:ListServiceQuotas"),
    ("role-trust", trust, "iam:GetRole"),
    ("role-rights", rights, "iam:SimulatePrincipalPolicy"),
    ("bucket", bucket, "s3:ListBucket"),
    ("key", key, "kms:DescribeKey"),
    ("release-key", release_key, "kms:DescribeKey"),
    ("reward", rewards, "lambda:GetAlias"),
    ("concurrency", concurrency, "lambda:GetAccountSettings"),
)
"""Name, check, and the IAM action without which it cannot ask."""


def preflight(place: Place, tell: Callable[[str], None] = lambda name: None) -> list[Finding]:
    """Make all checks; none of them ends the others.

    Args:
        place: What is checked.
        tell: Told the name of each check before it is made.
    """
    found = []
    for name, check, action in CHECKS:
        tell(name)
        try:
            found += list(check(place))
        except (ClientError, BotoCoreError) as error:
            found.append(unanswered(name, error, action))
    return found

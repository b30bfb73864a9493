"""All checks, each of which finds something or says why it cannot."""

from collections.abc import Callable, Iterator
from math import ceil

from botocore.exceptions import BotoCoreError, ClientError

from rft_contract.recipe import Recipe
from rft_contract.reward_facts import RewardFacts
from rft_runtime.planning.cost import seconds_a_rollout
from rft_runtime.preflight.finding import Finding, unanswered
from rft_runtime.preflight.identity import identity
from rft_runtime.preflight.models import models
from rft_runtime.preflight.place import Place
from rft_runtime.preflight.quotas import quotas
from rft_runtime.preflight.rewards import concurrency, rewards
from rft_runtime.preflight.role import rights, trust
from rft_runtime.preflight.storage import bucket, key

Check = Callable[[Place], Iterator[Finding]]

CHECKS: tuple[tuple[str, Check, str], ...] = (
    ("identity", identity, "sts:GetCallerIdentity"),
    ("model", models, "bedrock:GetFoundationModel"),
    ("quota", quotas, "servicequotas:ListServiceQuotas"),
    ("role-trust", trust, "iam:GetRole"),
    ("role-rights", rights, "iam:SimulatePrincipalPolicy"),
    ("bucket", bucket, "s3:ListBucket"),
    ("key", key, "kms:DescribeKey"),
    ("reward", rewards, "lambda:GetAlias"),
    ("concurrency", concurrency, "lambda:GetAccountSettings"),
)
"""Name, check, and the IAM action without which it cannot ask."""

_STEP_SECONDS = 60
"""Within which a step's rollouts should be graded."""


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


def recommended_concurrency(recipe: Recipe, facts: RewardFacts) -> int:
    """Return the calls at once with which a step's rollouts are graded within a minute, at the slow end.

    Args:
        recipe: The run's.
        facts: Of its reward.
    """
    job = recipe.hyperparameters
    rollouts = job.batchSize * job.trainingSamplePerPrompt
    return ceil(rollouts * seconds_a_rollout(facts).high / _STEP_SECONDS)

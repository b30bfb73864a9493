"""What differs between environments: data, never branches.

`python3 -m stacks.config check ENV` says whether an environment may be deployed; `target ENV` prints what to bootstrap;
`packages ENV` prints what `python3 -m bedrock_rft` must fetch before the environment synthesizes without network.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aws_cdk.aws_logs import RetentionDays

from bedrock_rft import AssetError, HandlerPlatform, PlatformSettings, RewardSpec, UnitPrice
from bedrock_rft.reward_content import reward_content

_PLACEHOLDER = re.compile(r"([1-9])\1{11}")
_REGIONS = ("us-east-1",)
"""Regions in which Bedrock customizes Nova by reinforcement; data, key and functions must lie in the same one."""

REWARDS: tuple[RewardSpec | Path, ...] = (
    RewardSpec(name="gsm8k", grader="math"),
    RewardSpec(
        name="routing",
        grader="label",
        options={"labels": ["billing", "delivery", "account", "returns", "technical", "sales"]},
    ),
    RewardSpec(name="orders", grader="json_fields", options={"fields": ["name", "item", "qty"]}),
    RewardSpec(name="moderation", grader="label", options={"labels": ["safe", "unsafe"]}),
)
"""The reward functions that every environment offers.

A path stands for the folder of a reward, or its YAML file: `Path(__file__).parents[1] / "rewards" / "mine"`.
"""


@dataclass(frozen=True, kw_only=True)
class InvocationLogs:
    """Where the account's model invocation logging writes.

    Args:
        bucket: Name of the S3 bucket, in the environment's account and Region.
        prefix: Below which keys the logs lie: `AWSLogs/<account>/BedrockModelInvocationLogs/<region>/`, after the
            prefix that logging was given, if any.
        key_arn: The KMS key that encrypts them. None: S3 does.
    """

    bucket: str
    prefix: str
    key_arn: str | None = None


@dataclass(frozen=True, kw_only=True)
class RftConfig:
    """One environment: one account, one Region.

    Args:
        account: Twelve digits.
        settings: Decisions that the workflow's handlers need; its `environment` is this environment's name.
        region: A Region with Nova's reinforcement fine-tuning.
        retain_data: Keep buckets, key and logs when they leave the stack, and protect the stack from deletion.
        log_retention: How long logs are kept.
        rewards: The reward functions on offer: their graders, or where they are written.
        handler_platform: Where workflow handlers run.
        alarm_email: Who gets alarms and outcomes. None: nobody is subscribed.
        reward_concurrency: Calls at once, set aside for each reward function. None: the account's pool; a new account
            may have only 10 in all.
        allow_global_judges: Whether completions may leave the geography, through a judge's `global.` profile.
        max_concurrency: Held-out shards that are evaluated at once.
        hours_beside_training: What a run may take beside its training job.
        key_administrators: ARNs of those who may delete the key. Empty: whoever IAM allows.
        prices: What units cost, each with currency, source and date; in one currency. Estimates of runs are priced with
            them, and money limits of recipes need every unit that the run touches. Empty: runs are not priced.
        invocation_logs: Logs of production that `rft dataset sample-logs` samples in the cloud. None: nothing is
            deployed for it, and no log can be read.

    Raises:
        ValueError: When a value cannot work, with the environment's name.
    """

    account: str
    settings: PlatformSettings
    region: str = "us-east-1"
    retain_data: bool = True
    log_retention: RetentionDays = RetentionDays.THREE_MONTHS
    rewards: tuple[RewardSpec | Path, ...] = REWARDS
    handler_platform: HandlerPlatform = HandlerPlatform.ARM64
    alarm_email: str | None = None
    reward_concurrency: int | None = None
    allow_global_judges: bool = False
    max_concurrency: int = 20
    hours_beside_training: float = 12
    key_administrators: tuple[str, ...] = ()
    prices: tuple[UnitPrice, ...] = ()
    invocation_logs: InvocationLogs | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9]{12}", self.account):
            raise ValueError(f"{self.environment}: account: got {self.account!r}, wanted 12 digits")
        if self.region not in _REGIONS:
            raise ValueError(f"{self.environment}: region: got {self.region!r}, wanted {' or '.join(_REGIONS)}")
        if not self.rewards:
            raise ValueError(f"{self.environment}: rewards: got none, wanted at least one")
        if self.hours_beside_training <= 0:
            raise ValueError(
                f"{self.environment}: hours_beside_training: got {self.hours_beside_training:g}, wanted more than 0"
            )
        currencies = sorted({price.currency for price in self.prices})
        if len(currencies) > 1:
            raise ValueError(f"{self.environment}: prices: got {', '.join(currencies)}, wanted one currency")
        if self.retain_data and not self.key_administrators:
            raise ValueError(
                f"{self.environment}: key_administrators: got none, wanted the roles that alone may delete the key, "
                "since data are retained"
            )

    @property
    def environment(self) -> str:
        """The environment's name."""
        return self.settings.environment

    @property
    def is_placeholder(self) -> bool:
        """Whether the account is an example, such as 111111111111, and must be replaced before a deployment."""
        return _PLACEHOLDER.fullmatch(self.account) is not None


def _administrators(account: str) -> tuple[str, ...]:
    return (f"arn:aws:iam::{account}:role/RftKeyAdministrator",)


ENVIRONMENTS = (
    RftConfig(
        account="000000000000",
        settings=PlatformSettings(
            environment="local",
            poll_first_seconds=1,
            poll_max_seconds=4,
            deadline_hours=1,
            rows_per_shard=60,
            rollouts_at_once=32,
            incomplete_certificates=True,
            probe_ends_runs=False,
        ),
        retain_data=False,
        log_retention=RetentionDays.ONE_WEEK,
        handler_platform=HandlerPlatform.HOST,
        max_concurrency=2,
        hours_beside_training=0.5,
    ),
    RftConfig(
        account="111111111111",
        settings=PlatformSettings(environment="dev", incomplete_certificates=True),
        retain_data=False,
        log_retention=RetentionDays.ONE_MONTH,
    ),
    RftConfig(
        account="222222222222",
        settings=PlatformSettings(environment="staging"),
        key_administrators=_administrators("222222222222"),
    ),
    RftConfig(
        account="333333333333",
        settings=PlatformSettings(environment="prod"),
        log_retention=RetentionDays.ONE_YEAR,
        key_administrators=_administrators("333333333333"),
    ),
)
"""Every environment of this app. Replace the example accounts by yours."""


def choose(environments: Sequence[RftConfig], name: str | None) -> Sequence[RftConfig]:
    """Return the environments to synthesize.

    Args:
        environments: All of them.
        name: Which one. None: all.

    Raises:
        ValueError: When there is none of this name.
    """
    chosen = [config for config in environments if name in (None, config.environment)]
    if not chosen:
        known = ", ".join(config.environment for config in environments)
        raise ValueError(f"environment: got {name!r}, wanted one of {known}")
    return chosen


def check(config: RftConfig) -> None:
    """Refuse an environment that must not be deployed yet.

    Args:
        config: The environment.

    Raises:
        ValueError: When its account is an example.
    """
    if config.is_placeholder:
        raise ValueError(
            f"{config.environment}: account {config.account} is an example; write your own into ENVIRONMENTS in "
            "stacks/config.py"
        )


def main(arguments: Sequence[str]) -> str | None:
    """Answer the Makefile's questions; return an error for the shell, or None.

    Args:
        arguments: `check ENV`, `target ENV` for the name by which `cdk bootstrap` knows the environment, or
            `packages ENV`.
    """
    try:
        question, name = arguments
        (config,) = choose(ENVIRONMENTS, name)
        if question == "check":
            check(config)
        elif question == "target":
            print(f"aws://{config.account}/{config.region}")
        elif question == "packages":
            locks = (lock.fetched_by for reward in config.rewards for lock in reward_content(reward).locks)
            print(" ".join(dict.fromkeys([config.handler_platform.value, *filter(None, locks)])))
        else:
            raise ValueError(f"question: got {question!r}, wanted check, target or packages")
    except (AssetError, ValueError) as error:
        return f"error: {error}"
    return None


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python3 -m stacks.config check|target|packages ENV")
    sys.exit(main(sys.argv[1:]))

"""What differs between environments: data, never branches.

`python3 -m stacks.config check ENV` says whether an environment may be deployed; `stack ENV` prints its stack's name,
`target ENV` what to bootstrap, `packages ENV` what `python3 -m bedrock_rft` must fetch before the environment
synthesizes without network, and `profile ENV` the AWS configuration of a build in the pipeline's account.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aws_cdk.aws_logs import RetentionDays

from bedrock_rft import AssetError, HandlerPlatform, PlatformSettings, Replication, RewardSpec, UnitPrice
from bedrock_rft.reward_content import reward_content
from rft_contract.naming import stack_name
from stacks.config_checks import check_apart, problems
from stacks.github import Github
from stacks.network import Network
from stacks.pipeline_role import profile

_PLACEHOLDER = re.compile(r"([1-9])\1{11}")

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
        rollout_days: Days until completions expire that Probe and Evaluate drew. None: never.
        log_sample_days: Days until samples of production's logs expire. None: never.
        rewards: The reward functions on offer: their graders, or where they are written.
        handler_platform: Where workflow handlers run.
        alarm_emails: Addresses that get alarms and outcomes. Empty: nobody is subscribed.
        alarm_topic_arns: SNS topics that exist, in the same Region, where alarms go too; 4 at most. Their policies, and
            those of their keys, must let CloudWatch publish.
        reward_concurrency: Calls at once, set aside for each reward function. None: the account's pool; a new account
            may have only 10 in all.
        handler_concurrency: Runs at once for which calls of each workflow handler are set aside; rollouts get
            `max_concurrency` times as many. None: the account's pool.
        account_concurrency: Concurrent executions that the account may have in the Region, as Service Quotas says;
            synth warns when too much of them is set aside. None: not checked.
        allow_global_judges: Whether completions may leave the geography, through a judge's `global.` profile.
        max_concurrency: Held-out shards that are evaluated at once.
        hours_beside_training: What a run may take beside its training job.
        key_administrators: ARNs of those who may delete the key. Empty: whoever IAM allows.
        key_arn: A KMS key that exists, in the same Region. None: the environment has its own.
        key_policy_managed_elsewhere: Whether that key's policy has the statements that synth prints.
        network: The VPC in which functions and jobs run. None: none.
        replication: Where data and access logs are copied to. None: nowhere.
        permissions_boundary: Name or ARN of a managed policy that bounds every role. None: nothing does.
        tags: Tags of every resource, beside `app` and `env`.
        stack_prefix: Put before the stack's name, with a dash.
        bootstrap_qualifier: Of the CDK bootstrap that deploys it. None: the CDK's own.
        shared_account: Whether other environments may lie in the same account and Region. Then tags keep them apart,
            as far as AWS documents them for an action; accounts do so entirely.
        prices: What units cost, each with currency, source and date; in one currency. Estimates of runs are priced with
            them, and money limits of recipes need every unit that the run touches. Empty: runs are not priced.
        invocation_logs: Logs of production that `rft dataset sample-logs` samples in the cloud. None: nothing is
            deployed for it, and no log can be read.
        github: The repository whose workflows deploy the environment and start its runs. None: no role trusts GitHub.
        pipeline_account: Account whose `PipelineStack` starts runs here and verifies releases. None: none does.
        people: Whether there are managed policies for authors, operators, approvers and auditors. They cost nothing and
            give nobody anything until somebody attaches them; without them CloudFormation needs no right on policies.
        authors_start_runs: Whether authors start runs and keep certificates, as long as there are such policies.

    Raises:
        ValueError: When a value cannot work, with the environment's name.
    """

    account: str
    settings: PlatformSettings
    region: str = "us-east-1"
    retain_data: bool = True
    log_retention: RetentionDays = RetentionDays.THREE_MONTHS
    rollout_days: int | None = 30
    log_sample_days: int | None = 30
    rewards: tuple[RewardSpec | Path, ...] = REWARDS
    handler_platform: HandlerPlatform = HandlerPlatform.ARM64
    alarm_emails: tuple[str, ...] = ()
    alarm_topic_arns: tuple[str, ...] = ()
    reward_concurrency: int | None = None
    handler_concurrency: int | None = None
    account_concurrency: int | None = None
    allow_global_judges: bool = False
    max_concurrency: int = 20
    hours_beside_training: float = 12
    key_administrators: tuple[str, ...] = ()
    key_arn: str | None = None
    key_policy_managed_elsewhere: bool = False
    network: Network | None = None
    replication: Replication | None = None
    permissions_boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    stack_prefix: str = ""
    bootstrap_qualifier: str | None = None
    shared_account: bool = False
    prices: tuple[UnitPrice, ...] = ()
    invocation_logs: InvocationLogs | None = None
    github: Github | None = None
    pipeline_account: str | None = None
    people: bool = True
    authors_start_runs: bool = True

    def __post_init__(self) -> None:
        for problem in problems(self):
            raise ValueError(f"{self.environment}: {problem}")

    @property
    def environment(self) -> str:
        """The environment's name."""
        return self.settings.environment

    @property
    def stack_name(self) -> str:
        """The CloudFormation stack's name."""
        name = stack_name(self.environment)
        return f"{self.stack_prefix}-{name}" if self.stack_prefix else name

    @property
    def is_placeholder(self) -> bool:
        """Whether the account is an example, such as 111111111111, and must be replaced before a deployment."""
        return _PLACEHOLDER.fullmatch(self.account) is not None


def _administrators(account: str) -> tuple[str, ...]:
    return (f"arn:aws:iam::{account}:role/RftKeyAdministrator",)


try:
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
                max_parallel_runs=8,
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
            authors_start_runs=False,
            log_retention=RetentionDays.ONE_YEAR,
            key_administrators=_administrators("333333333333"),
        ),
    )
    """Every environment of this app. Replace the example accounts by yours."""
except ValueError as error:
    # The first to read a configuration that cannot work is the import; a person gets its one line.
    raise SystemExit(f"error: {error}") from error


def choose(environments: Sequence[RftConfig], name: str | None) -> Sequence[RftConfig]:
    """Return the environments to synthesize.

    Args:
        environments: All of them.
        name: Which one. None: all.

    Raises:
        ValueError: When there is none of this name, or two would get into each other's way.
    """
    check_apart(environments)
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
        arguments: `check ENV`, `stack ENV` for the stack's name, `target ENV` for the name by which `cdk bootstrap`
            knows the environment, `packages ENV`, or `profile ENV` for the AWS configuration of a build in the
            pipeline's account.
    """
    try:
        question, name = arguments
        (config,) = choose(ENVIRONMENTS, name)
        if question == "check":
            check(config)
        elif question == "stack":
            print(config.stack_name)
        elif question == "target":
            print(f"aws://{config.account}/{config.region}")
        elif question == "packages":
            locks = (lock.fetched_by for reward in config.rewards for lock in reward_content(reward).locks)
            print(" ".join(dict.fromkeys([config.handler_platform.value, *filter(None, locks)])))
        elif question == "profile":
            print(profile(config.account, config.region, config.stack_name))
        else:
            raise ValueError(f"question: got {question!r}, wanted check, stack, target, packages or profile")
    except (AssetError, ValueError) as error:
        return f"error: {error}"
    return None


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python3 -m stacks.config check|stack|target|packages|profile ENV")
    sys.exit(main(sys.argv[1:]))

"""What makes a configuration impossible, found before anything is synthesized."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bedrock_rft.github_roles import ISSUER
from bedrock_rft.topic import check_email

if TYPE_CHECKING:
    from stacks.config import RftConfig

REGIONS = ("us-east-1",)
"""Regions in which Bedrock customizes Nova by reinforcement; data, key and functions must lie in the same one."""

_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_STACK_NAME = 24
_QUALIFIER = re.compile(r"[a-z0-9]{1,10}")
_POLICY = re.compile(r"(arn:aws[a-z-]*:iam::(?P<account>[0-9]{12}):policy/)?[\w+=,.@/-]{1,512}", re.ASCII)
_KEY = re.compile(
    r"arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):[0-9]{12}:key/"
    r"(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:(?P<region>[a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_-]{1,256}")
_TAG_TEXT = re.compile(r"[\w .:/=+@-]+")
OWN_TAGS = ("app", "env")
"""Tags that every resource carries anyway."""


def problems(config: "RftConfig") -> Iterator[str]:
    """Yield what cannot work in one environment.

    Args:
        config: The environment.
    """
    if not re.fullmatch(r"[0-9]{12}", config.account):
        yield f"account: got {config.account!r}, wanted 12 digits"
    if config.region not in REGIONS:
        yield f"region: got {config.region!r}, wanted {' or '.join(REGIONS)}"
    if not config.rewards:
        yield "rewards: got none, wanted at least one"
    if config.hours_beside_training <= 0:
        yield f"hours_beside_training: got {config.hours_beside_training:g}, wanted more than 0"
    currencies = sorted({price.currency for price in config.prices})
    if len(currencies) > 1:
        yield f"prices: got {', '.join(currencies)}, wanted one currency"
    yield from _key_problems(config)
    yield from _name_problems(config)
    yield from _receiver_problems(config)
    yield from _tag_problems(config.tags)
    counts = ("reward_concurrency", "handler_concurrency", "account_concurrency", "rollout_days", "log_sample_days")
    for name in counts:
        value = getattr(config, name)
        if value is not None and value < 1:
            yield f"{name}: got {value}, wanted 1 or more, or None"


def check_apart(environments: Sequence["RftConfig"]) -> None:
    """Refuse environments that would get into each other's way.

    Args:
        environments: All of them.

    Raises:
        ValueError: When two have one name, share an account and Region without both saying so, or would both make
            GitHub's identity provider in an account.
    """
    names = Counter(config.environment for config in environments)
    if twice := [name for name, count in names.items() if count > 1]:
        raise ValueError(f"environment: got {twice[0]!r} twice, wanted each name once")
    places: dict[tuple[str, str], list[RftConfig]] = {}
    for config in environments:
        places.setdefault((config.account, config.region), []).append(config)
    for (account, region), sharing in places.items():
        if len(sharing) > 1 and not all(config.shared_account for config in sharing):
            raise ValueError(
                f"{' and '.join(config.environment for config in sharing)}: account: got {account} in {region} for "
                "each, wanted one of their own, or shared_account=True in all of them"
            )
    makers: dict[str, str] = {}
    for config in environments:
        if config.github is None or config.github.provider_arn is not None:
            continue
        first = makers.setdefault(config.account, config.environment)
        if first != config.environment:
            raise ValueError(
                f"{config.environment}: github: provider_arn: got None, wanted the one that {first} makes: an account "
                f"has one, arn:aws:iam::{config.account}:oidc-provider/{ISSUER}"
            )


def _key_problems(config: "RftConfig") -> Iterator[str]:
    if config.key_arn is None:
        if config.retain_data and not config.key_administrators:
            yield (
                "key_administrators: got none, wanted the roles that alone may delete the key, since data are retained"
            )
        if config.key_policy_managed_elsewhere:
            yield "key_policy_managed_elsewhere: got True, wanted a key_arn with it"
        return
    found = _KEY.fullmatch(config.key_arn)
    if found is None or found["region"] != config.region:
        yield f"key_arn: got {config.key_arn!r}, wanted the ARN of a key, no alias, in {config.region}"


def _name_problems(config: "RftConfig") -> Iterator[str]:
    if config.stack_prefix and not _PREFIX.fullmatch(config.stack_prefix):
        yield f"stack_prefix: got {config.stack_prefix!r}, wanted a letter and then letters, digits and dashes"
    # CloudFormation shortens long names of stacks in those that it makes up, and rights go by how these begin.
    if len(config.stack_name) > _STACK_NAME:
        yield f"stack_prefix: got the stack name {config.stack_name!r}, wanted at most {_STACK_NAME} characters"
    if config.bootstrap_qualifier is not None and not _QUALIFIER.fullmatch(config.bootstrap_qualifier):
        yield (
            f"bootstrap_qualifier: got {config.bootstrap_qualifier!r}, wanted at most 10 lower-case letters and digits"
        )
    if config.permissions_boundary is not None:
        found = _POLICY.fullmatch(config.permissions_boundary)
        if found is None or found["account"] not in (None, config.account):
            yield (
                f"permissions_boundary: got {config.permissions_boundary!r}, wanted the name or ARN of a managed "
                f"policy of account {config.account}"
            )


def _receiver_problems(config: "RftConfig") -> Iterator[str]:
    for email in config.alarm_emails:
        try:
            check_email(email)
        except ValueError as error:
            yield f"alarm_emails: {error}"
    if len(config.alarm_topic_arns) > 4:
        yield f"alarm_topic_arns: got {len(config.alarm_topic_arns)}, wanted at most 4: an alarm has 5 actions"
    for arn in config.alarm_topic_arns:
        found = _TOPIC.fullmatch(arn)
        if found is None or found["region"] != config.region:
            yield f"alarm_topic_arns: got {arn!r}, wanted the ARN of a topic in {config.region}"


def _tag_problems(tags: Mapping[str, str]) -> Iterator[str]:
    """Yield what AWS would refuse (Tagging AWS resources user guide, "Tag naming limits and requirements")."""
    if len(tags) > 50 - len(OWN_TAGS):
        yield f"tags: got {len(tags)}, wanted at most {50 - len(OWN_TAGS)}"
    for name, value in tags.items():
        if name.lower() in OWN_TAGS or name.lower().startswith(("aws:", "rft:")):
            yield f"tags: got {name!r}, wanted none of {', '.join(OWN_TAGS)}, aws:..., rft:..."
        for text, limit in ((name, 128), (value, 256)):
            if not _TAG_TEXT.fullmatch(text) or len(text) > limit:
                yield f"tags: got {text!r}, wanted 1 to {limit} letters, digits, spaces and _.:/=+-@"

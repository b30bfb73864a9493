import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bedrock_rft import GithubRepository, PlatformSettings, UnitPrice
from bedrock_rft.polling import check_event_budget
from rft_rewards.registry import build
from stacks.config import ENVIRONMENTS, REWARDS, RftConfig, choose, main
from stacks.github import Github
from stacks.network import Network

ROOT = Path(__file__).resolve().parents[2]
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
TOPIC = "arn:aws:sns:us-east-1:123456789012:on-call"


def price(currency: str) -> UnitPrice:
    return UnitPrice(unit="training-hour", amount=1, currency=currency, source="https://a", date="2026-11-01")


def config(**overrides: Any) -> RftConfig:
    values: dict[str, Any] = {
        "account": "123456789012",
        "settings": PlatformSettings(environment="test"),
        "retain_data": False,
    }
    return RftConfig(**(values | overrides))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"account": "12345"}, "test: account: got '12345', wanted 12 digits"),
        ({"region": "eu-central-1"}, "test: region: got 'eu-central-1', wanted us-east-1"),
        ({"rewards": ()}, "test: rewards: got none, wanted at least one"),
        ({"hours_beside_training": 0}, "test: hours_beside_training: got 0, wanted more than 0"),
        ({"prices": (price("USD"), price("EUR"))}, "test: prices: got EUR, USD, wanted one currency"),
        ({"retain_data": True}, "test: key_administrators: got none, wanted the roles that alone may delete the key"),
        ({"reward_concurrency": 0}, "test: reward_concurrency: got 0, wanted 1 or more, or None"),
        ({"rollout_days": 0}, "test: rollout_days: got 0, wanted 1 or more, or None"),
        ({"handler_concurrency": 0}, "test: handler_concurrency: got 0, wanted 1 or more, or None"),
        ({"key_arn": "alias/mine"}, "test: key_arn: got 'alias/mine', wanted the ARN of a key, no alias, in us-east-1"),
        ({"key_arn": KEY.replace("us-east-1", "eu-west-1")}, "test: key_arn: got"),
        (
            {"key_policy_managed_elsewhere": True},
            "test: key_policy_managed_elsewhere: got True, wanted a key_arn with it",
        ),
        ({"stack_prefix": "1st"}, "test: stack_prefix: got '1st', wanted a letter and then letters, digits and dashes"),
        (
            {"stack_prefix": "a" * 16},
            "test: stack_prefix: got the stack name 'aaaaaaaaaaaaaaaa-test-Rft', wanted at most 24",
        ),
        ({"bootstrap_qualifier": "Team"}, "test: bootstrap_qualifier: got 'Team', wanted at most 10 lower-case"),
        (
            {"permissions_boundary": "arn:aws:iam::210987654321:policy/Boundary"},
            "test: permissions_boundary: got 'arn:aws:iam::210987654321:policy/Boundary', wanted the name or ARN of a",
        ),
        ({"permissions_boundary": "no spaces"}, "test: permissions_boundary: got 'no spaces'"),
        ({"alarm_emails": ("team",)}, "test: alarm_emails: email: got 'team', wanted an address"),
        ({"alarm_topic_arns": ("mine",)}, "test: alarm_topic_arns: got 'mine', wanted the ARN of a topic in us-east-1"),
        ({"alarm_topic_arns": (TOPIC,) * 5}, "test: alarm_topic_arns: got 5, wanted at most 4"),
        ({"tags": {"env": "x"}}, "test: tags: got 'env', wanted none of app, env, aws:..., rft:..."),
        ({"tags": {"aws:owner": "x"}}, "test: tags: got 'aws:owner', wanted none of"),
        ({"tags": {"owner": "<team>"}}, "test: tags: got '<team>', wanted 1 to 256 letters, digits, spaces and"),
        ({"tags": {"": "team"}}, "test: tags: got '', wanted 1 to 128 letters"),
        ({"tags": {f"t{number}": "x" for number in range(49)}}, "test: tags: got 49, wanted at most 48"),
    ],
)
def test_refusals(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(**overrides)


@pytest.mark.parametrize(
    ("account", "placeholder"),
    [("111111111111", True), ("333333333333", True), ("123456789012", False), ("000000000000", False)],
)
def test_placeholders(account: str, placeholder: bool) -> None:
    assert config(account=account).is_placeholder is placeholder


def test_no_environment_has_a_price_that_nobody_verified() -> None:
    assert not [item.environment for item in ENVIRONMENTS if item.prices]


def test_environments() -> None:
    assert [item.environment for item in ENVIRONMENTS] == ["local", "dev", "staging", "prod"]
    assert len({item.account for item in ENVIRONMENTS}) == len(ENVIRONMENTS)
    assert {item.environment: item.retain_data for item in ENVIRONMENTS} == {
        "local": False,
        "dev": False,
        "staging": True,
        "prod": True,
    }
    for item in ENVIRONMENTS:
        check_event_budget(item.settings, item.settings.deadline_hours + item.hours_beside_training)


@pytest.mark.parametrize("spec", REWARDS, ids=lambda spec: spec.name)
def test_every_reward_can_be_built(spec: Any) -> None:
    build(spec)


def test_choosing() -> None:
    assert choose(ENVIRONMENTS, None) == list(ENVIRONMENTS)
    assert [item.environment for item in choose(ENVIRONMENTS, "dev")] == ["dev"]
    with pytest.raises(ValueError, match="environment: got 'qa', wanted one of local, dev, staging, prod"):
        choose(ENVIRONMENTS, "qa")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"cidr": "10.0.0.0/8"}, "cidr: got '10.0.0.0/8', wanted /16 to /26"),
        ({"subnet_ids": ("s-1",)}, "network: vpc_id: got none, wanted the VPC of subnet_ids"),
        (
            {"vpc_id": "v-1", "subnet_ids": ("s-1",)},
            "network: got 1 subnet_ids and 0 availability_zones, wanted as many",
        ),
    ],
)
def test_networks_that_cannot_be(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Network(**values)


def named(name: str, **overrides: Any) -> RftConfig:
    return config(settings=PlatformSettings(environment=name), **overrides)


def test_two_environments_share_an_account_only_when_both_say_so() -> None:
    refusal = (
        "qa and dev: account: got 123456789012 in us-east-1 for each, wanted one of their own, or shared_account=True"
    )
    for willing in (False, True):
        with pytest.raises(ValueError, match=refusal):
            choose([named("qa", shared_account=willing), named("dev")], None)
    assert len(choose([named("qa", shared_account=True), named("dev", shared_account=True)], None)) == 2
    assert len(choose([named("qa"), named("dev", account="210987654321")], None)) == 2


def test_an_account_has_one_identity_provider_of_github() -> None:
    github = Github(repository=GithubRepository(owner="acme", name="models"))
    provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    first = named("qa", shared_account=True, github=github)
    with pytest.raises(ValueError, match=f"dev: github: provider_arn: got None, wanted the one that qa .*{provider}"):
        choose([first, named("dev", shared_account=True, github=github)], "qa")
    second = named("dev", shared_account=True, github=replace(github, provider_arn=provider))
    assert len(choose([first, second], None)) == 2
    assert len(choose([first, named("dev", account="210987654321", github=github)], None)) == 2


def test_two_environments_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="environment: got 'qa' twice, wanted each name once"):
        choose([named("qa"), named("qa", account="210987654321")], "qa")


def test_names_of_stacks(capsys: pytest.CaptureFixture[str]) -> None:
    assert named("qa").stack_name == "qa-Rft"
    assert named("qa", stack_prefix="acme").stack_name == "acme-qa-Rft"
    assert main(["stack", "dev"]) is None
    assert capsys.readouterr().out == "dev-Rft\n"


def test_what_may_be_deployed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "local"]) is None
    assert main(["check", "dev"]) == (
        "error: dev: account 111111111111 is an example; write your own into ENVIRONMENTS in stacks/config.py"
    )
    assert main(["check", "qa"]) == "error: environment: got 'qa', wanted one of local, dev, staging, prod"
    assert (
        main(["deploy", "local"]) == "error: question: got 'deploy', wanted check, stack, target, packages or profile"
    )
    assert capsys.readouterr().out == ""


def test_what_to_bootstrap(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["target", "dev"]) is None
    assert capsys.readouterr().out == "aws://111111111111/us-east-1\n"


def test_how_a_build_in_the_pipelines_account_acts_in_an_environment(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "dev"]) is None
    assert capsys.readouterr().out.splitlines() == [
        "[default]",
        "region = us-east-1",
        "role_arn = arn:aws:iam::111111111111:role/dev-Rft-pipeline",
        "credential_source = EcsContainer",
    ]


def test_the_check_is_a_command() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "stacks.config", "check", "prod"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        "error: prod: account 333333333333 is an example; write your own into ENVIRONMENTS in stacks/config.py"
    ]

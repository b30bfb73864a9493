import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bedrock_rft import PlatformSettings, UnitPrice
from bedrock_rft.polling import check_event_budget
from rft_rewards.registry import build
from stacks.config import ENVIRONMENTS, REWARDS, RftConfig, choose, main

ROOT = Path(__file__).resolve().parents[2]


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


def test_what_may_be_deployed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "local"]) is None
    assert main(["check", "dev"]) == (
        "error: dev: account 111111111111 is an example; write your own into ENVIRONMENTS in stacks/config.py"
    )
    assert main(["check", "qa"]) == "error: environment: got 'qa', wanted one of local, dev, staging, prod"
    assert main(["deploy", "local"]) == "error: question: got 'deploy', wanted check, target or packages"
    assert capsys.readouterr().out == ""


def test_what_to_bootstrap(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["target", "dev"]) is None
    assert capsys.readouterr().out == "aws://111111111111/us-east-1\n"


def test_the_check_is_a_command() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "stacks.config", "check", "prod"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        "error: prod: account 333333333333 is an example; write your own into ENVIRONMENTS in stacks/config.py"
    ]

"""cdk-nag's AwsSolutions pack: every finding is fixed, or acknowledged beside the resource that causes it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from cdk_nag import AwsSolutionsChecks
from constructs import IConstruct

from bedrock_rft import CodeRunner, RewardSpec, nag
from rft_contract.json_value import JsonObject
from stacks.config import ENVIRONMENTS, InvocationLogs
from stacks.stage import RftStage

ROOT = Path(__file__).resolve().parents[2]
NAMES = [config.environment for config in ENVIRONMENTS]


class Recorder:
    """Stands in for CDK's `Validations`: keeps acknowledgements instead of applying them."""

    kept: list[tuple[str, str, str]]

    def __init__(self, construct: IConstruct) -> None:
        self.path = construct.node.path

    @classmethod
    def of(cls, construct: IConstruct) -> "Recorder":
        return cls(construct)

    def acknowledge(self, acknowledgment: Any) -> None:
        self.kept.append((self.path, acknowledgment.id, acknowledgment.reason))


@pytest.fixture(scope="module")
def bare() -> Iterator[tuple[list[tuple[str, str, str]], list[tuple[str, str]]]]:
    """Return prod's acknowledgements, and the findings that remain when none of them is applied."""
    Recorder.kept = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nag, "Validations", Recorder)
        app = App(context=json.loads((ROOT / "cdk.json").read_text())["context"])
        (config,) = [config for config in ENVIRONMENTS if config.environment == "prod"]
        RftStage(app, config=config)
        report = AwsSolutionsChecks(app).validate_scope(app)
    findings = [
        (str(resource.construct_path), violation.rule_name)
        for violation in report.violations
        for resource in violation.violating_resources
    ]
    yield Recorder.kept, findings


@pytest.mark.parametrize("environment", NAMES)
def test_nothing_is_left_open(platform: Callable[[str], Any], environment: str) -> None:
    app = platform(environment).app
    report = AwsSolutionsChecks(app).validate_scope(app)
    open_findings = [
        f"{violation.rule_name} at {resource.construct_path}"
        for violation in report.violations
        for resource in violation.violating_resources
    ]
    assert open_findings == []


def test_rewards_that_run_programs_and_ask_judges_leave_nothing_open() -> None:
    app = App(context=json.loads((ROOT / "cdk.json").read_text())["context"])
    (config,) = [config for config in ENVIRONMENTS if config.environment == "prod"]
    judge: JsonObject = {"model": "us.amazon.nova-2-lite-v1:0", "rubric": "summary"}
    rewards = (
        RewardSpec(name="programs", grader="code"),
        RewardSpec(name="more-programs", grader="code", options={"partial": False}),
        RewardSpec(name="summaries", grader="judge", options=judge),
    )
    stage = RftStage(app, config=replace(config, rewards=rewards))
    report = AwsSolutionsChecks(app).validate_scope(app)
    assert [violation.rule_name for violation in report.violations] == []
    runners = [child for child in stage.platform.node.find_all() if isinstance(child, CodeRunner)]
    assert len(runners) == 1


def test_sampling_logs_leaves_nothing_open() -> None:
    app = App(context=json.loads((ROOT / "cdk.json").read_text())["context"])
    (config,) = [config for config in ENVIRONMENTS if config.environment == "prod"]
    prefix = "AWSLogs/333333333333/BedrockModelInvocationLogs/us-east-1/"
    logs = InvocationLogs(bucket="company-logs", prefix=prefix, key_arn="arn:aws:kms:us-east-1:333333333333:key/1")
    RftStage(app, config=replace(config, invocation_logs=logs))
    report = AwsSolutionsChecks(app).validate_scope(app)
    assert [violation.rule_name for violation in report.violations] == []


def test_every_acknowledgement_still_fires(bare: tuple[list[tuple[str, str, str]], list[tuple[str, str]]]) -> None:
    acknowledged, findings = bare
    assert len(findings) > 20
    for path, rule, _ in acknowledged:
        assert [found for found, name in findings if name == rule and found.startswith(f"{path}/")], (path, rule)


def test_reasons_and_places(bare: tuple[list[tuple[str, str, str]], list[tuple[str, str]]]) -> None:
    acknowledged, _ = bare
    assert {rule.partition("[")[0] for _, rule, _ in acknowledged} == {"AwsSolutions-IAM5", "AwsSolutions-SQS3"}
    for path, rule, reason in acknowledged:
        assert path.count("/") >= 3, f"{rule} is acknowledged as high as {path}"
        assert len(reason) >= 20


def test_wildcards_in_actions_are_never_acknowledged(
    bare: tuple[list[tuple[str, str, str]], list[tuple[str, str]]],
) -> None:
    acknowledged, _ = bare
    assert not [rule for _, rule, _ in acknowledged if "[Action::" in rule]

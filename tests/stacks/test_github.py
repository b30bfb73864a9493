"""An environment that works together with GitHub: what its stack gains, and that nothing is left open."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks

from bedrock_rft import GithubRepository
from stacks.config import ENVIRONMENTS, choose
from stacks.execution_policy import policies
from stacks.github import Github
from stacks.stage import RftStage

ROOT = Path(__file__).resolve().parents[2]
FULL = Github(
    repository=GithubRepository(owner="acme", name="models", owner_id=1, repository_id=2),
    pull_requests=True,
    token_secret="github/dispatch",
)


def staged(github: Github, **changes: Any) -> tuple[App, dict[str, Any]]:
    app = App(context=json.loads((ROOT / "cdk.json").read_text())["context"], analytics_reporting=False)
    (config,) = choose(ENVIRONMENTS, "staging")
    stage = RftStage(app, config=replace(config, github=github, **changes))
    return app, dict(Template.from_stack(stage.platform).to_json())


@pytest.fixture(scope="module")
def full() -> tuple[App, dict[str, Any]]:
    return staged(FULL, pipeline_account="444444444444")


def kinds(template: dict[str, Any]) -> list[str]:
    return sorted(item["Type"] for name, item in template["Resources"].items() if name.startswith("Pipelines"))


def test_the_stack_gains_roles_and_a_notice(full: tuple[App, dict[str, Any]]) -> None:
    assert kinds(full[1]) == [
        "AWS::Events::ApiDestination",
        "AWS::Events::Connection",
        "AWS::Events::Rule",
        *["AWS::IAM::OIDCProvider"],
        *["AWS::IAM::Policy"] * 5,
        *["AWS::IAM::Role"] * 5,
        "AWS::SQS::Queue",
        "AWS::SQS::QueuePolicy",
    ]


def test_workflows_find_their_roles_among_the_outputs(full: tuple[App, dict[str, Any]]) -> None:
    outputs = {name for name in full[1]["Outputs"] if name.startswith("Github")}
    assert outputs == {"GithubDeployRole", "GithubRunRole", "GithubDiffRole"}


def test_a_notice_that_github_does_not_take_alarms(full: tuple[App, dict[str, Any]]) -> None:
    ((_, alarm),) = ((name, item) for name, item in full[1]["Resources"].items() if "AlarmsNotTold" in name)
    (dimension,) = alarm["Properties"]["Dimensions"]
    assert dimension["Value"]["Fn::GetAtt"][0].startswith("PipelinesNoticeDeadLetters")


def test_nothing_is_left_open(full: tuple[App, dict[str, Any]]) -> None:
    report = AwsSolutionsChecks(full[0]).validate_scope(full[0])
    assert [
        f"{violation.rule_name} at {resource.construct_path}"
        for violation in report.violations
        for resource in violation.violating_resources
    ] == []


def test_a_provider_that_exists_is_used_and_what_is_not_asked_for_is_not_made() -> None:
    arn = "arn:aws:iam::222222222222:oidc-provider/token.actions.githubusercontent.com"
    _, template = staged(Github(repository=FULL.repository, provider_arn=arn), bootstrap_qualifier="acme")
    assert kinds(template) == [*["AWS::IAM::Policy"] * 2, *["AWS::IAM::Role"] * 2]
    assert arn in json.dumps(template["Resources"])
    assert "role/cdk-acme-deploy-role-" in json.dumps(template["Resources"])


def test_cloudformation_may_make_all_of_it() -> None:
    (config,) = choose(ENVIRONMENTS, "staging")
    documents = json.dumps(policies([replace(config, github=FULL, pipeline_account="444444444444")]))
    for needed in ("iam:CreateOpenIDConnectProvider", "events:CreateConnection", "events:CreateApiDestination"):
        assert needed in documents
    assert ":secret:github/dispatch-??????" in documents


def test_a_secret_is_given_by_its_name() -> None:
    with pytest.raises(ValueError, match="github: token_secret: got 'arn:aws:secretsmanager"):
        Github(repository=FULL.repository, token_secret="arn:aws:secretsmanager:us-east-1:222222222222:secret:a")

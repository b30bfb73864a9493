"""What CloudFormation may do: derived from the templates, and no more."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import botocore.session
import pytest

from bedrock_rft import GithubRepository, RewardSpec
from stacks import execution_policy
from stacks.config import ENVIRONMENTS, InvocationLogs, RftConfig
from stacks.deployment_rights import ALWAYS, RIGHTS
from stacks.execution_policy import main, policies, together
from stacks.github import Github
from stacks.network import Network

CONFIGS = {config.environment: config for config in ENVIRONMENTS}
CLIENTS = {"cloudwatch": "cloudwatch", "states": "stepfunctions"}


@pytest.fixture(scope="module", autouse=True)
def once() -> Iterator[None]:
    """Build each environment's stack once for all tests."""
    found: dict[object, Mapping[str, list[str]]] = {}
    build = execution_policy._types

    def types(config: RftConfig) -> Mapping[str, list[str]]:
        key = (config.environment, config.network, config.invocation_logs)
        if key not in found:
            found[key] = build(config)
        return found[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execution_policy, "_types", types)
        yield


def test_a_template_that_outgrows_the_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {kind: rights for kind, rights in RIGHTS.items() if kind != "AWS::SQS::Queue"}
    monkeypatch.setattr(execution_policy, "RIGHTS", known)
    assert main(["show", "dev"]) == (
        "error: dev: execution policy: the template has AWS::SQS::Queue, which RIGHTS in stacks/deployment_rights.py "
        "does not know"
    )


def test_actions_are_operations_of_their_services() -> None:
    """A misspelt action would only be found by a deployment that needs it."""
    session = botocore.session.get_session()
    operations: dict[str, set[str]] = {}
    # Actions whose names differ from the operation's; Service Authorization Reference.
    renamed = {
        "iam:PassRole",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "s3:GetEncryptionConfiguration",
        "s3:GetLifecycleConfiguration",
        "s3:GetReplicationConfiguration",
        "s3:ListBucket",
        "s3:PutEncryptionConfiguration",
        "s3:PutLifecycleConfiguration",
        "s3:PutReplicationConfiguration",
        "s3:GetBucketPublicAccessBlock",
        "s3:PutBucketPublicAccessBlock",
        "s3:GetBucketNotification",
        "s3:PutBucketNotification",
    }
    for rights in [*ALWAYS, *(one for kind in RIGHTS.values() for one in kind)]:
        for action in set(rights.actions) - renamed:
            service, _, operation = action.partition(":")
            client = CLIENTS.get(service, service)
            known = operations.setdefault(service, set(session.get_service_model(client).operation_names))
            assert operation in known, action


def documents(config: RftConfig) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [statement for part in policies([config]) for statement in part]
    return found


@pytest.mark.parametrize("environment", ["local", "prod"])
def test_it_is_no_administrator(environment: str) -> None:
    statements = documents(CONFIGS[environment])
    for statement in statements:
        assert not [action for action in statement["Action"] if "*" in action]
    anywhere = [statement for statement in statements if statement["Resource"] == ["*"]]
    actions = {action for statement in anywhere for action in statement["Action"]}
    changing = {action for action in actions if not action.partition(":")[2].startswith("Describe")}
    assert changing == {"kms:CreateKey"}
    assert not [action for statement in statements for action in statement["Action"] if "User" in action]


def test_roles_policies_and_functions_are_those_of_the_stack() -> None:
    ours = re.compile(
        r"arn:aws:(iam::333333333333:(role|policy)/prod-Rft-|lambda:us-east-1:333333333333:function:prod-Rft-)\*"
    )
    for statement in documents(CONFIGS["prod"]):
        for action in statement["Action"]:
            if action.startswith(("iam:", "lambda:")):
                assert all(ours.fullmatch(arn) for arn in statement["Resource"]), (action, statement["Resource"])
            if action == "iam:PassRole":
                assert statement["Condition"]["StringEquals"]["iam:PassedToService"].endswith(".amazonaws.com")


def test_a_boundary_is_forced_on_every_role_that_gets_rights() -> None:
    config = replace(CONFIGS["prod"], permissions_boundary="Boundary")
    bounded = {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::333333333333:policy/Boundary"}}
    giving = {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"}
    for statement in documents(config):
        if giving & set(statement["Action"]):
            assert set(statement["Action"]) <= giving
            assert statement["Condition"] == bounded
        assert "iam:DeleteRolePermissionsBoundary" not in statement["Action"]


def test_an_environment_with_everything_fits_and_has_no_unknown_type() -> None:
    repository = GithubRepository(owner="example", name="models")
    config = replace(
        CONFIGS["prod"],
        alarm_emails=("team@example.com",),
        github=Github(repository=repository, token_secret="github"),
        invocation_logs=InvocationLogs(bucket="company-logs", prefix="AWSLogs/"),
        network=Network(),
        rewards=(RewardSpec(name="programs", grader="code"),),
    )
    parts = policies([config])
    assert 1 < len(parts) <= 3
    for part in parts:
        document = json.dumps({"Version": "2012-10-17", "Statement": part}, separators=(",", ":"))
        assert len(document) <= 6144
    actions = {action for statement in documents(config) for action in statement["Action"]}
    assert {"ec2:CreateVpcEndpoint", "events:CreateConnection", "iam:CreateOpenIDConnectProvider"} <= actions


def test_one_bootstrap_serves_every_environment_of_its_account(monkeypatch: pytest.MonkeyPatch) -> None:
    dev, prod = CONFIGS["dev"], CONFIGS["prod"]
    beside = replace(dev, settings=replace(dev.settings, environment="qa"), shared_account=True)
    apart = replace(beside, settings=replace(dev.settings, environment="lab"), bootstrap_qualifier="lab")
    shared = replace(dev, shared_account=True)
    monkeypatch.setattr(execution_policy, "ENVIRONMENTS", (shared, beside, apart, prod))
    assert [config.environment for config in together(shared)] == ["dev", "qa"]
    assert [config.environment for config in together(apart)] == ["lab"]


def test_options_of_the_bootstrap(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def arns(config: RftConfig, name: str) -> str:
        numbers = range(1, len(policies([config])) + 1)
        return ",".join(f"arn:aws:iam::111111111111:policy/{name}-{number}" for number in numbers)

    dev = CONFIGS["dev"]
    assert main(["options", "dev"]) is None
    policy = "RftExecutionPolicy-us-east-1"
    assert capsys.readouterr().out == f"--cloudformation-execution-policies {arns(dev, policy)}\n"
    own = replace(dev, bootstrap_qualifier="acme", permissions_boundary="bounds/Boundary")
    monkeypatch.setattr(execution_policy, "ENVIRONMENTS", (own,))
    assert main(["options", "dev"]) is None
    assert capsys.readouterr().out == (
        f"--cloudformation-execution-policies {arns(own, f'{policy}-acme')} "
        "--custom-permissions-boundary bounds/Boundary --qualifier acme --toolkit-stack-name CDKToolkit-acme\n"
    )


def test_questions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["print", "dev"]) == "error: question: got 'print', wanted show, app or options"
    assert main(["show", "qa"]) == "error: environment: got 'qa', wanted one of local, dev, staging, prod"
    assert main(["show", "dev"]) is None
    shown = json.loads(capsys.readouterr().out)
    assert [document["Statement"] for document in shown] == policies([CONFIGS["dev"]])

"""An environment with everything turned on that the configuration offers."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks

from bedrock_rft import Replication, RewardSpec
from stacks.config import ENVIRONMENTS, InvocationLogs, RftConfig
from stacks.network import Network
from stacks.stage import RftStage

ROOT = Path(__file__).resolve().parents[2]
FLAGS = json.loads((ROOT / "cdk.json").read_text())["context"]
ACCOUNT = "333333333333"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
FIXED = ("LambdaInsideVPC", "LambdaConcurrency", "S3BucketReplicationEnabled")
(PROD,) = [config for config in ENVIRONMENTS if config.environment == "prod"]
HARDENED = replace(
    PROD,
    alarm_emails=("team@example.com",),
    alarm_topic_arns=(f"arn:aws:sns:us-east-1:{ACCOUNT}:on-call",),
    invocation_logs=InvocationLogs(bucket="company-logs", prefix="AWSLogs/", key_arn=KEY),
    network=Network(),
    permissions_boundary="Boundary",
    replication=Replication(bucket_arn="arn:aws:s3:::company-copies", account=ACCOUNT, key_arn=KEY),
    reward_concurrency=100,
    handler_concurrency=2,
    rewards=(*PROD.rewards, RewardSpec(name="programs", grader="code")),
    stack_prefix="acme",
    bootstrap_qualifier="acme",
    tags={"owner": "ml-platform"},
)


class Environment:
    """A synthesized environment."""

    def __init__(self, config: RftConfig) -> None:
        self.app = App(context=FLAGS, analytics_reporting=False)
        self.platform = RftStage(self.app, config=config).platform
        self.text = json.dumps(Template.from_stack(self.platform).to_json())
        self.template = json.loads(self.text)

    def of_type(self, kind: str) -> list[Any]:
        """Return the properties of the resources of a type."""
        return [item["Properties"] for item in self.template["Resources"].values() if item["Type"] == kind]


@pytest.fixture(scope="module")
def hardened() -> Iterator[Environment]:
    yield Environment(HARDENED)


def test_the_template_leaves_room(hardened: Environment) -> None:
    """CloudFormation takes 1 MB and 500 resources."""
    assert len(hardened.text) < 500_000
    assert len(hardened.template["Resources"]) < 300


def test_what_the_configuration_turns_on_leaves_no_finding(hardened: Environment) -> None:
    for pack, rules in ((AwsSolutionsChecks, ()), (HIPAASecurityChecks, FIXED)):
        report = pack(hardened.app).validate_scope(hardened.app)
        found = {violation.rule_name for violation in report.violations}
        assert not {rule for rule in found if not rules or rule.partition("-")[2] in rules}
    # None of the three is merely acknowledged; a template tells, since acknowledgements are written into it.
    assert not [rule for rule in FIXED if rule in hardened.text]


def test_every_function_is_in_a_network_and_has_calls_set_aside(hardened: Environment) -> None:
    functions = hardened.of_type("AWS::Lambda::Function")
    assert len(functions) > 20
    assert [one["Description"] for one in functions if "VpcConfig" not in one] == []
    calls = {one["Description"].rpartition(": ")[2]: one["ReservedConcurrentExecutions"] for one in functions}
    assert calls["rollout"] == 2 * PROD.max_concurrency
    assert calls["sample_logs"] == 2 * PROD.max_concurrency
    assert calls["plan"] == 2
    assert calls["Executes untrusted programs for code rewards"] == 100
    assert calls["Grades rollouts with the reward routing"] == 100
    runners = [one for one in functions if one["Handler"] == "rft_runner.handler.handler"]
    (others,) = {json.dumps(one["VpcConfig"]) for one in functions if one["Handler"] != "rft_runner.handler.handler"}
    assert [json.dumps(one["VpcConfig"]) for one in runners] != [others]


def test_jobs_run_in_the_network(hardened: Environment) -> None:
    (machine,) = (machine for machine in hardened.of_type("AWS::StepFunctions::StateMachine") if "Plan" in str(machine))
    text = "".join(part if isinstance(part, str) else "<id>" for part in machine["DefinitionString"]["Fn::Join"][1])
    assert '"job_network":{"subnets":["<id>","<id>"],"security_groups":["<id>"]}' in text


def test_every_role_is_bounded_and_everything_is_tagged(hardened: Environment) -> None:
    roles = hardened.of_type("AWS::IAM::Role")
    assert len(roles) > 20
    for role in roles:
        assert "policy/Boundary" in str(role["PermissionsBoundary"])
        tags = {tag["Key"]: tag["Value"] for tag in role["Tags"]}
        assert tags == {"app": "bedrock-rft", "env": "prod", "owner": "ml-platform"}


def test_names(hardened: Environment) -> None:
    assert hardened.platform.stack_name == "acme-prod-Rft"
    (dashboard,) = hardened.of_type("AWS::CloudWatch::Dashboard")
    assert dashboard["DashboardName"] == "acme-prod-Rft"
    assert hardened.template["Parameters"]["BootstrapVersion"]["Default"] == "/cdk-bootstrap/acme/version"


def test_alarms_reach_everybody(hardened: Environment) -> None:
    for alarm in hardened.of_type("AWS::CloudWatch::Alarm"):
        assert alarm["AlarmActions"][1:] == list(HARDENED.alarm_topic_arns)
    (subscription,) = hardened.of_type("AWS::SNS::Subscription")
    assert subscription["Endpoint"] == "team@example.com"


@pytest.fixture(scope="module")
def guest() -> Iterator[Environment]:
    """Return an environment that uses what exists already."""
    network = Network(
        vpc_id="vpc-1", subnet_ids=("subnet-1", "subnet-2"), availability_zones=("us-east-1a", "us-east-1b")
    )
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/bounds/Boundary"
    config = replace(PROD, key_arn=KEY, key_policy_managed_elsewhere=True, key_administrators=())
    yield Environment(replace(config, network=network, permissions_boundary=boundary))


def test_a_boundary_of_an_arn_is_that_arn(guest: Environment) -> None:
    boundaries = {role["PermissionsBoundary"] for role in guest.of_type("AWS::IAM::Role")}
    assert boundaries == {f"arn:aws:iam::{ACCOUNT}:policy/bounds/Boundary"}


def test_a_vpc_that_exists_is_used(guest: Environment) -> None:
    assert not guest.of_type("AWS::EC2::VPC")
    (group,) = guest.of_type("AWS::EC2::SecurityGroup")
    assert group["VpcId"] == "vpc-1"
    subnets = [one["VpcConfig"]["SubnetIds"] for one in guest.of_type("AWS::Lambda::Function")]
    assert len(subnets) > 20
    assert all(found == ["subnet-1", "subnet-2"] for found in subnets)


def test_a_key_that_exists_is_used(guest: Environment) -> None:
    assert {key.get("KeySpec") for key in guest.of_type("AWS::KMS::Key")} == {"ECC_NIST_P256"}
    assert {one["KmsKeyId"] for one in guest.of_type("AWS::Logs::LogGroup")} == {KEY}
    assert guest.template["Outputs"]["KeyArn"]["Value"] == KEY


def test_a_key_that_exists_says_which_statements_its_policy_needs() -> None:
    config = replace(PROD, key_arn=KEY, key_administrators=())
    with pytest.raises(ValueError) as caught:
        RftStage(App(context=FLAGS, analytics_reporting=False), config=config)
    message = str(caught.value)
    assert message.startswith(f"prod: add these statements to the policy of {KEY} and then set key_policy_managed_else")
    assert [name for name in ("LogGroups", "Alarms", "LogDelivery") if f'"Sid": "{name}"' not in message] == []
    assert "\n" not in message

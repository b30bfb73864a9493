"""The code runner: nothing leads out of its network, and its role gives its code nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks

from bedrock_rft import CodeRunner, RewardCode, RewardFunction, RewardSpec

FLAGS = json.loads((Path(__file__).parents[2] / "cdk.json").read_text())["context"]


def test_the_function(stack: Stack, build: Callable[[Stack], Any], flat: Any) -> None:
    CodeRunner(stack, "Runner")
    built = build(stack)
    function = flat(built.properties("AWS::Lambda::Function"))
    del function["Code"], function["VpcConfig"]
    assert function == {
        "Architectures": ["arm64"],
        "Description": "Executes untrusted programs for code rewards",
        "Handler": "rft_runner.handler.handler",
        "MemorySize": 1769,
        "Role": f"<{next(iter(built.of_type('AWS::IAM::Role')))}.Arn>",
        "Runtime": "python3.14",
        "Timeout": 120,
    }
    (version,) = built.of_type("AWS::Lambda::Version").values()
    assert version["DeletionPolicy"] == version["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("flags", [{}, FLAGS], ids=["no flags", "this app's flags"])
def test_there_is_nothing_but_an_isolated_network_and_no_log(flags: dict[str, Any], tmp_path: Path) -> None:
    app = App(context=flags, outdir=str(tmp_path))
    stack = Stack(app, "Test", env=Environment(account="123456789012", region="us-east-1"))
    CodeRunner(stack, "Runner")
    resources = Template.from_stack(stack).to_json()["Resources"].values()
    assert sorted(resource["Type"] for resource in resources) == [
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::Subnet",
        "AWS::EC2::Subnet",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPC",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::Lambda::Function",
        "AWS::Lambda::Version",
    ]
    (function,) = (resource for resource in resources if resource["Type"] == "AWS::Lambda::Function")
    assert not {"Environment", "LoggingConfig", "TracingConfig"} & set(function["Properties"])
    app.synth()
    assert "missing" not in json.loads((tmp_path / "manifest.json").read_text()), "synth would look something up"


def test_the_network_has_no_name_resolution_and_the_group_no_way_out(
    stack: Stack, build: Callable[[Stack], Any], flat: Any
) -> None:
    CodeRunner(stack, "Runner")
    built = build(stack)
    vpc = built.properties("AWS::EC2::VPC")
    assert (vpc["EnableDnsSupport"], vpc["EnableDnsHostnames"]) == (False, False)
    group = built.properties("AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in group
    (egress,) = group["SecurityGroupEgress"]  # CloudFormation would allow everything if there were none
    assert (egress["CidrIp"], egress["IpProtocol"]) == ("255.255.255.255/32", "icmp")
    configuration = flat(built.properties("AWS::Lambda::Function")["VpcConfig"])
    assert configuration["SubnetIds"] == [f"<{name}>" for name in built.of_type("AWS::EC2::Subnet")]
    (table,) = built.of_type("AWS::EC2::RouteTable")
    associations = built.of_type("AWS::EC2::SubnetRouteTableAssociation").values()
    assert [flat(item["Properties"]["RouteTableId"]) for item in associations] == [f"<{table}>"] * 2
    zones = [json.dumps(item["Properties"]["AvailabilityZone"]) for item in built.of_type("AWS::EC2::Subnet").values()]
    assert len(set(zones)) == 2


def test_the_role_attaches_interfaces_and_gives_code_nothing(stack: Stack, build: Callable[[Stack], Any]) -> None:
    CodeRunner(stack, "Runner")
    built = build(stack)
    assert "ManagedPolicyArns" not in built.properties("AWS::IAM::Role")
    assert built.statements("Role") == [
        {
            "Effect": "Allow",
            "Action": [
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSubnets",
                "ec2:UnassignPrivateIpAddresses",
            ],
            "Resource": "*",
        },
        {
            "Sid": "NothingFromInside",
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"Null": {"lambda:SourceFunctionArn": "false"}},
        },
    ]


def test_a_reward_function_calls_the_version_that_it_is_deployed_with(
    stack: Stack, build: Callable[[Stack], Any], flat: Any
) -> None:
    runner = CodeRunner(stack, "Runner", timeout=Duration.seconds(60))
    spec = RewardSpec(name="squares", grader="code")
    RewardFunction(stack, "Reward", code=RewardCode.builtin(spec), environment_name="dev", code_runner=runner)
    built = build(stack)
    (function,) = (name for name in built.of_type("AWS::Lambda::Function") if name.startswith("Runner"))
    (version,) = (name for name in built.of_type("AWS::Lambda::Version") if name.startswith("Runner"))
    variables = flat(built.properties("AWS::Lambda::Function", "Reward"))["Environment"]["Variables"]
    assert (variables["RFT_CODE_RUNNER_ARN"], variables["RFT_CODE_RUNNER_SECONDS"]) == (f"<{version}>", "60")
    assert {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": f"<{function}.Arn>:*"} in (
        built.statements("RewardFunctionRole")
    )


def test_a_network_of_ones_own_gives_its_isolated_subnets(
    stack: Stack, build: Callable[[Stack], Any], flat: Any
) -> None:
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-1",
        availability_zones=["a"],
        isolated_subnet_ids=["inside"],
        public_subnet_ids=["out"],
    )
    CodeRunner(stack, "Runner", vpc=vpc)
    built = build(stack)
    assert not built.of_type("AWS::EC2::VPC")
    assert built.properties("AWS::Lambda::Function")["VpcConfig"]["SubnetIds"] == ["inside"]
    assert built.properties("AWS::EC2::SecurityGroup")["VpcId"] == "vpc-1"


def test_a_network_with_a_way_out_is_refused(stack: Stack) -> None:
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-1", availability_zones=["a"], private_subnet_ids=["nat"], public_subnet_ids=["out"]
    )
    with pytest.raises(ValueError, match="vpc: it has no isolated subnet"):
        CodeRunner(stack, "Runner", vpc=vpc)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"timeout": Duration.seconds(5)}, "timeout: got 5 s, wanted 10 to 900 s"),
        ({"memory_mib": 128}, "memory_mib: got 128, wanted 512 to 10240"),
        ({"reserved_concurrency": 0}, "reserved_concurrency: got 0, wanted at least 1, or None"),
    ],
)
def test_refusals(stack: Stack, override: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CodeRunner(stack, "Runner", **override)


def test_overrides(stack: Stack, build: Callable[[Stack], Any]) -> None:
    CodeRunner(stack, "Runner", architecture=lambda_.Architecture.X86_64, memory_mib=3538, reserved_concurrency=4)
    function = build(stack).properties("AWS::Lambda::Function")
    assert function["Architectures"] == ["x86_64"]
    assert (function["MemorySize"], function["ReservedConcurrentExecutions"]) == (3538, 4)


def test_nag_finds_nothing_open(stack: Stack) -> None:
    runner = CodeRunner(stack, "Runner")
    runner.grant_invoke(iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")))
    report = AwsSolutionsChecks(stack).validate_scope(stack)
    assert [violation.rule_name for violation in report.violations] == []


def test_the_asset_is_the_runner_alone(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    CodeRunner(Stack(app, "S"), "Runner")
    app.synth()
    (folder,) = tmp_path.glob("asset.*")
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {name for name in names if not name.startswith("rft_runner/")} == {
        "rft_contract/__init__.py",
        "rft_contract/json_value.py",
        "rft_contract/value_codec.py",
    }
    assert "rft_runner/handler.py" in names

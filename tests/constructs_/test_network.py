"""The network: what leads where, for whom, and how jobs and functions come into it."""

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from bedrock_rft import CustomizationRole, DatasetBucket, RewardCode, RewardFunction, RewardSpec, RftKey, RftNetwork

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "123456789012"
SERVICE = {"cloudwatch": "monitoring", "stepfunctions": "states"}
"""boto3's name of a service -> the endpoint's, where they differ."""


def reward(stack: Stack, network: RftNetwork | None) -> RewardFunction:
    spec = RewardSpec(name="teams", grader="label", options={"labels": ["a", "b"]})
    return RewardFunction(
        stack, "Reward", code=RewardCode.builtin(spec), environment_name="dev", network=network, reserved_concurrency=5
    )


@pytest.fixture(scope="module")
def built(new_stack: Callable[[], Stack], build: Callable[[Stack], Any]) -> Any:
    stack = new_stack()
    key = RftKey(stack, "Key")
    network = RftNetwork(stack, "Network", encryption_key=key.key)
    CustomizationRole(
        stack,
        "CustomizationRole",
        datasets=DatasetBucket(stack, "Datasets", key=key),
        key=key,
        rewards=[reward(stack, network)],
        network=network,
    )
    return build(stack)


def test_every_service_that_a_function_calls_has_a_way(built: Any, flat: Any) -> None:
    tree = ast.parse((ROOT / "lambda" / "rft_runtime" / "clients.py").read_text())
    called = {
        call.args[0].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "boto3.client"
        if isinstance(call.args[0], ast.Constant)
    }
    assert len(called) > 10
    ways = {flat(item["Properties"]["ServiceName"]) for item in built.of_type("AWS::EC2::VPCEndpoint").values()}
    # No endpoint of Service Quotas is documented.
    needed = {str(SERVICE.get(str(name), name)) for name in called - {"service-quotas"}}
    assert {way.rpartition(".")[2] for way in ways} == needed
    assert "com.amazonaws.iam" in ways


def test_endpoints_serve_this_account_alone(built: Any) -> None:
    for item in built.of_type("AWS::EC2::VPCEndpoint").values():
        (statement,) = item["Properties"]["PolicyDocument"]["Statement"]
        keys = {"aws:PrincipalAccount": ACCOUNT}
        if item["Properties"]["VpcEndpointType"] == "Gateway":
            keys["aws:ResourceAccount"] = ACCOUNT
        else:
            assert item["Properties"]["PrivateDnsEnabled"] is True
            assert len(item["Properties"]["SubnetIds"]) == 2
        assert statement["Condition"] == {"StringEquals": keys}


def test_nothing_leads_out_and_every_flow_is_recorded(built: Any, flat: Any) -> None:
    kinds = {resource["Type"] for resource in built.resources.values()}
    assert not kinds & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::Route", "AWS::EC2::EIP"}
    vpc = built.properties("AWS::EC2::VPC")
    assert (vpc["CidrBlock"], vpc["EnableDnsSupport"], vpc["EnableDnsHostnames"]) == ("10.0.0.0/24", True, True)
    blocks = [item["Properties"]["CidrBlock"] for item in built.of_type("AWS::EC2::Subnet").values()]
    assert blocks == ["10.0.0.0/25", "10.0.0.128/25"]
    flow_log = built.properties("AWS::EC2::FlowLog")
    assert (flow_log["TrafficType"], flow_log["LogDestinationType"]) == ("ALL", "cloud-watch-logs")
    role = built.properties("AWS::IAM::Role", "FlowLogsRole")
    (trust,) = flat(role["AssumeRolePolicyDocument"]["Statement"])
    assert trust["Condition"]["ArnLike"] == {
        "aws:SourceArn": "arn:<AWS::Partition>:ec2:us-east-1:123456789012:vpc-flow-log/*"
    }
    (statement,) = built.statements("FlowLogsRole")
    assert statement["Resource"].endswith(".Arn>") and "FlowLogs" in statement["Resource"]


def test_zones_are_chosen_where_the_first_two_lack_a_service(stack: Stack, build: Callable[[Stack], Any]) -> None:
    RftNetwork(stack, "Network", availability_zones=["us-east-1b", "us-east-1c"])
    subnets = build(stack).of_type("AWS::EC2::Subnet").values()
    assert [item["Properties"]["AvailabilityZone"] for item in subnets] == ["us-east-1b", "us-east-1c"]
    with pytest.raises(ValueError, match="availability_zones: got us-east-1a, us-east-1a, wanted 2 that differ"):
        RftNetwork(stack, "Other", availability_zones=["us-east-1a"] * 2)


def test_a_function_is_inside_and_its_code_may_not_touch_interfaces(built: Any) -> None:
    function = built.properties("AWS::Lambda::Function")
    assert len(function["VpcConfig"]["SubnetIds"]) == 2
    assert len(function["VpcConfig"]["SecurityGroupIds"]) == 1
    allowed, denied = (
        statement for statement in built.statements("RewardFunctionRole") if "ec2:" in str(statement["Action"])
    )
    assert allowed["Action"] == denied["Action"]
    assert (allowed["Effect"], denied["Effect"]) == ("Allow", "Deny")
    assert denied["Condition"] == {"Null": {"lambda:SourceFunctionArn": "false"}}


def test_a_jobs_role_has_the_documented_statements(built: Any) -> None:
    subnets = [f"<{name}>" for name in built.of_type("AWS::EC2::Subnet")]
    (group,) = (name for name in built.of_type("AWS::EC2::SecurityGroup") if "NetworkSecurityGroup" in name)
    here = f"arn:<AWS::Partition>:ec2:us-east-1:{ACCOUNT}"
    jobs = f"arn:<AWS::Partition>:bedrock:us-east-1:{ACCOUNT}:model-customization-job/*"
    subnet_arns = [f"{here}:subnet/{subnet}" for subnet in subnets]
    assert [statement for statement in built.statements("CustomizationRole") if "ec2:" in str(statement)] == [
        {
            "Effect": "Allow",
            "Action": [
                f"ec2:Describe{thing}"
                for thing in ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
            ],
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Action": "ec2:CreateNetworkInterface",
            "Resource": f"{here}:network-interface/*",
            "Condition": {
                "StringEquals": {"aws:RequestTag/BedrockManaged": "true"},
                "ArnEquals": {"aws:RequestTag/BedrockModelCustomizationJobArn": jobs},
            },
        },
        {
            "Effect": "Allow",
            "Action": "ec2:CreateNetworkInterface",
            "Resource": [*subnet_arns, f"{here}:security-group/<{group}.GroupId>"],
        },
        {
            "Effect": "Allow",
            "Action": [
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
                "ec2:DeleteNetworkInterfacePermission",
            ],
            "Resource": "*",
            "Condition": {
                "ArnEquals": {"ec2:Subnet": subnet_arns, "ec2:ResourceTag/BedrockModelCustomizationJobArn": jobs},
                "StringEquals": {"ec2:ResourceTag/BedrockManaged": "true"},
            },
        },
        {
            "Effect": "Allow",
            "Action": "ec2:CreateTags",
            "Resource": f"{here}:network-interface/*",
            "Condition": {
                "StringEquals": {"ec2:CreateAction": "CreateNetworkInterface"},
                "ForAllValues:StringEquals": {"aws:TagKeys": ["BedrockManaged", "BedrockModelCustomizationJobArn"]},
            },
        },
    ]


def test_a_vpc_of_yours_gets_a_security_group_and_nothing_else(stack: Stack, build: Callable[[Stack], Any]) -> None:
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Yours",
        vpc_id="vpc-1",
        availability_zones=["us-east-1a", "us-east-1b"],
        private_subnet_ids=["subnet-1", "subnet-2"],
    )
    network = RftNetwork(stack, "Network", vpc=vpc)
    assert network.job_network.subnets == ("subnet-1", "subnet-2")
    built = build(stack)
    assert [resource["Type"] for resource in built.resources.values()] == ["AWS::EC2::SecurityGroup"]


def test_a_vpc_with_public_subnets_alone_is_refused(stack: Stack) -> None:
    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Yours", vpc_id="vpc-1", availability_zones=["us-east-1a"], public_subnet_ids=["subnet-1"]
    )
    with pytest.raises(ValueError, match="subnets: got 0, wanted 1 to 16 that are isolated or private"):
        RftNetwork(stack, "Network", vpc=vpc)


@pytest.mark.parametrize(
    ("cidr", "says"),
    [
        ("10.0.0.0/27", "cidr: got '10.0.0.0/27', wanted /16 to /26"),
        ("10.0.0.1/24", "cidr: got '10.0.0.1/24', wanted addresses such as 10.0.0.0/24: 10.0.0.1/24 has host bits set"),
        ("here", "cidr: got 'here', wanted addresses such as 10.0.0.0/24"),
    ],
)
def test_addresses_that_cannot_be(stack: Stack, cidr: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        RftNetwork(stack, "Network", cidr=cidr)


def test_nothing_is_looked_up_at_synth(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    stack = Stack(app, "Test", env=Environment(account=ACCOUNT, region="us-east-1"))
    RftNetwork(stack, "Network")
    Template.from_stack(stack)
    app.synth()
    assert "missing" not in json.loads((tmp_path / "manifest.json").read_text())

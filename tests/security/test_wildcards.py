"""No statement allows an action by wildcard, and `*` as a resource, but where a list says why."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from benchmarks.security.environments import EVERYTHING, everything_on, pipeline, synthesized
from benchmarks.security.rights import Template
from stacks.config import ENVIRONMENTS, choose

NO_RESOURCE_LEVEL = {
    # X-Ray's write actions; AWS X-Ray user guide, "How AWS X-Ray works with IAM".
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
    # Vended log delivery; Step Functions developer guide, "Using CloudWatch Logs to log execution history".
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    # CloudWatch user guide, "Using condition keys to limit access to CloudWatch namespaces": PutMetricData alone.
    "cloudwatch:GetMetricData",
    # What Plan's preflight and the sweeper list; Service Authorization Reference, "Actions, resources, and condition
    # keys for" Bedrock, Lambda and Service Quotas.
    "bedrock:ListCustomModelDeployments",
    "bedrock:ListCustomModels",
    "bedrock:ListModelCustomizationJobs",
    "lambda:GetAccountSettings",
    "servicequotas:ListServiceQuotas",
}
INTERFACES = {
    # Lambda developer guide, "Giving Lambda functions access to resources in an Amazon VPC", and AWS managed policy
    # reference, AWSLambdaVPCAccessExecutionRole: interfaces have no name before Lambda makes them.
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}
OF_JOBS = {
    # Bedrock user guide, "Protect your model customization jobs using a VPC": reading, and interfaces that bear
    # Bedrock's tags and lie in these subnets.
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
}
WIDE_ACTIONS = {
    # Amazon VPC user guide, "Control access to VPC endpoints using endpoint policies": such a policy grants nothing.
    ("AWS::EC2::VPCEndpoint", "*"),
    # KMS developer guide, "Default key policy": policies of the account's principals decide.
    ("AWS::KMS::Key", "kms:*"),
    # CloudWatch Logs user guide, "Encrypt log data in CloudWatch Logs using AWS KMS" names them so.
    ("AWS::KMS::Key", "kms:GenerateDataKey*"),
    ("AWS::KMS::Key", "kms:ReEncrypt*"),
}
WIDE_OF_PIPELINE = {
    # CDK Pipelines: builds that publish files start and watch builds, and the one that updates the pipeline looks at
    # stacks and at the bootstrap's bucket.
    "Assets/FileRole": {"codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"},
    "UpdatePipeline/SelfMutation": {"cloudformation:DescribeStacks", "s3:ListBucket"},
}
PATTERNS_OF_PIPELINE = {
    # The CDK's grants on a bucket and its key.
    *("kms:GenerateDataKey*", "kms:ReEncrypt*"),
    *(f"s3:{action}*" for action in ("Abort", "DeleteObject", "GetBucket", "GetObject", "List")),
}
IDENTITIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
NAMES = [*(config.environment for config in ENVIRONMENTS), EVERYTHING]


class Everything:
    """Prod with all that can be turned on, to be asked like the other environments."""

    def __init__(self) -> None:
        (prod,) = choose(ENVIRONMENTS, "prod")
        self.template = synthesized(everything_on(prod))

    def of_type(self, kind: str) -> dict[str, Any]:
        """Return the resources of a CloudFormation type by logical id."""
        return dict(self.template.of_type(kind))


@cache
def everything() -> Everything:
    return Everything()


@pytest.fixture
def deployed(platform: Callable[[str], Any], environment: str) -> Any:
    return everything() if environment == EVERYTHING else platform(environment)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(platform: Any, *kinds: str, effect: str = "Allow") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the statements of one effect of resources of some types."""
    for kind in kinds:
        for name, resource in platform.of_type(kind).items():
            properties = resource["Properties"]
            for statement in properties.get("PolicyDocument", properties.get("KeyPolicy"))["Statement"]:
                if statement["Effect"] == effect:
                    yield name, statement


@pytest.mark.parametrize("environment", NAMES)
def test_identities_get_named_actions(deployed: Any) -> None:
    found = list(statements(deployed, *IDENTITIES))
    assert len(found) > 50
    for name, statement in found:
        assert not [action for action in as_list(statement["Action"]) if "*" in action], name
        assert not {"NotAction", "NotResource", "Principal"} & set(statement), name


@pytest.mark.parametrize("environment", NAMES)
def test_everything_is_named_where_a_name_is_possible(deployed: Any) -> None:
    for name, statement in statements(deployed, *IDENTITIES):
        if "*" in as_list(statement["Resource"]):
            listed = OF_JOBS if "CustomizationRole" in name else NO_RESOURCE_LEVEL | INTERFACES
            assert set(as_list(statement["Action"])) <= listed, name


def test_code_is_denied_what_lambda_may_do_with_interfaces() -> None:
    def with_interfaces(effect: str) -> set[str]:
        found = statements(everything(), *IDENTITIES, effect=effect)
        denied = [
            (name, one) for name, one in found if {*as_list(one["Action"])} & {"ec2:AssignPrivateIpAddresses", "*"}
        ]
        inside = {"Null": {"lambda:SourceFunctionArn": "false"}}
        assert effect == "Allow" or all(one["Condition"] == inside and one["Resource"] == "*" for _, one in denied)
        return {name for name, _ in denied}

    assert len(with_interfaces("Allow")) > 20
    assert with_interfaces("Allow") == with_interfaces("Deny")


def test_jobs_change_only_interfaces_that_bear_their_tags() -> None:
    changing = [
        (name, one)
        for name, one in statements(everything(), *IDENTITIES)
        if "CustomizationRole" in name
        and "*" in as_list(one["Resource"])
        and any(not action.startswith("ec2:Describe") for action in as_list(one["Action"]))
    ]
    assert len(changing) == 1
    for name, one in changing:
        assert "ec2:ResourceTag/BedrockModelCustomizationJobArn" in one["Condition"]["ArnEquals"], name
        assert len(one["Condition"]["ArnEquals"]["ec2:Subnet"]) == 2, name


@pytest.mark.parametrize("environment", NAMES)
def test_resources_trust_only_confined_services(deployed: Any, environment: str) -> None:
    kinds = ("AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy")
    found = list(statements(deployed, *kinds))
    assert len(found) == (6 if environment == EVERYTHING else 5)
    for name, statement in found:
        assert set(statement["Principal"]) == {"Service"}, name
        assert "aws:SourceArn" in str(statement["Condition"]), name


def test_policies_of_resources_allow_by_wildcard_only_what_is_listed() -> None:
    kinds = ("AWS::EC2::VPCEndpoint", "AWS::KMS::Key", "AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy")
    found = {
        (kind, action)
        for kind in (*kinds, "AWS::SQS::QueuePolicy")
        for _, statement in statements(everything(), kind)
        for action in as_list(statement["Action"])
        if "*" in action
    }
    assert found == WIDE_ACTIONS


def test_the_pipeline_has_the_wildcards_of_the_cdk_and_no_others() -> None:
    template: Template = pipeline()
    rights = template.rights()
    assert {right.action for right in rights if "*" in right.action} == PATTERNS_OF_PIPELINE
    wide: dict[str, set[str]] = {}
    for right in rights:
        if right.resource == "*":
            wide.setdefault(template.label(right.role), set()).add(right.action)
    assert wide == WIDE_OF_PIPELINE


@pytest.mark.parametrize("environment", NAMES)
def test_no_aws_managed_policy_and_no_user(deployed: Any) -> None:
    assert not deployed.of_type("AWS::IAM::User")
    assert not [
        name for name, role in deployed.of_type("AWS::IAM::Role").items() if "ManagedPolicyArns" in role["Properties"]
    ]

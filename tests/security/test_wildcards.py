"""No statement of an identity allows an action by wildcard, and `*` as a resource only where a list says why."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stacks.config import ENVIRONMENTS

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
IDENTITIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
NAMES = [config.environment for config in ENVIRONMENTS]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(platform: Any, *kinds: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the Allow statements of resources of some types."""
    for kind in kinds:
        for name, resource in platform.of_type(kind).items():
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Allow":
                    yield name, statement


@pytest.mark.parametrize("environment", NAMES)
def test_identities_get_named_actions(platform: Callable[[str], Any], environment: str) -> None:
    found = list(statements(platform(environment), *IDENTITIES))
    assert len(found) > 50
    for name, statement in found:
        assert not [action for action in as_list(statement["Action"]) if "*" in action], name
        assert not {"NotAction", "NotResource", "Principal"} & set(statement), name


@pytest.mark.parametrize("environment", NAMES)
def test_everything_is_named_where_a_name_is_possible(platform: Callable[[str], Any], environment: str) -> None:
    for name, statement in statements(platform(environment), *IDENTITIES):
        if "*" in as_list(statement["Resource"]):
            assert set(as_list(statement["Action"])) <= NO_RESOURCE_LEVEL, name


@pytest.mark.parametrize("environment", NAMES)
def test_resources_trust_only_confined_services(platform: Callable[[str], Any], environment: str) -> None:
    kinds = ("AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy")
    found = list(statements(platform(environment), *kinds))
    assert len(found) == 5
    for name, statement in found:
        assert set(statement["Principal"]) == {"Service"}, name
        assert "aws:SourceArn" in str(statement["Condition"]), name


@pytest.mark.parametrize("environment", NAMES)
def test_no_aws_managed_policy_and_no_user(platform: Callable[[str], Any], environment: str) -> None:
    found = platform(environment)
    assert not found.of_type("AWS::IAM::User")
    assert not [
        name for name, role in found.of_type("AWS::IAM::Role").items() if "ManagedPolicyArns" in role["Properties"]
    ]

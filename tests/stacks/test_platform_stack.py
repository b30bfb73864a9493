from collections.abc import Callable
from typing import Any

import pytest

from rft_contract.outputs import StackOutputs
from stacks.config import ENVIRONMENTS, REWARDS, RftConfig

# Changing one of these replaces the resource and what it keeps: the constructs' ids and scopes are part of the data.
STATEFUL = {
    "DataKeyAEC34D0C": "AWS::KMS::Key",
    "DataReleaseKey6EEDBA9D": "AWS::KMS::Key",
    "DataDatasets1216192C": "AWS::S3::Bucket",
    "DataDatasetsAccessLogsEF3461C6": "AWS::S3::Bucket",
    "DataDatasetChecksDeadLetters7FAB64C2": "AWS::SQS::Queue",
    "MonitoringTopic53EBA00F": "AWS::SNS::Topic",
    "TrainingWorkflowDeadLetters67560335": "AWS::SQS::Queue",
    "TrainingWorkflowStateMachine18C7753F": "AWS::StepFunctions::StateMachine",
    "TrainingCustomizationRoleA67C6ADA": "AWS::IAM::Role",
}
KEPT = ("AWS::KMS::Key", "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::Logs::LogGroup")
NAMES = [config.environment for config in ENVIRONMENTS]


@pytest.mark.parametrize("config", ENVIRONMENTS, ids=NAMES)
def test_logical_ids_of_what_must_not_be_replaced(platform: Callable[[str], Any], config: RftConfig) -> None:
    resources = platform(config.environment).resources
    assert {name: resources[name]["Type"] for name in STATEFUL if name in resources} == STATEFUL


@pytest.mark.parametrize("config", ENVIRONMENTS, ids=NAMES)
def test_what_is_kept_follows_the_config(platform: Callable[[str], Any], config: RftConfig) -> None:
    found = platform(config.environment)
    for kind in KEPT:
        for name, resource in found.of_type(kind).items():
            assert resource["DeletionPolicy"] == ("Retain" if config.retain_data else "Delete"), name
    versions = found.of_type("AWS::Lambda::Version").values()
    assert {version["DeletionPolicy"] for version in versions} == {"Retain"}
    (stack,) = [item for item in found.app.node.find_all() if item.node.path == f"{config.environment}/Rft"]
    assert stack.termination_protection is config.retain_data


@pytest.mark.parametrize("environment", NAMES)
def test_no_custom_resource(platform: Callable[[str], Any], environment: str) -> None:
    kinds = {resource["Type"] for resource in platform(environment).resources.values()}
    assert not [kind for kind in kinds if kind.startswith(("Custom::", "AWS::CloudFormation::"))]
    handlers = {
        function["Properties"]["Handler"].split(".")[0]
        for function in platform(environment).of_type("AWS::Lambda::Function").values()
    }
    assert handlers == {"rft_handlers"}


@pytest.mark.parametrize("config", ENVIRONMENTS, ids=NAMES)
def test_handlers_run_on_the_configured_platform(platform: Callable[[str], Any], config: RftConfig) -> None:
    functions = platform(config.environment).of_type("AWS::Lambda::Function").values()
    architectures = {
        architecture
        for function in functions
        if function["Properties"]["Handler"] != "rft_handlers.reward.handler"
        for architecture in function["Properties"]["Architectures"]
    }
    assert architectures == {config.handler_platform.architecture.name}


@pytest.mark.parametrize("environment", NAMES)
def test_outputs_are_all_that_the_command_line_reads(platform: Callable[[str], Any], environment: str) -> None:
    outputs = platform(environment).template.to_json()["Outputs"]
    fields: dict[str, Any] = dict.fromkeys(StackOutputs.__dataclass_fields__, "") | {"rewards": {}}
    assert set(outputs) == set(StackOutputs(**fields).to_outputs())
    parts = outputs["Rewards"]["Value"]["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else "x" for part in parts)
    assert text == "{" + ", ".join(f'"{spec.name}": "x"' for spec in REWARDS) + "}"


@pytest.mark.parametrize("environment", NAMES)
def test_a_dataset_that_could_not_be_checked_alarms(platform: Callable[[str], Any], environment: str) -> None:
    alarms = platform(environment).of_type("AWS::CloudWatch::Alarm")
    (alarm,) = (found["Properties"] for name, found in alarms.items() if "NotChecked" in name)
    (dimension,) = alarm["Dimensions"]
    assert "DatasetChecksDeadLetters" in dimension["Value"]["Fn::GetAtt"][0]
    assert (alarm["MetricName"], alarm["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 0)


@pytest.mark.parametrize("environment", NAMES)
def test_logs_are_sampled_only_where_the_config_asks(platform: Callable[[str], Any], environment: str) -> None:
    found = platform(environment)
    assert len(found.of_type("AWS::StepFunctions::StateMachine")) == 1
    assert "BedrockModelInvocationLogs" not in str(found.template.to_json())


def test_logs_of_the_config_are_sampled() -> None:
    from dataclasses import replace

    from aws_cdk import App
    from aws_cdk.assertions import Template

    from stacks.config import InvocationLogs
    from stacks.stage import RftStage

    (config,) = [config for config in ENVIRONMENTS if config.environment == "prod"]
    prefix = "AWSLogs/333333333333/BedrockModelInvocationLogs/us-east-1/"
    key_arn = "arn:aws:kms:us-east-1:333333333333:key/11111111-2222-3333-4444-555555555555"
    logs = InvocationLogs(bucket="company-logs", prefix=prefix, key_arn=key_arn)
    app = App(analytics_reporting=False)
    template = Template.from_stack(RftStage(app, config=replace(config, invocation_logs=logs)).platform).to_json()
    machine = template["Outputs"]["LogSamplerArn"]["Value"]["Ref"]
    resource = template["Resources"][machine]
    assert resource["Type"] == "AWS::StepFunctions::StateMachine"
    assert f"{prefix}{{}}" in str(resource["Properties"]["DefinitionString"])
    (policy,) = [item for name, item in template["Resources"].items() if "SampleLogsFunctionRoleDefaultPolicy" in name]
    assert key_arn in str(policy)
    kept = [item for item in template["Resources"].values() if item["Type"] == "AWS::Logs::LogGroup"]
    assert {item["DeletionPolicy"] for item in kept} == {"Retain"}


@pytest.mark.parametrize("environment", NAMES)
def test_people_find_the_dashboard_by_name(platform: Callable[[str], Any], environment: str) -> None:
    (dashboard,) = platform(environment).of_type("AWS::CloudWatch::Dashboard").values()
    assert dashboard["Properties"]["DashboardName"] == f"{environment}-Rft"


@pytest.mark.parametrize("environment", NAMES)
def test_resources_are_tagged(platform: Callable[[str], Any], environment: str) -> None:
    found = platform(environment)
    for kind in ("AWS::S3::Bucket", "AWS::Lambda::Function", "AWS::StepFunctions::StateMachine", "AWS::IAM::Role"):
        for name, resource in found.of_type(kind).items():
            tags = {tag["Key"]: tag["Value"] for tag in resource["Properties"]["Tags"]}
            assert tags == {"app": "bedrock-rft", "env": environment}, name


def test_the_same_source_gives_the_same_template(platform: Callable[[str], Any]) -> None:
    from aws_cdk import App
    from aws_cdk.assertions import Template

    from stacks.stage import RftStage

    first = platform("dev")
    (config,) = [config for config in ENVIRONMENTS if config.environment == "dev"]
    app = App(context=dict(first.app.node.get_all_context()), analytics_reporting=False)
    assert Template.from_stack(RftStage(app, config=config).platform).to_json() == first.template.to_json()

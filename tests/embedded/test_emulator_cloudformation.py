"""CloudFormation in the emulator: what a template says is what is there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from rft_local.emulator.environment import ACCOUNT

pytestmark = pytest.mark.embedded

TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole"}


def role(service: str, *statements: dict[str, Any]) -> dict[str, Any]:
    trust = {**TRUST, "Principal": {"Service": service}}
    policies = [{"PolicyName": "p", "PolicyDocument": {"Statement": [{"Effect": "Allow", **s}]}} for s in statements]
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Statement": [trust]}, "Policies": policies},
    }


def template(version: str) -> dict[str, Any]:
    """A stack with one of everything a workflow needs; the function's code and its version change with `version`."""
    code = f"def handler(event, context): return {{'version': '{version}', 'event': event}}"
    function = {"Runtime": "python3.13", "Handler": "index.handler", "Code": {"ZipFile": code}}
    definition = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    key_policy = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ]
    }
    account = {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": "sns:Publish"}
    return {
        "Resources": {
            "Key": {
                "Type": "AWS::KMS::Key",
                "Properties": {"KeyPolicy": key_policy, "EnableKeyRotation": True},
            },
            "Logs": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "cfn-logs"}},
            "Data": {
                "Type": "AWS::S3::Bucket",
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": {
                    "BucketName": "cfn-data",
                    "BucketEncryption": {
                        "ServerSideEncryptionConfiguration": [
                            {
                                "BucketKeyEnabled": True,
                                "ServerSideEncryptionByDefault": {
                                    "SSEAlgorithm": "aws:kms",
                                    "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]},
                                },
                            }
                        ]
                    },
                    "LifecycleConfiguration": {
                        "Rules": [
                            {
                                "Id": "old",
                                "Status": "Enabled",
                                "Prefix": "runs/",
                                "ExpirationInDays": 30,
                                "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
                                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                            }
                        ]
                    },
                    "LoggingConfiguration": {"DestinationBucketName": {"Ref": "Logs"}, "LogFilePrefix": "data/"},
                    "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
                    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                    "VersioningConfiguration": {"Status": "Enabled"},
                },
            },
            "LogGroup": {
                "Type": "AWS::Logs::LogGroup",
                "Properties": {
                    "LogGroupName": "cfn-log",
                    "RetentionInDays": 7,
                    "KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
                },
            },
            "FunctionRole": role("lambda.amazonaws.com", {"Action": "logs:*", "Resource": "*"}),
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    **function,
                    "FunctionName": "cfn-function",
                    "Role": {"Fn::GetAtt": ["FunctionRole", "Arn"]},
                    "LoggingConfig": {"LogGroup": {"Ref": "LogGroup"}},
                },
            },
            f"Version{version}": {
                "Type": "AWS::Lambda::Version",
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": {"FunctionName": {"Ref": "Function"}},
            },
            "Live": {
                "Type": "AWS::Lambda::Alias",
                "Properties": {
                    "FunctionName": {"Ref": "Function"},
                    "FunctionVersion": {"Fn::GetAtt": [f"Version{version}", "Version"]},
                    "Name": "live",
                },
            },
            "Failed": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "cfn-failed"}},
            "Invoke": {
                "Type": "AWS::Lambda::EventInvokeConfig",
                "Properties": {
                    "FunctionName": {"Ref": "Function"},
                    "Qualifier": "live",
                    "MaximumRetryAttempts": 0,
                    "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Failed", "Arn"]}}},
                },
                "DependsOn": "Live",
            },
            "Managed": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {
                    "ManagedPolicyName": "cfn-managed",
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [{"Effect": "Allow", "Action": "states:*", "Resource": "*"}],
                    },
                    "Roles": [{"Ref": "MachineRole"}],
                },
            },
            "MachineRole": role("states.amazonaws.com"),
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "StateMachineName": "cfn-machine",
                    "RoleArn": {"Fn::GetAtt": ["MachineRole", "Arn"]},
                    "DefinitionString": json.dumps(definition),
                    "TracingConfiguration": {"Enabled": True},
                    "LoggingConfiguration": {
                        "Level": "ERROR",
                        "IncludeExecutionData": False,
                        "Destinations": [
                            {"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": ["LogGroup", "Arn"]}}}
                        ],
                    },
                },
            },
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "cfn-topic"}},
            "TopicPolicy": {
                "Type": "AWS::SNS::TopicPolicy",
                "Properties": {
                    "Topics": [{"Ref": "Topic"}],
                    "PolicyDocument": {"Statement": [{**account, "Resource": {"Ref": "Topic"}}]},
                },
            },
            "Subscription": {
                "Type": "AWS::SNS::Subscription",
                "Properties": {
                    "TopicArn": {"Ref": "Topic"},
                    "Protocol": "sqs",
                    "Endpoint": {"Fn::GetAtt": ["Failed", "Arn"]},
                },
            },
            "Alarm": {
                "Type": "AWS::CloudWatch::Alarm",
                "Properties": {
                    "AlarmName": "cfn-alarm",
                    "Namespace": "AWS/States",
                    "MetricName": "ExecutionsFailed",
                    "Dimensions": [{"Name": "StateMachineArn", "Value": {"Ref": "Machine"}}],
                    "Statistic": "Sum",
                    "Period": 60,
                    "EvaluationPeriods": 1,
                    "Threshold": 1,
                    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                    "TreatMissingData": "notBreaching",
                    "AlarmActions": [{"Ref": "Topic"}],
                },
            },
            "RuleRole": role("events.amazonaws.com", {"Action": "states:StartExecution", "Resource": "*"}),
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "Name": "cfn-rule",
                    "EventPattern": {"source": ["probe.cfn"]},
                    "Targets": [
                        {
                            "Id": "machine",
                            "Arn": {"Ref": "Machine"},
                            "RoleArn": {"Fn::GetAtt": ["RuleRole", "Arn"]},
                            "InputTransformer": {
                                "InputPathsMap": {"id": "$.detail.id"},
                                "InputTemplate": '{"run": <id>}',
                            },
                        }
                    ],
                },
            },
            "Dashboard": {
                "Type": "AWS::CloudWatch::Dashboard",
                "Properties": {"DashboardName": "cfn-board", "DashboardBody": json.dumps({"widgets": []})},
            },
        }
    }


@pytest.fixture(scope="module")
def stack(emulator: Any) -> Any:
    client = emulator.client("cloudformation")
    capabilities = ["CAPABILITY_NAMED_IAM"]
    client.create_stack(StackName="cfn", TemplateBody=json.dumps(template("One")), Capabilities=capabilities)
    client.get_waiter("stack_create_complete").wait(StackName="cfn", WaiterConfig={"Delay": 0.2, "MaxAttempts": 100})
    return client


def test_bucket_is_as_declared(emulator: Any, stack: Any) -> None:
    s3 = emulator.client("s3")
    rules = s3.get_bucket_encryption(Bucket="cfn-data")["ServerSideEncryptionConfiguration"]["Rules"]
    key = emulator.client("cloudformation").describe_stack_resource(StackName="cfn", LogicalResourceId="Key")
    assert rules[0]["BucketKeyEnabled"] is True
    default = rules[0]["ApplyServerSideEncryptionByDefault"]
    assert default["SSEAlgorithm"] == "aws:kms"
    assert default["KMSMasterKeyID"].endswith(key["StackResourceDetail"]["PhysicalResourceId"])
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket="cfn-data")["Rules"]
    assert (rule["ID"], rule["Filter"]["Prefix"], rule["Expiration"]["Days"]) == ("old", "runs/", 30)
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 7
    assert rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 1
    assert s3.get_bucket_logging(Bucket="cfn-data")["LoggingEnabled"] == {
        "TargetBucket": "cfn-logs",
        "TargetPrefix": "data/",
    }
    assert "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket="cfn-data")
    (owner,) = s3.get_bucket_ownership_controls(Bucket="cfn-data")["OwnershipControls"]["Rules"]
    assert owner["ObjectOwnership"] == "BucketOwnerEnforced"


def test_everything_else_is_as_declared(emulator: Any, stack: Any) -> None:
    kms = emulator.client("kms")
    key = stack.describe_stack_resource(StackName="cfn", LogicalResourceId="Key")["StackResourceDetail"]
    assert kms.get_key_rotation_status(KeyId=key["PhysicalResourceId"])["KeyRotationEnabled"]
    policy = json.loads(kms.get_key_policy(KeyId=key["PhysicalResourceId"])["Policy"])
    assert policy["Statement"][0]["Action"] == "kms:*"
    (group,) = emulator.client("logs").describe_log_groups(logGroupNamePrefix="cfn-log")["logGroups"]
    assert group["retentionInDays"] == 7
    assert group["kmsKeyId"].endswith(key["PhysicalResourceId"])
    machine = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:cfn-machine"
    described = emulator.client("stepfunctions").describe_state_machine(stateMachineArn=machine)
    assert described["tracingConfiguration"] == {"enabled": True}
    logging = described["loggingConfiguration"]
    assert (logging["level"], logging["includeExecutionData"]) == ("ERROR", False)
    assert ":log-group:cfn-log" in logging["destinations"][0]["cloudWatchLogsLogGroup"]["logGroupArn"]
    config = emulator.client("lambda").get_function_event_invoke_config(FunctionName="cfn-function", Qualifier="live")
    assert config["MaximumRetryAttempts"] == 0
    attached = emulator.client("iam").list_entities_for_policy(PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/cfn-managed")
    assert len(attached["PolicyRoles"]) == 1
    assert emulator.client("cloudwatch").get_dashboard(DashboardName="cfn-board")["DashboardBody"]
    topic = f"arn:aws:sns:us-east-1:{ACCOUNT}:cfn-topic"
    (subscription,) = emulator.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert subscription["Endpoint"].endswith(":cfn-failed")
    assert (
        "cloudwatch.amazonaws.com"
        in emulator.client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    )


def test_rule_starts_the_machine_with_the_transformed_event(emulator: Any, stack: Any) -> None:
    entry = {"Source": "probe.cfn", "DetailType": "T", "Detail": json.dumps({"id": "r1"})}
    emulator.client("events").put_events(Entries=[entry])
    client = emulator.client("stepfunctions")
    machine = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:cfn-machine"
    (execution,) = client.list_executions(stateMachineArn=machine)["executions"]
    assert json.loads(emulator.ended(execution["executionArn"])["output"]) == {"run": "r1"}


def test_update_moves_the_alias_and_retains_the_version_then_delete_retains_the_bucket(
    emulator: Any, stack: Any
) -> None:
    assert emulator.invoke("cfn-function:live", 1)[1] == {"version": "One", "event": 1}
    emulator.client("s3").put_object(Bucket="cfn-data", Key="kept", Body=b"x")
    changed = json.dumps(template("Two"))
    stack.update_stack(StackName="cfn", TemplateBody=changed, Capabilities=["CAPABILITY_NAMED_IAM"])
    waiting = {"Delay": 0.2, "MaxAttempts": 100}
    stack.get_waiter("stack_update_complete").wait(StackName="cfn", WaiterConfig=waiting)
    assert emulator.invoke("cfn-function:live", 2)[1] == {"version": "Two", "event": 2}
    assert emulator.invoke("cfn-function:1", 3)[1] == {"version": "One", "event": 3}
    stack.delete_stack(StackName="cfn")
    stack.get_waiter("stack_delete_complete").wait(StackName="cfn", WaiterConfig=waiting)
    s3 = emulator.client("s3")
    assert s3.get_object(Bucket="cfn-data", Key="kept")["Body"].read() == b"x"
    assert "cfn-logs" not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


def test_a_bucket_with_objects_or_versions_cannot_be_deleted(emulator: Any) -> None:
    client, s3 = emulator.client("cloudformation"), emulator.client("s3")
    properties = {"BucketName": "cfn-full", "VersioningConfiguration": {"Status": "Enabled"}}
    body = {"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": properties}}}
    waiting = {"Delay": 0.2, "MaxAttempts": 50}
    client.create_stack(StackName="full", TemplateBody=json.dumps(body))
    client.get_waiter("stack_create_complete").wait(StackName="full", WaiterConfig=waiting)

    def refused() -> bool:
        client.delete_stack(StackName="full")
        with pytest.raises(WaiterError, match="DELETE_FAILED"):
            client.get_waiter("stack_delete_complete").wait(StackName="full", WaiterConfig=waiting)
        return True

    version = s3.put_object(Bucket="cfn-full", Key="k", Body=b"x")["VersionId"]
    assert refused()
    marker = s3.delete_object(Bucket="cfn-full", Key="k")["VersionId"]
    assert refused()
    for one in (version, marker):
        s3.delete_object(Bucket="cfn-full", Key="k", VersionId=one)
    client.delete_stack(StackName="full")
    client.get_waiter("stack_delete_complete").wait(StackName="full", WaiterConfig=waiting)

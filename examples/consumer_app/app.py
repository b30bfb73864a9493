#!/usr/bin/env python3
"""Reinforcement fine-tuning inside an app that exists: its own bucket, key, roles, VPC and state machine.

Input of the state machine: `{"run_id": the execution's name, "recipe": {...}}`.
"""

import os

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks

from bedrock_rft import (
    CustomizationRole,
    DatasetBucket,
    HandlerPlatform,
    PlanFacts,
    PlatformResources,
    PlatformSettings,
    RewardCode,
    RewardFunction,
    RewardSpec,
    RftDashboard,
    RftKey,
    RftNetwork,
    RftSweeper,
    TrainingJob,
    WorkflowHandlers,
)

ENVIRONMENT = "research"

app = cdk.App()
# `-c platform=host` makes functions for an embedded AWS on this machine.
platform = HandlerPlatform(app.node.try_get_context("platform") or "arm64")
stack = cdk.Stack(
    app,
    "Tickets",
    env=cdk.Environment(account=os.environ["CDK_DEFAULT_ACCOUNT"], region=os.environ["CDK_DEFAULT_REGION"]),
)

# What this app has anyway.
own_key = kms.Key(stack, "CompanyKey", enable_key_rotation=True)
own_bucket = s3.Bucket(
    stack, "Lake", encryption=s3.BucketEncryption.KMS, encryption_key=own_key, enforce_ssl=True, versioned=True
)
own_vpc = ec2.Vpc(stack, "Vpc", availability_zones=[f"{stack.region}a", f"{stack.region}b"], nat_gateways=1)
own_role = iam.Role(stack, "Trainer", assumed_by=CustomizationRole.principal(stack))
function_role = iam.Role(stack, "Grader", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
news = sns.Topic(stack, "News", master_key=own_key)

# The same, as the library's constructs take it.
key = RftKey.from_key(stack, "Key", own_key)
datasets = DatasetBucket.from_bucket(stack, "Datasets", own_bucket, key=key)
network = RftNetwork(stack, "Network", vpc=own_vpc)

reward = RewardFunction(
    stack,
    "Teams",
    code=RewardCode.builtin(
        RewardSpec(name="teams", grader="label", options={"labels": ["billing", "shipping"]}), platform=platform
    ),
    environment_name=ENVIRONMENT,
    role=function_role,
    encryption_key=own_key,
    network=network,
)
customization_role = CustomizationRole(
    stack, "CustomizationRole", datasets=datasets, key=key, rewards=[reward], role=own_role, network=network
)
handlers = WorkflowHandlers(
    stack,
    "Handlers",
    environment_name=ENVIRONMENT,
    datasets=datasets,
    key=key,
    rewards=[reward],
    customization_role=customization_role,
    topic=news,
    platform=platform,
    network=network,
)
facts = PlanFacts(
    settings=PlatformSettings(environment=ENVIRONMENT, poll_first_seconds=60, poll_max_seconds=600, deadline_hours=24),
    resources=PlatformResources(
        bucket=own_bucket.bucket_name,
        key_arn=own_key.key_arn,
        customization_role_arn=own_role.role_arn,
        topic_arn=news.topic_arn,
        rewards={reward.reward_name: reward.function.function_name},
        reward_facts={reward.reward_name: reward.facts},
        job_network=network.job_network,
    ),
)

# A run is trained by the library and judged by this team: whoever reads the message answers its token with an outcome.
run = {"run_id": sfn.JsonPath.string_at("$.run_id")}
execution = {"execution": sfn.JsonPath.string_at("$$.Execution.Id")}
plan = handlers.plan.task(
    stack, "Plan", payload={**run, **execution, "recipe": sfn.JsonPath.object_at("$.recipe"), **facts.to_json()}
)
validate = handlers.validate.task(stack, "Validate", payload=run)
freeze = handlers.freeze.task(stack, "Freeze", payload=run)
certify = handlers.certify.task(stack, "Certify", payload=run)
training = TrainingJob(stack, "Train", start=handlers.train_start, poll=handlers.train_poll, settings=facts.settings)
judge = tasks.SnsPublish(
    stack,
    "Judge",
    topic=news,
    message=sfn.TaskInput.from_object({**run, "token": sfn.JsonPath.task_token}),
    integration_pattern=sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
    result_path="$.verdict",
)
close = handlers.close.task(
    stack,
    "Close",
    payload={
        **run,
        **execution,
        "outcome": sfn.JsonPath.string_at("$.verdict.outcome"),
        "reason": sfn.JsonPath.string_at("$.verdict.reason"),
    },
)
closed_after_error = handlers.close.task(
    stack,
    "CloseAfterError",
    payload={
        "run_id": sfn.JsonPath.string_at("$$.Execution.Name"),
        **execution,
        "error": sfn.JsonPath.object_at("$.error"),
    },
)
for step in (plan, validate, freeze, certify, training, judge):
    step.add_catch(closed_after_error, errors=[sfn.Errors.ALL], result_path="$.error")
steps = plan.next(validate).next(freeze).next(certify).next(training).next(judge).next(close)
machine = sfn.StateMachine(
    stack, "Training", definition_body=sfn.DefinitionBody.from_chainable(steps), timeout=cdk.Duration.days(3)
)
key.grant_use(machine)  # for the messages, which the key encrypts
# An execution that is under way when the next version is deployed goes on with the versions that it began with.
for handler in (
    handlers.plan,
    handlers.validate,
    handlers.freeze,
    handlers.certify,
    handlers.train_start,
    handlers.train_poll,
    handlers.close,
):
    handler.grant_invoke_versions(machine)
RftSweeper(
    stack,
    "Sweeper",
    settings=facts.settings,
    datasets=datasets,
    key=key,
    rewards=[reward],
    close=handlers.close.function,
    state_machine=machine,
    platform=platform,
    network=network,
)

RftDashboard(stack, "Dashboard", dashboard_name="tickets-training", rewards=[reward], workflow=machine)
app.synth()

"""The one deployable stack of an environment."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, DefaultStackSynthesizer, Environment, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from bedrock_rft import (
    CodeRunner,
    CustomizationRole,
    DatasetBucket,
    DatasetChecks,
    InvocationLogSampler,
    JudgeGrants,
    PeoplePolicies,
    PromotionNotice,
    ReleaseKey,
    RewardCode,
    RewardFunction,
    RftAlarms,
    RftDashboard,
    RftKey,
    RftKeyBase,
    RftNetwork,
    RftTopic,
    RftWorkflow,
    RunGrants,
)
from rft_contract.outputs import StackOutputs
from stacks.concurrency import check_concurrency
from stacks.config import InvocationLogs, RftConfig
from stacks.github import let_github_in
from stacks.network import Network
from stacks.pipeline_role import let_pipeline_in


class RftPlatformStack(Stack):
    """Composes the constructs in scopes: Data (stateful, and what checks it), Training, Monitoring, Pipelines, People.

    The scopes are part of the logical ids: moving a stateful construct to another one would replace the resource.
    """

    def __init__(self, scope: Construct, construct_id: str, *, config: RftConfig) -> None:
        """Define an environment.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            config: The environment's data.
        """
        super().__init__(
            scope,
            construct_id,
            stack_name=config.stack_name,
            description=f"Reinforcement fine-tuning platform, environment {config.environment}",
            env=Environment(account=config.account, region=config.region),
            synthesizer=DefaultStackSynthesizer(qualifier=config.bootstrap_qualifier),
            termination_protection=config.retain_data,
        )
        removal_policy = RemovalPolicy.RETAIN if config.retain_data else RemovalPolicy.DESTROY

        data = Construct(self, "Data")
        self.key = _key(data, config, removal_policy)
        self.release_key = ReleaseKey(
            data, "ReleaseKey", administrators=config.key_administrators, removal_policy=removal_policy
        )
        self.datasets = DatasetBucket(
            data,
            "Datasets",
            key=self.key,
            rollout_days=config.rollout_days,
            log_sample_days=config.log_sample_days,
            replication=config.replication,
            removal_policy=removal_policy,
        )
        self.network = self._network(config, config.network, removal_policy) if config.network else None
        self.dataset_checks = DatasetChecks(
            data,
            "DatasetChecks",
            datasets=self.datasets,
            key=self.key,
            environment_name=config.environment,
            platform=config.handler_platform,
            network=self.network,
            reserved_concurrency=config.handler_concurrency,
            log_retention=config.log_retention,
            removal_policy=removal_policy,
        )
        self.log_sampler = self._log_sampler(data, config, config.invocation_logs) if config.invocation_logs else None

        monitoring = Construct(self, "Monitoring")
        self.topic = RftTopic(monitoring, "Topic", key=self.key, emails=config.alarm_emails)

        training = Construct(self, "Training")
        rewards = Construct(training, "Rewards")
        codes = [RewardCode.of(reward, platform=config.handler_platform) for reward in config.rewards]
        runner = _code_runner(training, config, codes)
        self.rewards = [
            RewardFunction(
                rewards,
                code.name,
                code=code,
                environment_name=config.environment,
                code_runner=runner if "runner" in code.services else None,
                judge=_judge(code, config),
                encryption_key=self.key.key,
                network=self.network,
                reserved_concurrency=config.reward_concurrency,
                log_retention=config.log_retention,
                removal_policy=removal_policy,
            )
            for code in codes
        ]
        self.customization_role = CustomizationRole(
            training,
            "CustomizationRole",
            datasets=self.datasets,
            key=self.key,
            rewards=self.rewards,
            unqualified_rewards=config.settings.grader_qualifier == "none",
            network=self.network,
        )
        self.workflow = RftWorkflow(
            training,
            "Workflow",
            settings=config.settings,
            datasets=self.datasets,
            key=self.key,
            rewards=self.rewards,
            customization_role=self.customization_role,
            topic=self.topic.topic,
            release_key=self.release_key,
            platform=config.handler_platform,
            network=self.network,
            reserved_concurrency=config.handler_concurrency,
            prices=config.prices,
            max_concurrency=config.max_concurrency,
            hours_beside_training=config.hours_beside_training,
            log_retention=config.log_retention,
            removal_policy=removal_policy,
        )

        self.dashboard = RftDashboard(
            monitoring,
            "Dashboard",
            dashboard_name=config.stack_name,
            rewards=self.rewards,
            workflow=self.workflow,
        )
        notice = self._let_pipelines_in(config, removal_policy)
        RftAlarms(
            monitoring,
            "Alarms",
            rewards=self.rewards,
            workflow=self.workflow,
            topic=self.topic,
            dataset_checks=self.dataset_checks,
            promotion_notice=notice,
            more_topics=[
                sns.Topic.from_topic_arn(monitoring, f"Topic{number}", arn)
                for number, arn in enumerate(config.alarm_topic_arns, start=1)
            ],
        )
        if config.people:
            PeoplePolicies(
                self,
                "People",
                workflow=self.workflow,
                datasets=self.datasets,
                key=self.key,
                rewards=self.rewards,
                dashboard=self.dashboard,
                log_sampler=self.log_sampler,
                authors_start_runs=config.authors_start_runs,
            )
        check_concurrency(self, config)
        for name, value in self._outputs(config).to_outputs().items():
            CfnOutput(self, name, value=value)

    def _network(self, config: RftConfig, network: Network, removal_policy: RemovalPolicy) -> RftNetwork:
        """Define where functions and jobs run."""
        scope = Construct(self, "Network")
        return RftNetwork(
            scope,
            "Vpc",
            vpc=network.existing_vpc(scope),
            cidr=network.cidr,
            availability_zones=network.availability_zones,
            encryption_key=self.key.key,
            log_retention=config.log_retention,
            removal_policy=removal_policy,
        )

    def _log_sampler(self, scope: Construct, config: RftConfig, logs: InvocationLogs) -> InvocationLogSampler:
        """Define what samples production's logs."""
        return InvocationLogSampler(
            scope,
            "LogSampler",
            logs_bucket=s3.Bucket.from_bucket_name(scope, "InvocationLogs", logs.bucket),
            logs_prefix=logs.prefix,
            logs_key=kms.Key.from_key_arn(scope, "InvocationLogsKey", logs.key_arn) if logs.key_arn else None,
            datasets=self.datasets,
            key=self.key,
            environment_name=config.environment,
            platform=config.handler_platform,
            network=self.network,
            max_concurrency=config.max_concurrency,
            reserved_concurrency=config.handler_concurrency and config.handler_concurrency * config.max_concurrency,
            log_retention=config.log_retention,
            removal_policy=RemovalPolicy.RETAIN if config.retain_data else RemovalPolicy.DESTROY,
        )

    def _let_pipelines_in(self, config: RftConfig, removal_policy: RemovalPolicy) -> PromotionNotice | None:
        """Define the roles of pipelines that work in this environment; return what tells GitHub of promotions."""
        if config.github is None and config.pipeline_account is None:
            return None
        scope = Construct(self, "Pipelines")
        runs = RunGrants(workflow=self.workflow, datasets=self.datasets, key=self.key, rewards=self.rewards)
        if config.pipeline_account is not None:
            let_pipeline_in(scope, config.pipeline_account, config.stack_name, runs=runs)
        if config.github is None:
            return None
        return let_github_in(
            scope,
            config.github,
            config.environment,
            runs=runs,
            bootstrap_qualifier=config.bootstrap_qualifier,
            removal_policy=removal_policy,
        )

    def _outputs(self, config: RftConfig) -> StackOutputs:
        return StackOutputs(
            bucket=self.datasets.bucket.bucket_name,
            key_arn=self.key.key.key_arn,
            release_key_arn=self.release_key.key.key_arn,
            state_machine_arn=self.workflow.state_machine.state_machine_arn,
            close_function=self.workflow.handlers.close.function.function_name,
            sweep_function=self.workflow.sweeper.function.function_name,
            rollback_function=self.workflow.releases.rollback.function.function_name,
            dashboard=self.dashboard.dashboard.dashboard_name,
            topic_arn=self.topic.topic.topic_arn,
            rewards={reward.reward_name: reward.function.function_name for reward in self.rewards},
            keep_releases=config.settings.keep_releases,
            rejected_model_days=config.settings.rejected_model_days,
            log_sampler_arn=self.log_sampler.state_machine.state_machine_arn if self.log_sampler else None,
        )


def _key(scope: Construct, config: RftConfig, removal_policy: RemovalPolicy) -> RftKeyBase:
    """Define the environment's key, or refer to the one that exists."""
    if config.key_arn is None:
        return RftKey(scope, "Key", administrators=config.key_administrators, removal_policy=removal_policy)
    key = RftKey.from_key_arn(
        scope,
        "Key",
        config.key_arn,
        key_policy_managed_elsewhere=config.key_policy_managed_elsewhere,
        removal_policy=removal_policy,
    )
    # `cdk synth` shows only errors of stacks that it selects, and without a name it selects none of a stage's.
    for entry in key.node.metadata:
        if entry.type == "aws:cdk:error":
            raise ValueError(f"{config.environment}: {entry.data}")
    return key


def _code_runner(scope: Construct, config: RftConfig, codes: Sequence[RewardCode]) -> CodeRunner | None:
    """Define what runs programs, when a reward needs it; every such reward's calls may reach it at once."""
    callers = sum("runner" in code.services for code in codes)
    if not callers:
        return None
    return CodeRunner(
        scope,
        "CodeRunner",
        architecture=config.handler_platform.architecture,
        reserved_concurrency=config.reward_concurrency and config.reward_concurrency * callers,
    )


def _judge(code: RewardCode, config: RftConfig) -> JudgeGrants | None:
    """Return the grants of the models that a reward asks, or None when it asks none."""
    if not code.judge_models:
        return None
    return JudgeGrants(*code.judge_models, allow_global=config.allow_global_judges)

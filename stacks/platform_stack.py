"""The one deployable stack of an environment."""

from aws_cdk import CfnOutput, Environment, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from bedrock_rft import (
    CodeRunner,
    CustomizationRole,
    DatasetBucket,
    DatasetChecks,
    InvocationLogSampler,
    JudgeGrants,
    RewardCode,
    RewardFunction,
    RftAlarms,
    RftDashboard,
    RftKey,
    RftTopic,
    RftWorkflow,
)
from rft_contract.naming import stack_name
from rft_contract.outputs import StackOutputs
from stacks.config import InvocationLogs, RftConfig


class RftPlatformStack(Stack):
    """Composes the constructs in three scopes: Data (stateful, and what checks it), Training, Monitoring.

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
            stack_name=stack_name(config.environment),
            description=f"Reinforcement fine-tuning platform, environment {config.environment}",
            env=Environment(account=config.account, region=config.region),
            termination_protection=config.retain_data,
        )
        removal_policy = RemovalPolicy.RETAIN if config.retain_data else RemovalPolicy.DESTROY

        data = Construct(self, "Data")
        self.key = RftKey(data, "Key", administrators=config.key_administrators, removal_policy=removal_policy)
        self.datasets = DatasetBucket(data, "Datasets", key=self.key, removal_policy=removal_policy)
        self.dataset_checks = DatasetChecks(
            data,
            "DatasetChecks",
            datasets=self.datasets,
            key=self.key,
            environment_name=config.environment,
            platform=config.handler_platform,
            log_retention=config.log_retention,
            removal_policy=removal_policy,
        )
        self.log_sampler = self._log_sampler(data, config, config.invocation_logs) if config.invocation_logs else None

        monitoring = Construct(self, "Monitoring")
        self.topic = RftTopic(monitoring, "Topic", key=self.key, email=config.alarm_email)

        training = Construct(self, "Training")
        rewards = Construct(training, "Rewards")
        codes = [RewardCode.of(reward, platform=config.handler_platform) for reward in config.rewards]
        runs_programs = any("runner" in code.services for code in codes)
        architecture = config.handler_platform.architecture
        runner = CodeRunner(training, "CodeRunner", architecture=architecture) if runs_programs else None
        self.rewards = [
            RewardFunction(
                rewards,
                code.name,
                code=code,
                environment_name=config.environment,
                code_runner=runner if "runner" in code.services else None,
                judge=_judge(code, config),
                encryption_key=self.key.key,
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
            platform=config.handler_platform,
            prices=config.prices,
            max_concurrency=config.max_concurrency,
            hours_beside_training=config.hours_beside_training,
            log_retention=config.log_retention,
            removal_policy=removal_policy,
        )

        self.dashboard = RftDashboard(
            monitoring,
            "Dashboard",
            dashboard_name=stack_name(config.environment),
            rewards=self.rewards,
            workflow=self.workflow,
        )
        RftAlarms(
            monitoring,
            "Alarms",
            rewards=self.rewards,
            workflow=self.workflow,
            topic=self.topic,
            dataset_checks=self.dataset_checks,
        )
        for name, value in self._outputs(config).to_outputs().items():
            CfnOutput(self, name, value=value)

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
            log_retention=config.log_retention,
            removal_policy=RemovalPolicy.RETAIN if config.retain_data else RemovalPolicy.DESTROY,
        )

    def _outputs(self, config: RftConfig) -> StackOutputs:
        return StackOutputs(
            bucket=self.datasets.bucket.bucket_name,
            key_arn=self.key.key.key_arn,
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


def _judge(code: RewardCode, config: RftConfig) -> JudgeGrants | None:
    """Return the grants of the models that a reward asks, or None when it asks none."""
    if not code.judge_models:
        return None
    return JudgeGrants(*code.judge_models, allow_global=config.allow_global_judges)

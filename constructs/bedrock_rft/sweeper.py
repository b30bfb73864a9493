"""What looks every 15 minutes for what was left: the guarantee behind events that may be lost."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from bedrock_rft.constraints import BEDROCK_IDS, EXECUTIONS, NO_RESOURCE_LEVEL
from bedrock_rft.dataset_bucket_base import DatasetBucketBase
from bedrock_rft.dead_letters import dead_letters, keep_failures
from bedrock_rft.handler import Handler, handler_code
from bedrock_rft.handler_platform import HandlerPlatform
from bedrock_rft.key import RftKeyBase
from bedrock_rft.live_deployments import deny_live, deployments_arn
from bedrock_rft.nag import Constraint, acknowledge_wildcards
from bedrock_rft.network import RftNetwork
from bedrock_rft.reward_function import RewardFunctionBase
from bedrock_rft.tag_conditions import Conditions, belongs_to
from rft_contract.layout import OPEN_RUNS, RELEASES, RUNS
from rft_contract.settings import FunctionEnvironment, PlatformSettings


class RftSweeper(Construct):
    """A function that every 15 minutes ends what was left, its schedule, and its dead letters.

    * A run that is not closed although its execution is over is handed to the closing handler, and so is one whose
      closing could not do everything.
    * Customization jobs, candidates' deployments and run aliases whose run has been over for an hour are ended.
    * Custom models go that are neither one of a line's last `keep_releases` releases nor served by a deployment: those
      of older releases, and those of rejected candidates after `rejected_model_days`.

    It reads records and releases, and writes nothing. Jobs, models and deployments must bear the environment's tag; one
    that is tagged `rft:role=live` is denied to it. A sweep that failed, or never began, waits for an hour in
    `dead_letters`: the next sweep does what it could not.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: PlatformSettings,
        datasets: DatasetBucketBase,
        key: RftKeyBase,
        rewards: Sequence[RewardFunctionBase],
        close: lambda_.IFunction,
        state_machine: sfn.StateMachine,
        platform: HandlerPlatform = HandlerPlatform.ARM64,
        network: RftNetwork | None = None,
        reserved_concurrency: int | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        """Define the sweeper.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            settings: Decisions about the environment, among them how long models stay.
            datasets: Where runs and releases lie.
            key: Encrypts data and logs.
            rewards: The reward functions whose aliases are looked at.
            close: The closing handler.
            state_machine: The workflow whose executions are the runs.
            platform: Where the function runs. Default: ARM64.
            network: Where it runs. Default: - outside of any VPC.
            reserved_concurrency: Calls at once, set aside for the function. Default: - the account's pool.
            log_retention: How long logs are kept. Default: one month.
            removal_policy: Of log group and dead letters. Default: RETAIN.
        """
        super().__init__(scope, construct_id)
        self.handler = Handler(
            self,
            "Sweep",
            module="sweep",
            code=handler_code(platform),
            architecture=platform.architecture,
            environment=FunctionEnvironment(bucket=datasets.bucket.bucket_name, environment=settings.environment),
            timeout=Duration.minutes(5),
            memory_mib=512,
            encryption_key=key.key,
            network=network,
            reserved_concurrency=reserved_concurrency,
            log_retention=log_retention,
            removal_policy=removal_policy,
        )
        self.function = self.handler.function
        self.dead_letters = dead_letters(self, retention=Duration.hours(1), removal_policy=removal_policy)
        self._sweep_regularly(settings, rewards, close)
        self._grant_reading(datasets, key, state_machine)
        self._grant_ending(settings.environment, rewards, close)

    def grant_invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal sweep at once, as `rft teardown` does."""
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["lambda:InvokeFunction"], resource_arns=[self.function.function_arn]
        )

    def metric_not_swept(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Return how many sweeps of the last hour could not do everything.

        Args:
            period: Default: 5 minutes.
        """
        return self.dead_letters.metric_approximate_number_of_messages_visible(period=period)

    def _sweep_regularly(
        self, settings: PlatformSettings, rewards: Sequence[RewardFunctionBase], close: lambda_.IFunction
    ) -> None:
        rule = events.Rule(
            self,
            "Schedule",
            description="Ends what runs left behind",
            schedule=events.Schedule.rate(Duration.minutes(15)),
        )
        asked = {
            "rewards": [reward.function.function_name for reward in rewards],
            "close_function": close.function_name,
            "keep_releases": settings.keep_releases,
            "rejected_model_days": settings.rejected_model_days,
        }
        rule.add_target(
            targets.LambdaFunction(
                self.function,
                dead_letter_queue=self.dead_letters,
                event=events.RuleTargetInput.from_object(asked),
                max_event_age=Duration.minutes(15),
                retry_attempts=2,
            )
        )
        # The next sweep is the retry.
        keep_failures(self.function, self.dead_letters, retry_attempts=0)

    def _grant_reading(self, datasets: DatasetBucketBase, key: RftKeyBase, state_machine: sfn.StateMachine) -> None:
        role = self.handler.role
        datasets.grant_get(role, f"{RUNS}*/run.json", f"{RELEASES}*", f"{OPEN_RUNS}*")
        datasets.grant_list(role)
        key.grant_decrypt(role)
        executions = Stack.of(self).format_arn(
            service="states",
            resource="execution",
            resource_name=f"{state_machine.state_machine_name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        self._grant(("states:DescribeExecution",), (executions,), reason=EXECUTIONS)
        listings = ("ListModelCustomizationJobs", "ListCustomModelDeployments", "ListCustomModels")
        self._grant([f"bedrock:{action}" for action in listings], ("*",), reason=NO_RESOURCE_LEVEL)

    def _grant_ending(self, environment: str, rewards: Sequence[RewardFunctionBase], close: lambda_.IFunction) -> None:
        iam.Grant.add_to_principal(
            grantee=self.handler.role, actions=["lambda:InvokeFunction"], resource_arns=[close.function_arn]
        )
        for reward in rewards:
            reward.grant_sweep_run_aliases(self.handler.role)
        jobs, models = self._arn("model-customization-job"), self._arn("custom-model")
        deployments = deployments_arn(self)
        ours = belongs_to(environment)
        self._grant(("bedrock:ListTagsForResource",), (jobs, models, deployments), reason=BEDROCK_IDS)
        self._grant(("bedrock:GetModelCustomizationJob",), (jobs,), reason=BEDROCK_IDS)
        for action, arn in (
            ("bedrock:StopModelCustomizationJob", jobs),
            ("bedrock:DeleteCustomModelDeployment", deployments),
            ("bedrock:DeleteCustomModel", models),
        ):
            self._grant((action,), (arn,), reason=BEDROCK_IDS, conditions=ours)
        deny_live(self.handler.role)

    def _grant(
        self,
        actions: Sequence[str],
        arns: Sequence[str],
        *,
        reason: Constraint,
        conditions: Conditions | None = None,
    ) -> None:
        iam.Grant.add_to_principal(
            grantee=self.handler.role,
            actions=list(actions),
            resource_arns=list(arns),
            conditions=dict(conditions or {}),
        )
        acknowledge_wildcards(self.handler.role, arns, reason=reason)

    def _arn(self, resource: str) -> str:
        """Return the pattern of every Bedrock resource of a kind."""
        return Stack.of(self).format_arn(
            service="bedrock", resource=resource, resource_name="*", arn_format=ArnFormat.SLASH_RESOURCE_NAME
        )

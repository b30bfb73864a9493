"""The Lambda function that grades rollouts."""

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from bedrock_rft.code_runner import CodeRunnerBase
from bedrock_rft.constraints import RUN_ALIASES
from bedrock_rft.judge_grants import JudgeGrants
from bedrock_rft.nag import acknowledge_wildcards
from bedrock_rft.network import RftNetwork
from bedrock_rft.reward_code import RewardCode
from bedrock_rft.versioned_function import VersionedFunction
from rft_contract.metrics import NAMESPACE, Dimension, MetricName
from rft_contract.naming import check_environment, reward_alias
from rft_contract.reward_facts import RewardFacts
from rft_contract.services import REWARD_HASH

LIVE = "live"
"""Alias of the newest version."""


class RewardFunctionBase(Construct):
    """A reward function, made here or imported: its grants and metrics."""

    reward_name: str
    """What recipes call it."""

    environment_name: str
    """The environment in whose metrics it appears."""

    function: lambda_.IFunction
    """The function, unqualified."""

    facts: RewardFacts
    """What Plan must know of it; of a function of another stack nothing is known."""

    def grant_invoke_runs(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal call the function through the aliases of runs, and not otherwise."""
        return self._grant(grantee, ("lambda:InvokeFunction",), self.run_aliases_arn)

    def grant_invoke_unqualified(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal call the function without a qualifier; runs then lose their protection from deployments."""
        return self._grant(grantee, ("lambda:InvokeFunction",), self.function.function_arn)

    def grant_create_run_alias(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal look up the alias `live` and create the aliases of runs."""
        return self._grant(grantee, ("lambda:GetAlias", "lambda:CreateAlias"), self.function.function_arn)

    def grant_look_at_concurrency(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal look how many calls at once are set aside for the function."""
        return self._grant(grantee, ("lambda:GetFunctionConcurrency",), self.function.function_arn)

    def grant_delete_run_alias(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal delete aliases."""
        return self._grant(grantee, ("lambda:DeleteAlias",), self.function.function_arn)

    def grant_sweep_run_aliases(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal list aliases and delete them."""
        return self._grant(grantee, ("lambda:DeleteAlias", "lambda:ListAliases"), self.function.function_arn)

    @property
    def run_aliases_arn(self) -> str:
        """Pattern of the ARNs of the aliases of runs."""
        return f"{self.function.function_arn}:{reward_alias('')}*"

    def metric(
        self, name: MetricName, *, statistic: str = "Average", period: Duration | None = None
    ) -> cloudwatch.Metric:
        """Return one of the metrics that the function emits for the rollouts of all runs.

        Args:
            name: Which.
            statistic: Default: `Average`.
            period: Default: 1 minute.
        """
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name.value,
            dimensions_map={
                Dimension.ENVIRONMENT.value: self.environment_name,
                Dimension.REWARD.value: self.reward_name,
            },
            label=f"{self.reward_name} {name.value}",
            statistic=statistic,
            period=period or Duration.minutes(1),
        )

    def metric_reward(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Return the mean reward of training rollouts."""
        return self.metric(MetricName.REWARD, period=period)

    def metric_invalid_share(self, *, period: Duration | None = None) -> cloudwatch.MathExpression:
        """Return the share of rollouts that could not be graded, in percent; 0 while nothing is graded."""
        # A graph of several rewards needs ids of its own for each.
        suffix = self.reward_name.replace("-", "_")
        graded, invalid = f"graded_{suffix}", f"invalid_{suffix}"
        return cloudwatch.MathExpression(
            expression=f"IF({graded} + {invalid} > 0, 100 * {invalid} / ({graded} + {invalid}), 0)",
            using_metrics={
                graded: self.metric(MetricName.GRADED, statistic="Sum", period=period),
                invalid: self.metric(MetricName.INVALID, statistic="Sum", period=period),
            },
            label=f"{self.reward_name} invalid %",
            period=period or Duration.minutes(1),
        )

    def _grant(self, grantee: iam.IGrantable, actions: tuple[str, ...], *arns: str) -> iam.Grant:
        grant = iam.Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=list(arns))
        acknowledge_wildcards(grantee, arns, reason=RUN_ALIASES)
        return grant


class RewardFunction(RewardFunctionBase):
    """A Lambda function that scores rollouts, called by Bedrock during training and by the workflow's evaluation.

    Defines the function with its own asset, role and log group, keeps every published version, and moves the alias
    `live` to the newest. A run calls its own alias, created when it starts, so that a deployment never changes a run.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        code: RewardCode,
        environment_name: str,
        code_runner: CodeRunnerBase | None = None,
        judge: JudgeGrants | None = None,
        role: iam.IRole | None = None,
        encryption_key: kms.IKey | None = None,
        network: RftNetwork | None = None,
        timeout: Duration | None = None,
        memory_mib: int = 512,
        reserved_concurrency: int | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        """Define a reward function.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            code: Its name and its code, for the machine that the code is for: `RewardCode.builtin(spec)`,
                `RewardCode.composed(path)` or `RewardCode.from_directory(path)`.
            environment_name: The environment in whose metrics it appears.
            code_runner: Executes programs for the grader `code`; left aside by code without it. Default: - none.
            judge: The models that it may ask, for the graders `judge` and `verified_judge`; left aside by code without
                them. Default: - none.
            role: A role of yours that trusts Lambda, for this function alone; it gets the rights that it needs.
                Default: - a new one.
            encryption_key: Encrypts its logs. Default: - a key of AWS.
            network: Where it runs. Default: - outside of any VPC.
            timeout: Longest call, at most 15 minutes. Default: 5 minutes.
            memory_mib: Memory, 128 to 10240 MiB. Default: 512.
            reserved_concurrency: Calls at once, set aside for it and shared by all runs. Default: - the account's pool.
            log_retention: How long its logs are kept. Default: one month.
            removal_policy: Of its log group. Default: RETAIN.

        Raises:
            ValueError: When a number lies outside its bounds, or the code needs a code runner or a judge and there is
                none.
        """
        super().__init__(scope, construct_id)
        timeout = timeout or Duration.minutes(5)
        if not 1 <= timeout.to_seconds() <= 900:
            raise ValueError(f"timeout: got {timeout.to_seconds():g} s, Lambda accepts 1 to 900 s")
        if not 128 <= memory_mib <= 10240:
            raise ValueError(f"memory_mib: got {memory_mib}, Lambda accepts 128 to 10240")
        if reserved_concurrency is not None and reserved_concurrency < 1:
            raise ValueError(f"reserved_concurrency: got {reserved_concurrency}, wanted at least 1, or None")
        if "runner" in code.services and code_runner is None:
            raise ValueError(f"reward {code.name}: code_runner: got None, but its grader executes programs")
        if "judge" in code.services and judge is None:
            raise ValueError(f"reward {code.name}: judge: got None, but its grader asks a model")
        # The asset has no module for a service that its graders do not need: the variables alone would break its start.
        code_runner = code_runner if "runner" in code.services else None
        judge = judge if "judge" in code.services else None
        self.reward_name = code.name
        self.environment_name = check_environment(environment_name)
        self.facts = RewardFacts.of(code.spec, memory_mib=memory_mib, reserved_concurrency=reserved_concurrency)
        self._function = VersionedFunction(
            self,
            "Function",
            description=f"Grades rollouts with the reward {code.name}",
            code=code.code,
            handler=code.handler,
            architecture=code.platform.architecture,
            timeout=timeout,
            memory_mib=memory_mib,
            environment={
                "RFT_ENVIRONMENT": environment_name,
                REWARD_HASH: code.reward_hash,
                **(code_runner.variables if code_runner else {}),
                **(judge.variables if judge else {}),
            },
            role=role,
            encryption_key=encryption_key,
            network=network,
            reserved_concurrency=reserved_concurrency,
            log_retention=log_retention,
            removal_policy=removal_policy,
        )
        self.function = self._function.function
        self.role = self._function.role
        self.log_group = self._function.log_group
        if code_runner is not None:
            code_runner.grant_invoke(self.role)
        if judge is not None:
            judge.grant_invoke(self.role)
        self.live = lambda_.Alias(self, "Live", alias_name=LIVE, version=self._function.version)

    @classmethod
    def from_function_name(
        cls, scope: Construct, construct_id: str, function_name: str, *, reward_name: str, environment_name: str
    ) -> RewardFunctionBase:
        """Use a reward function of the same account and Region that another stack owns; it must keep the alias `live`.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            function_name: Name of the Lambda function.
            reward_name: What recipes shall call it.
            environment_name: The environment in whose metrics it appears.
        """
        return _ImportedRewardFunction(scope, construct_id, function_name, reward_name, environment_name)


class _ImportedRewardFunction(RewardFunctionBase):
    def __init__(
        self, scope: Construct, construct_id: str, function_name: str, reward_name: str, environment_name: str
    ) -> None:
        super().__init__(scope, construct_id)
        self.reward_name = reward_name
        self.environment_name = check_environment(environment_name)
        self.facts = RewardFacts()
        arn = Stack.of(self).format_arn(
            service="lambda", resource="function", resource_name=function_name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        self.function = lambda_.Function.from_function_attributes(
            self, "Resource", function_arn=arn, same_environment=True
        )

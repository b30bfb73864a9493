"""The Lambda functions that decide what is live, and exactly what each may do."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from bedrock_rft.dataset_bucket import DatasetBucket
from bedrock_rft.handler import Handler, handler_code
from bedrock_rft.handler_platform import HandlerPlatform
from bedrock_rft.key import RftKeyBase
from bedrock_rft.live_deployments import LIVE_ROLE, ROLE_TAG, deployments_arn
from bedrock_rft.nag import acknowledge_wildcards
from rft_contract.layout import RELEASES, RUNS
from rft_contract.naming import check_environment, live_alarm_name, release_parameter
from rft_contract.settings import FunctionEnvironment

_BORN_LATER = "Bedrock chooses the ids of models and deployments at run time; the tags of a resource confine the action"
_OF_LINES = "recipes choose the names of model lines, so only the part before them is known at deploy time"


class ReleaseHandlers(Construct):
    """Four functions from one asset, the only ones that may change what applications get.

    | Function | Called by | Does |
    |---|---|---|
    | promote_start, promote_poll | the workflow | makes a run's candidate the live release of its line |
    | rollback | people with `grant_rollback` | makes an earlier release serve again |
    | settle | a schedule, every 15 minutes | finishes or takes back what one of the others left half done |

    Each reads what its run evaluated and decided, writes `releases/*`, creates and updates deployments tagged
    `rft:role=live`, and writes the SSM parameters, the alarm and the event that tell of it. All but `rollback` may
    delete such a deployment: when a first promotion is taken back, there is nothing for it to serve.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment_name: str,
        datasets: DatasetBucket,
        key: RftKeyBase,
        platform: HandlerPlatform = HandlerPlatform.ARM64,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        """Define the functions and the schedule.

        Args:
            scope: Where they belong.
            construct_id: Its id there.
            environment_name: The environment's name.
            datasets: Where runs and releases lie.
            key: Encrypts data and logs.
            platform: Where the functions run. Default: ARM64.
            log_retention: How long logs are kept. Default: one month.
            removal_policy: Of the log groups. Default: RETAIN.
        """
        super().__init__(scope, construct_id)
        self._environment = check_environment(environment_name)
        code = handler_code(platform)

        def handler(module: str) -> Handler:
            return Handler(
                self,
                "".join(word.capitalize() for word in module.split("_")),
                module=module,
                code=code,
                architecture=platform.architecture,
                environment=FunctionEnvironment(bucket=datasets.bucket.bucket_name, environment=environment_name),
                # A manifest holds what was measured on every held-out prompt, as Decide reads it.
                timeout=Duration.minutes(5),
                memory_mib=1024,
                encryption_key=key.key,
                log_retention=log_retention,
                removal_policy=removal_policy,
            )

        self.promote_start = handler("promote_start")
        self.promote_poll = handler("promote_poll")
        self.rollback = handler("release_rollback")
        self.settle = handler("release_settle")
        for one in self.all:
            self._grant_objects(one, datasets, key)
            self._grant_deployments(one, may_delete=one is not self.rollback)
            self._grant_notices(one)
        rule = events.Rule(
            self,
            "Settle",
            description="Finishes or takes back changes of what is live that were left half done",
            schedule=events.Schedule.rate(Duration.minutes(15)),
        )
        rule.add_target(targets.LambdaFunction(self.settle.function, retry_attempts=0))

    @property
    def all(self) -> tuple[Handler, ...]:
        """Every function."""
        return (self.promote_start, self.promote_poll, self.rollback, self.settle)

    def grant_rollback(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a principal roll lines back through the function. It needs no right on Bedrock, and gets none."""
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=["lambda:InvokeFunction"], resource_arns=[self.rollback.function.function_arn]
        )

    def metric_not_settled(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Return how often a change of what is live could be neither finished nor taken back.

        Args:
            period: Default: 15 minutes, as often as that is tried.
        """
        return self.settle.function.metric_errors(period=period or Duration.minutes(15))

    def _grant_objects(self, handler: Handler, datasets: DatasetBucket, key: RftKeyBase) -> None:
        datasets.grant_get_and_put(handler.role, f"{RUNS}*/run.json", f"{RELEASES}*")
        datasets.grant_get(
            handler.role,
            f"{RUNS}*/decision.json",
            f"{RUNS}*/evaluation/shards.jsonl",
            f"{RUNS}*/evaluation/graded/*",
        )
        datasets.grant_list(handler.role)
        key.grant_use(handler.role)

    def _grant_deployments(self, handler: Handler, *, may_delete: bool) -> None:
        stack = Stack.of(self)
        deployments = deployments_arn(self)
        models = stack.format_arn(
            service="bedrock", resource="custom-model", resource_name="*", arn_format=ArnFormat.SLASH_RESOURCE_NAME
        )
        live = {"StringEquals": {f"aws:ResourceTag/{ROLE_TAG}": LIVE_ROLE}}
        to_be_live = {"StringEquals": {f"aws:RequestTag/{ROLE_TAG}": LIVE_ROLE}}
        ours = {"StringEquals": {"aws:ResourceTag/rft:environment": self._environment}}
        changes = ("UpdateCustomModelDeployment", *(("DeleteCustomModelDeployment",) if may_delete else ()))
        self._grant(handler, ("GetCustomModelDeployment", "ListTagsForResource"), (deployments,))
        self._grant(handler, ("CreateCustomModelDeployment",), (models, deployments), to_be_live)
        self._grant(handler, ("TagResource",), (deployments,), to_be_live)
        self._grant(handler, changes, (deployments,), live)
        self._grant(handler, ("UpdateCustomModelDeployment",), (models,), ours)

    def _grant_notices(self, handler: Handler) -> None:
        stack, colon = Stack.of(self), ArnFormat.COLON_RESOURCE_NAME
        names = release_parameter(self._environment, "*", "*").removeprefix("/")
        parameters = stack.format_arn(service="ssm", resource="parameter", resource_name=names)
        alarms = stack.format_arn(
            service="cloudwatch",
            resource="alarm",
            resource_name=live_alarm_name(self._environment, "*"),
            arn_format=colon,
        )
        bus = stack.format_arn(service="events", resource="event-bus", resource_name="default")
        for action, arn in (
            ("ssm:PutParameter", parameters),
            ("cloudwatch:PutMetricAlarm", alarms),
            ("events:PutEvents", bus),
        ):
            iam.Grant.add_to_principal(grantee=handler.role, actions=[action], resource_arns=[arn])
            acknowledge_wildcards(handler.role, [arn], reason=_OF_LINES)

    def _grant(
        self,
        handler: Handler,
        actions: Sequence[str],
        arns: Sequence[str],
        conditions: dict[str, dict[str, str]] | None = None,
    ) -> None:
        iam.Grant.add_to_principal(
            grantee=handler.role,
            actions=[f"bedrock:{action}" for action in actions],
            resource_arns=list(arns),
            conditions=dict(conditions or {}),
        )
        acknowledge_wildcards(handler.role, arns, reason=_BORN_LATER)

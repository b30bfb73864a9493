"""The Lambda functions that decide what is live, and exactly what each may do."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from bedrock_rft.constraints import BEDROCK_IDS, MODEL_LINES, SCHEDULED_AGAIN
from bedrock_rft.dataset_bucket_base import DatasetBucketBase
from bedrock_rft.handler import Handler, handler_code
from bedrock_rft.handler_platform import HandlerPlatform
from bedrock_rft.key import RftKeyBase
from bedrock_rft.live_deployments import deployments_arn
from bedrock_rft.nag import accept, acknowledge_wildcards
from bedrock_rft.network import RftNetwork
from bedrock_rft.release_handlers_base import ImportedReleaseHandlers, ReleaseHandlersBase
from bedrock_rft.release_key import ReleaseKey, ReleaseKeyBase
from bedrock_rft.tag_conditions import Conditions, belongs_to, creates_as
from rft_contract.layout import CERTIFICATES, RELEASES, RUNS, current_release_key
from rft_contract.naming import check_environment, live_alarm_name, release_parameter
from rft_contract.settings import FunctionEnvironment
from rft_contract.tags import LIVE_ROLE


class ReleaseHandlers(ReleaseHandlersBase):
    """Four functions from one asset, the only ones that may change what applications get.

    | Function | Called by | Does |
    |---|---|---|
    | promote_start, promote_poll | the workflow | makes a run's candidate the live release of its line |
    | rollback | people with `grant_rollback` | makes an earlier release serve again |
    | settle | a schedule, every 15 minutes | finishes or takes back what one of the others left half done |

    Each creates and updates deployments tagged `rft:role=live`, and writes which release is live, and the SSM
    parameters, the alarm and the event that tell of it. All but `rollback` read what a run evaluated and decided, sign
    and publish the evidence of its release, and may delete such a deployment: when a first promotion is taken back,
    there is nothing for it to serve.

    The bucket's policy denies everybody else to write `releases/*`, and the release key's policy to sign.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment_name: str,
        datasets: DatasetBucketBase,
        key: RftKeyBase,
        release_key: ReleaseKeyBase | None = None,
        platform: HandlerPlatform = HandlerPlatform.ARM64,
        network: RftNetwork | None = None,
        reserved_concurrency: int | None = None,
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
            release_key: Signs releases; it gets its signers here. Default: - a new one.
            platform: Where the functions run. Default: ARM64.
            network: Where they run. Default: - outside of any VPC.
            reserved_concurrency: Calls at once, set aside for each function. Default: - the account's pool.
            log_retention: How long logs are kept. Default: one month.
            removal_policy: Of the log groups. Default: RETAIN.
        """
        super().__init__(scope, construct_id, datasets=datasets, key=key)
        self._environment = check_environment(environment_name)
        self.release_key = release_key or ReleaseKey(self, "ReleaseKey", removal_policy=removal_policy)
        code = handler_code(platform)

        def handler(module: str, *, signs: bool = True) -> Handler:
            return Handler(
                self,
                "".join(word.capitalize() for word in module.split("_")),
                module=module,
                code=code,
                architecture=platform.architecture,
                environment=FunctionEnvironment(
                    bucket=datasets.bucket.bucket_name,
                    environment=environment_name,
                    signing_key=self.release_key.key.key_arn if signs else None,
                ),
                # A manifest holds what was measured on every held-out prompt, as Decide reads it.
                timeout=Duration.minutes(5),
                memory_mib=1024,
                encryption_key=key.key,
                network=network,
                reserved_concurrency=reserved_concurrency,
                log_retention=log_retention,
                removal_policy=removal_policy,
            )

        self.promote_start = handler("promote_start")
        self.promote_poll = handler("promote_poll")
        self.rollback = handler("release_rollback", signs=False)
        self.settle = handler("release_settle")
        self.rollback_function, self.settle_function = self.rollback.function, self.settle.function
        datasets.reserve_releases(*(one.role for one in self.all))
        signers = [one for one in self.all if one is not self.rollback]
        self.release_key.grant_sign(*(one.role for one in signers))
        for one in self.all:
            self._grant_objects(one, publishes=one in signers)
            self._grant_deployments(one, may_delete=one is not self.rollback)
            self._grant_notices(one)
        rule = events.Rule(
            self,
            "Settle",
            description="Finishes or takes back changes of what is live that were left half done",
            schedule=events.Schedule.rate(Duration.minutes(15)),
        )
        rule.add_target(targets.LambdaFunction(self.settle.function, retry_attempts=0))
        accept(rule, SCHEDULED_AGAIN)

    @property
    def all(self) -> tuple[Handler, ...]:
        """Every function."""
        return (self.promote_start, self.promote_poll, self.rollback, self.settle)

    @classmethod
    def from_function_names(
        cls,
        scope: Construct,
        construct_id: str,
        *,
        rollback: str,
        datasets: DatasetBucketBase,
        key: RftKeyBase,
        release_key: ReleaseKeyBase,
        settle: str | None = None,
    ) -> ReleaseHandlersBase:
        """Use the functions of another stack of the same account and Region.

        Args:
            scope: Where they belong.
            construct_id: Its id there.
            rollback: Name of the function that rolls back, which is the output `RollbackFunction` of this app's stack.
            datasets: Where runs and releases lie, such as `DatasetBucket.from_bucket`.
            key: Encrypts them, such as `RftKey.from_key_arn`.
            release_key: Signs releases, such as `ReleaseKey.from_key`.
            settle: Name of the function that settles, for `metric_not_settled`. Default: - not known.
        """
        return ImportedReleaseHandlers(
            scope,
            construct_id,
            rollback=rollback,
            settle=settle,
            datasets=datasets,
            key=key,
            release_key=release_key,
        )

    def _grant_objects(self, handler: Handler, *, publishes: bool) -> None:
        role, datasets = handler.role, self._datasets
        datasets.grant_get(role, f"{RUNS}*/run.json", f"{RELEASES}*")
        datasets.grant_put(role, f"{RUNS}*/run.json", f"{RELEASES}*" if publishes else current_release_key("*"))
        if publishes:
            datasets.grant_get(
                role,
                f"{RUNS}*/decision.json",
                f"{RUNS}*/evaluation/shards.jsonl",
                f"{RUNS}*/evaluation/graded/*",
                f"{CERTIFICATES}*",
            )
        datasets.grant_list(role)
        self._key.grant_use(role)

    def _grant_deployments(self, handler: Handler, *, may_delete: bool) -> None:
        stack = Stack.of(self)
        deployments = deployments_arn(self)
        models = stack.format_arn(
            service="bedrock", resource="custom-model", resource_name="*", arn_format=ArnFormat.SLASH_RESOURCE_NAME
        )
        live = belongs_to(self._environment, role=LIVE_ROLE)
        to_be_live = creates_as(self._environment, role=LIVE_ROLE)
        ours = belongs_to(self._environment)
        of_ours = {"StringEquals": {**to_be_live["StringEquals"], **ours["StringEquals"]}}
        changes = ("UpdateCustomModelDeployment", *(("DeleteCustomModelDeployment",) if may_delete else ()))
        self._grant(handler, ("GetCustomModelDeployment", "ListTagsForResource"), (deployments,))
        self._grant(handler, ("CreateCustomModelDeployment",), (models,), of_ours)
        self._grant(handler, ("CreateCustomModelDeployment", "TagResource"), (deployments,), to_be_live)
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
            acknowledge_wildcards(handler.role, [arn], reason=MODEL_LINES)

    def _grant(
        self,
        handler: Handler,
        actions: Sequence[str],
        arns: Sequence[str],
        conditions: Conditions | None = None,
    ) -> None:
        iam.Grant.add_to_principal(
            grantee=handler.role,
            actions=[f"bedrock:{action}" for action in actions],
            resource_arns=list(arns),
            conditions=dict(conditions or {}),
        )
        acknowledge_wildcards(handler.role, arns, reason=BEDROCK_IDS)

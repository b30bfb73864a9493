"""Datasets are checked when they arrive."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from bedrock_rft.dataset_bucket_base import DatasetBucketBase
from bedrock_rft.dead_letters import dead_letters, keep_failures
from bedrock_rft.handler import Handler, handler_code
from bedrock_rft.handler_platform import HandlerPlatform
from bedrock_rft.key import RftKeyBase
from bedrock_rft.network import RftNetwork
from rft_contract.layout import DATASET_SUFFIXES, DATASETS, REPORT_SUFFIX
from rft_contract.settings import FunctionEnvironment


class DatasetChecks(Construct):
    """Checks every dataset that is put into the bucket, and leaves a report beside it.

    An object under `datasets/` whose key ends in `.jsonl` or `.jsonl.gz` is read line by line; what is found is written
    to `<key>.report.json`, which starts nothing. Each dataset is checked by itself: what a run's datasets share, the
    workflow's Validate finds. It needs no workflow, and costs nothing while nothing arrives.

    The function may read `datasets/*` and write `datasets/*.report.json`. An event that cannot be delivered, or that
    the function fails on three times, waits in `dead_letters`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        datasets: DatasetBucketBase,
        key: RftKeyBase,
        environment_name: str,
        role: iam.IRole | None = None,
        platform: HandlerPlatform = HandlerPlatform.ARM64,
        network: RftNetwork | None = None,
        reserved_concurrency: int | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        """Define the rule and its function.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            datasets: Whose objects are checked.
            key: Encrypts the data and the function's logs.
            environment_name: The environment's name; reports tell it.
            role: A role of yours that trusts Lambda, for the function alone; it gets the rights that it needs. Default:
                - a new one.
            platform: Where the function runs. Default: ARM64.
            network: Where it runs. Default: - outside of any VPC.
            reserved_concurrency: Calls at once, set aside for the function. Default: - the account's pool.
            log_retention: How long its logs are kept. Default: one month.
            removal_policy: Of its log group and the dead letters. Default: RETAIN.
        """
        super().__init__(scope, construct_id)
        self.check = Handler(
            self,
            "CheckUpload",
            module="check_upload",
            code=handler_code(platform),
            architecture=platform.architecture,
            environment=FunctionEnvironment(bucket=datasets.bucket.bucket_name, environment=environment_name),
            timeout=Duration.minutes(15),
            memory_mib=1769,  # one whole processor, as Validate
            role=role,
            encryption_key=key.key,
            network=network,
            reserved_concurrency=reserved_concurrency,
            log_retention=log_retention,
            removal_policy=removal_policy,
        )
        datasets.grant_get(self.check.role, f"{DATASETS}*")
        datasets.grant_put(self.check.role, f"{DATASETS}*{REPORT_SUFFIX}")
        datasets.grant_list(self.check.role)
        key.grant_dataset_access(self.check.role)
        self.dead_letters = dead_letters(self, retention=Duration.days(14), removal_policy=removal_policy)
        self._check_on_arrival(datasets)
        # The rule's dead letters are events that Lambda never took; this keeps those that the function failed on.
        keep_failures(self.check.function, self.dead_letters, retry_attempts=2)

    def metric_not_checked(self, *, period: Duration | None = None) -> cloudwatch.Metric:
        """Return how many arrivals wait in the dead letters.

        Args:
            period: Default: 5 minutes.
        """
        return self.dead_letters.metric_approximate_number_of_messages_visible(period=period or Duration.minutes(5))

    def _check_on_arrival(self, datasets: DatasetBucketBase) -> None:
        rule = events.Rule(
            self,
            "DatasetArrived",
            description="Checks a dataset that was put into the bucket",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [datasets.bucket.bucket_name]},
                    # A prefix and a suffix of one field would be alternatives.
                    "object": {"key": [{"wildcard": f"{DATASETS}*{suffix}"} for suffix in DATASET_SUFFIXES]},
                },
            ),
        )
        rule.add_target(
            targets.LambdaFunction(
                self.check.function,
                dead_letter_queue=self.dead_letters,
                max_event_age=Duration.hours(2),
                retry_attempts=10,
            )
        )

"""Sampling production's logs on many machines."""

import re
from typing import cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from bedrock_rft.constraints import OBJECTS
from bedrock_rft.dataset_bucket_base import DatasetBucketBase
from bedrock_rft.handler import Handler, handler_code
from bedrock_rft.handler_platform import HandlerPlatform
from bedrock_rft.invocation_log_sampler_base import ImportedLogSampler, InvocationLogSamplerBase
from bedrock_rft.key import RftKeyBase
from bedrock_rft.nag import acknowledge_wildcards
from bedrock_rft.network import RftNetwork
from bedrock_rft.state_machine import acknowledge_children, encrypted_state_machine
from rft_contract.layout import LOG_SAMPLES, log_shards
from rft_contract.settings import FunctionEnvironment

_PREFIX = re.compile(r"([A-Za-z0-9!_.()-]+/)+")
"""Keys that are read as they stand: no wildcard of IAM, and nothing that an intrinsic function of a state escapes."""
_SHARDS = f"{LOG_SAMPLES}*/shards/*"
_RESULTS = f"{LOG_SAMPLES}{{}}/map"
_ANY_RESULTS = f"{LOG_SAMPLES}*/map/*"


class InvocationLogSampler(InvocationLogSamplerBase):
    """Samples Bedrock's invocation logs in S3, however many there are: a Distributed Map over their objects.

    Each child reads some log objects, keeps a sample of their prompts and writes it as one shard; `rft dataset
    from-logs` merges the shards to exactly the sample that one machine would have drawn from all the logs. Items and
    results are keys and counts, never prompts, so that no customer text enters the execution's history or the logs.

    * Input: `{"below": str, "sample": {"size": int, "seed"?, "by"?, "wanted"?, "distinct"?}}`. `below` continues
      `logs_prefix`, such as `2026/11/25/`; an empty one means all. `sample` is `rft_runtime.log_sampling.Sampling`.
    * Output: `{"name", "below", "sample", "shards"}`: the name of the execution, and below which address the shards
      lie, `s3://<data bucket>/log-samples/<name>/shards/`.
    * Errors: `States.ExceedToleratedFailureThreshold` (a child failed for good; none is tolerated, since a sample that
      lacks some logs is none of them), `States.ItemReaderFailed` (the logs cannot be listed), and those of Step
      Functions. The map is not tried again by itself: a second listing may cut other batches. Redrive the execution,
      which runs the failed children alone, or start another one.
    """

    state_machine: sfn.StateMachine
    """One execution is one sample."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        logs_bucket: s3.IBucket,
        logs_prefix: str,
        datasets: DatasetBucketBase,
        key: RftKeyBase,
        environment_name: str,
        role: iam.IRole | None = None,
        state_machine_role: iam.IRole | None = None,
        logs_key: kms.IKey | None = None,
        objects_per_shard: int = 100,
        max_concurrency: int = 20,
        platform: HandlerPlatform = HandlerPlatform.ARM64,
        network: RftNetwork | None = None,
        reserved_concurrency: int | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        """Define the state machine and its function.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            logs_bucket: Where Bedrock's model invocation logging writes; it stays as it is. It must lie in the account
                and Region of the stack, since a Distributed Map lists no other (Step Functions developer guide,
                "ItemReader (Map)"), and must not deny the roles of this construct.
            logs_prefix: Below which keys lie the logs, such as
                `AWSLogs/<account>/BedrockModelInvocationLogs/<region>/`; nothing else of the bucket can be read.
            datasets: Gets the shards.
            key: Encrypts shards, definition, history and logs.
            environment_name: The environment's name.
            role: A role of yours that trusts Lambda, for the function alone; it gets the rights that it needs. Default:
                - a new one.
            state_machine_role: A role of yours that trusts Step Functions; it gets the rights that it needs. Default: -
                a new one.
            logs_key: The key that encrypts the log objects. Default: - they are encrypted by S3.
            objects_per_shard: Log objects that one call of the function reads, 1 to 300. It has 15 minutes and 2 GiB.
                Default: 100.
            max_concurrency: Calls at once, 1 to 10,000. Default: 20.
            platform: Where the function runs. Default: ARM64.
            network: Where it runs. Default: - outside of any VPC.
            reserved_concurrency: Calls at once, set aside for the function; at least `max_concurrency`. Default: - the
                account's pool.
            log_retention: How long logs of function and state machine are kept. Default: one month.
            removal_policy: Of the log groups. Default: RETAIN.

        Raises:
            ValueError: When the prefix does not end in a slash or holds other characters than keys of logs do, or when
                a number lies outside its bounds.
        """
        super().__init__(scope, construct_id)
        if not _PREFIX.fullmatch(logs_prefix):
            raise ValueError(
                f"logs_prefix: got {logs_prefix!r}, wanted folders of letters, digits and !_.()- that each end in a "
                "slash"
            )
        # 256 KiB of input a child: keys of 600 characters would fit 300 times.
        for name, value, most in (
            ("objects_per_shard", objects_per_shard, 300),
            ("max_concurrency", max_concurrency, 10_000),
        ):
            if not 1 <= value <= most:
                raise ValueError(f"{name}: got {value}, wanted 1 to {most}")
        if reserved_concurrency is not None and reserved_concurrency < max_concurrency:
            raise ValueError(f"reserved_concurrency: got {reserved_concurrency}, wanted at least {max_concurrency}")
        # Without this flag, aws-cdk-lib leaves the result writer out of the definition, in silence.
        self.node.set_context("@aws-cdk/aws-stepfunctions:useDistributedMapResultWriterV2", True)
        self.sample = Handler(
            self,
            "SampleLogs",
            module="sample_logs",
            code=handler_code(platform),
            architecture=platform.architecture,
            environment=FunctionEnvironment(bucket=datasets.bucket.bucket_name, environment=environment_name),
            timeout=Duration.minutes(15),
            memory_mib=2048,
            role=role,
            encryption_key=key.key,
            network=network,
            reserved_concurrency=reserved_concurrency,
            log_retention=log_retention,
            removal_policy=removal_policy,
        )
        self._grant_objects(logs_bucket, logs_prefix, logs_key, datasets, key)
        begin = self._begin(datasets)
        begin.next(self._map(logs_bucket, logs_prefix, datasets, objects_per_shard, max_concurrency))
        self.state_machine, self.log_group = encrypted_state_machine(
            self,
            comment="Samples production's invocation logs: one execution a sample",
            definition=begin,
            timeout=Duration.days(1),
            key=key,
            log_retention=log_retention,
            removal_policy=removal_policy,
            role=state_machine_role,
        )
        self.state_machine_name = self.state_machine.state_machine_name
        self.sample.grant_invoke_versions(self.state_machine.role)
        acknowledge_wildcards(self.state_machine.role, [datasets.bucket.arn_for_objects(_ANY_RESULTS)], reason=OBJECTS)
        acknowledge_children(self.state_machine)

    @classmethod
    def from_state_machine_arn(
        cls, scope: Construct, construct_id: str, state_machine_arn: str
    ) -> InvocationLogSamplerBase:
        """Use a sampler of the same account and Region that another stack owns.

        Args:
            scope: Where it belongs.
            construct_id: Its id there.
            state_machine_arn: ARN of its state machine, which is the output `LogSamplerArn` of this app's stack.

        Raises:
            ValueError: When the ARN is not one of a state machine.
        """
        return ImportedLogSampler(scope, construct_id, state_machine_arn)

    def _grant_objects(
        self,
        logs_bucket: s3.IBucket,
        logs_prefix: str,
        logs_key: kms.IKey | None,
        datasets: DatasetBucketBase,
        key: RftKeyBase,
    ) -> None:
        """Let the function read the logs and write shards."""
        objects = logs_bucket.arn_for_objects(f"{logs_prefix}*")
        iam.Grant.add_to_principal(grantee=self.sample.role, actions=["s3:GetObject"], resource_arns=[objects])
        acknowledge_wildcards(self.sample.role, [objects], reason=OBJECTS)
        if logs_key is not None:
            iam.Grant.add_to_principal(
                grantee=self.sample.role,
                actions=["kms:Decrypt"],
                resource_arns=[logs_key.key_arn],
                conditions={"StringEquals": {"kms:ViaService": f"s3.{Stack.of(self).region}.amazonaws.com"}},
            )
        datasets.grant_put(self.sample.role, _SHARDS)
        key.grant_write(self.sample.role)

    def _begin(self, datasets: DatasetBucketBase) -> sfn.Pass:
        """Return the state that names the sample after the execution, so that no two samples share a place."""
        shards = datasets.bucket.s3_url_for_object(log_shards("{}"))
        return sfn.Pass(
            self,
            "Begin",
            parameters={
                "name": sfn.JsonPath.string_at("$$.Execution.Name"),
                "below": sfn.JsonPath.string_at("$.below"),
                "sample": sfn.JsonPath.object_at("$.sample"),
                "shards": sfn.JsonPath.format(shards, sfn.JsonPath.string_at("$$.Execution.Name")),
            },
        )

    def _map(
        self,
        logs_bucket: s3.IBucket,
        logs_prefix: str,
        datasets: DatasetBucketBase,
        objects_per_shard: int,
        max_concurrency: int,
    ) -> sfn.DistributedMap:
        """Return the map over the log objects."""
        # A plain path would be handed to the children as text: fields of a batch's input are not rendered as paths.
        batch_input = {"logs": logs_bucket.bucket_name, "name.$": "$.name", "sample.$": "$.sample"}
        sampling = sfn.DistributedMap(
            self,
            "Sample",
            item_reader=_LogObjects(
                bucket=logs_bucket, logs_prefix=logs_prefix, below=sfn.JsonPath.string_at("$.below")
            ),
            item_selector={"Key": sfn.JsonPath.string_at("$$.Map.Item.Value.Key")},
            item_batcher=sfn.ItemBatcher(max_items_per_batch=objects_per_shard, batch_input=batch_input),
            result_writer_v2=_Results(
                bucket=datasets.bucket, prefix=sfn.JsonPath.format(_RESULTS, sfn.JsonPath.string_at("$.name"))
            ),
            max_concurrency=max_concurrency,
            map_execution_type=sfn.StateMachineType.STANDARD,
            result_path=sfn.JsonPath.DISCARD,
        )
        payload = {"BatchInput": sfn.JsonPath.object_at("$.BatchInput"), "Items": sfn.JsonPath.list_at("$.Items")}
        sampling.item_processor(self.sample.task(self, "SampleObjects", payload=payload))
        return sampling


class _LogObjects(sfn.S3ObjectsItemReader):
    """The reader, which may list the logs and not the whole bucket."""

    def __init__(self, *, bucket: s3.IBucket, logs_prefix: str, below: str) -> None:
        super().__init__(bucket=bucket, prefix=sfn.JsonPath.format(f"{logs_prefix}{{}}", below))
        self._logs_prefix = logs_prefix

    def provide_policy_statements(self) -> list[iam.PolicyStatement]:
        return [
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[self.bucket.bucket_arn],
                conditions={"StringLike": {"s3:prefix": f"{self._logs_prefix}*"}},
            )
        ]


class _Results(sfn.ResultWriterV2):
    """The writer, which may write results of maps and nothing else of the bucket."""

    def provide_policy_statements(self) -> list[iam.PolicyStatement]:
        actions = ["s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"]
        results = cast(s3.IBucket, self.bucket).arn_for_objects(_ANY_RESULTS)
        return [iam.PolicyStatement(actions=actions, resources=[results])]

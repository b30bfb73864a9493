"""Drawing and grading completions of a dataset, as a part of a state machine."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from bedrock_rft.constraints import OBJECTS
from bedrock_rft.dataset_bucket_base import DatasetBucketBase
from bedrock_rft.handler import Handler
from bedrock_rft.nag import acknowledge_wildcards
from bedrock_rft.state_machine import acknowledge_children
from rft_contract.layout import RUNS


class RolloutMap(sfn.StateMachineFragment):
    """A Distributed Map over pointers to shards of a dataset.

    Each item names a model, a way of sampling and a range of rows, never a prompt, so that no customer text enters the
    execution's history. A child reads its rows from the data bucket, asks the model, grades the answers with the run's
    reward and writes one file, whose name follows from the shard: a retry replaces it.

    * Input: an object with `run_id`; the manifest `runs/<run>/<folder>/shards.jsonl` lists the items.
    * Output: the input; results are in the data bucket.
    * Errors: `States.ExceedToleratedFailureThreshold` (a shard failed for good), `States.ItemReaderFailed` (no
      manifest), and those of Lambda and Step Functions.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        state: str,
        child_state: str,
        folder: str,
        rollout: Handler,
        datasets: DatasetBucketBase,
        max_concurrency: int = 20,
    ) -> None:
        """Define the map and its children's one state.

        Args:
            scope: Where they belong.
            construct_id: Its id there.
            state: Name of the map.
            child_state: Name of the children's state.
            folder: Folder of the run in which the manifest lies, and to which the map's own results go.
            rollout: Handler that draws and grades the completions of a shard.
            datasets: Where runs lie.
            max_concurrency: Shards at once, 1 to 10,000; each asks the model for several answers at once. Default: 20.

        Raises:
            ValueError: When `max_concurrency` lies outside its bounds.
        """
        super().__init__(scope, construct_id)
        if not 1 <= max_concurrency <= 10_000:
            raise ValueError(f"max_concurrency: got {max_concurrency}, wanted 1 to 10000")
        # Without this flag, aws-cdk-lib leaves the result writer out of the definition, in silence.
        self.node.set_context("@aws-cdk/aws-stepfunctions:useDistributedMapResultWriterV2", True)
        self._datasets = datasets
        self._patterns = (f"{RUNS}*/{folder}/shards.jsonl", f"{RUNS}*/{folder}/map/*")
        any_shards, any_results = self._patterns
        run_id = sfn.JsonPath.string_at("$.run_id")
        self._map = sfn.DistributedMap(
            self,
            state,
            item_reader=_Shards(
                any_shards, bucket=datasets.bucket, key=sfn.JsonPath.format(f"{RUNS}{{}}/{folder}/shards.jsonl", run_id)
            ),
            # A plain "run_id" would hand the text "$.run_id" to the children: this one field is not rendered as a path.
            item_batcher=sfn.ItemBatcher(max_items_per_batch=1, batch_input={"run_id.$": "$.run_id"}),
            result_writer_v2=_Results(
                any_results, bucket=datasets.bucket, prefix=sfn.JsonPath.format(f"{RUNS}{{}}/{folder}/map", run_id)
            ),
            max_concurrency=max_concurrency,
            map_execution_type=sfn.StateMachineType.STANDARD,
            result_path=sfn.JsonPath.DISCARD,
        )
        payload = {"BatchInput": sfn.JsonPath.object_at("$.BatchInput"), "Items": sfn.JsonPath.list_at("$.Items")}
        self._map.item_processor(rollout.task(self, child_state, payload=payload))
        # Reading the manifest can meet a throttled S3; a shard that failed for good is not tried again.
        self._map.add_retry(errors=["States.ItemReaderFailed"], max_attempts=2, jitter_strategy=sfn.JitterType.FULL)

    @property
    def start_state(self) -> sfn.State:
        """The first state."""
        return self._map

    @property
    def end_states(self) -> list[sfn.INextable]:
        """Where the next state follows."""
        return [self._map]

    def add_catch(self, handler: sfn.IChainable, *, errors: Sequence[str], result_path: str) -> None:
        """Go to a state when the map fails.

        Args:
            handler: That state.
            errors: Names of errors.
            result_path: Where `{Error, Cause}` goes.
        """
        self._map.add_catch(handler, errors=list(errors), result_path=result_path)

    def acknowledge_wildcards(self, state_machine: sfn.StateMachine) -> None:
        """Say on the state machine that runs the map why its policies hold wildcards.

        Args:
            state_machine: The one whose definition includes this map.
        """
        objects = [self._datasets.bucket.arn_for_objects(pattern) for pattern in self._patterns]
        acknowledge_wildcards(state_machine.role, objects, reason=OBJECTS)
        acknowledge_children(state_machine)


class _Shards(sfn.S3JsonLItemReader):
    """The reader, with access to manifests instead of the whole bucket."""

    def __init__(self, pattern: str, *, bucket: s3.IBucket, key: str) -> None:
        super().__init__(bucket=bucket, key=key)
        self._pattern = pattern

    def provide_policy_statements(self) -> list[iam.PolicyStatement]:
        return [_statement(self.bucket, ("s3:GetObject",), self._pattern)]


class _Results(sfn.ResultWriterV2):
    """The writer, with access to map results instead of the whole bucket."""

    def __init__(self, pattern: str, *, bucket: s3.IBucket, prefix: str) -> None:
        super().__init__(bucket=bucket, prefix=prefix)
        self._pattern = pattern

    def provide_policy_statements(self) -> list[iam.PolicyStatement]:
        actions = ("s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload")
        return [_statement(cast(s3.IBucket, self.bucket), actions, self._pattern)]


def _statement(bucket: s3.IBucket, actions: tuple[str, ...], pattern: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=[bucket.arn_for_objects(pattern)])

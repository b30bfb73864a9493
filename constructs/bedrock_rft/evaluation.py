"""Grading models on the held-out set, as a part of a state machine."""

from constructs import Construct

from bedrock_rft.dataset_bucket_base import DatasetBucketBase
from bedrock_rft.handler import Handler
from bedrock_rft.rollout_map import RolloutMap


class Evaluation(RolloutMap):
    """Base model, candidate and live release on the held-out set, shard by shard.

    * Input: `{"run_id": str}`; the manifest `runs/<run>/evaluation/shards.jsonl` lists the items.
    * Output: the input; results are in the data bucket.
    * Errors: as of `RolloutMap`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        rollout: Handler,
        datasets: DatasetBucketBase,
        max_concurrency: int = 20,
    ) -> None:
        """Define the map Evaluate and its children's one state, Rollout.

        Args:
            scope: Where they belong.
            construct_id: Its id there.
            rollout: Handler that evaluates a shard.
            datasets: Where runs lie.
            max_concurrency: Shards at once, 1 to 10,000; each asks the model for several answers at once. Default: 20.

        Raises:
            ValueError: When `max_concurrency` lies outside its bounds.
        """
        super().__init__(
            scope,
            construct_id,
            state="Evaluate",
            child_state="Rollout",
            folder="evaluation",
            rollout=rollout,
            datasets=datasets,
            max_concurrency=max_concurrency,
        )

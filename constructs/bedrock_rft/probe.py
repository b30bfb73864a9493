"""The base model's tries on training prompts, as a part of a state machine."""

from collections.abc import Sequence

from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from bedrock_rft.dataset_bucket_base import DatasetBucketBase
from bedrock_rft.handler import Handler
from bedrock_rft.rollout_map import RolloutMap


class Probe(sfn.StateMachineFragment):
    """The base model tries a sample of the training prompts, before a customization job is paid for.

    ```
    StartProbe -> IsToBeProbed? -- no --------------------------> Probed
                       `---------- yes --> Probe -> DecideProbe ----^
    ```

    * Input: `{"run_id": str}`; the run's training data are frozen, its reward certified.
    * Output: `{"run_id": str}`; `runs/<run>/probe.json` has the result, and the record the training data to use.
    * Errors: `Infeasible` (there is nothing to reinforce, or nothing left to learn), `RunFailed` (no rollout was
      graded), those of `RolloutMap`, and those of Lambda and Step Functions.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        start: Handler,
        rollout: Handler,
        decide: Handler,
        datasets: DatasetBucketBase,
        max_concurrency: int = 20,
    ) -> None:
        """Define the states StartProbe, IsToBeProbed, Probe with its children's ProbeRollout, DecideProbe and Probed.

        Args:
            scope: Where they belong.
            construct_id: Its id there.
            start: Handler that draws the prompts; with none, the rest is passed over.
            rollout: Handler that draws and grades the completions of a shard.
            decide: Handler that judges them.
            datasets: Where runs lie.
            max_concurrency: Shards at once, 1 to 10,000; each asks the model for several answers at once. Default: 20.

        Raises:
            ValueError: When `max_concurrency` lies outside its bounds.
        """
        super().__init__(scope, construct_id)
        run_id = {"run_id": sfn.JsonPath.string_at("$.run_id")}
        self._start = start.task(self, "StartProbe", payload=run_id)
        self._map = RolloutMap(
            self,
            "Map",
            state="Probe",
            child_state="ProbeRollout",
            folder="probe",
            rollout=rollout,
            datasets=datasets,
            max_concurrency=max_concurrency,
        )
        self._decide = decide.task(self, "DecideProbe", payload=run_id)
        self._end = sfn.Pass(self, "Probed", parameters=run_id)
        wanted = sfn.Condition.number_greater_than("$.prompts", 0)
        choice = sfn.Choice(self, "IsToBeProbed").when(wanted, self._map.start_state).otherwise(self._end)
        self._start.next(choice)
        for end in self._map.end_states:
            end.next(self._decide)
        self._decide.next(self._end)

    @property
    def start_state(self) -> sfn.State:
        """The first state."""
        return self._start

    @property
    def end_states(self) -> list[sfn.INextable]:
        """Where the next state follows."""
        return [self._end]

    def add_catch(self, handler: sfn.IChainable, *, errors: Sequence[str], result_path: str) -> None:
        """Go to a state when a part of the probe fails.

        Args:
            handler: That state.
            errors: Names of errors.
            result_path: Where `{Error, Cause}` goes.
        """
        for task in (self._start, self._decide):
            task.add_catch(handler, errors=list(errors), result_path=result_path)
        self._map.add_catch(handler, errors=errors, result_path=result_path)

    def acknowledge_wildcards(self, state_machine: sfn.StateMachine) -> None:
        """Say on the state machine that runs the probe why its policies hold wildcards.

        Args:
            state_machine: The one whose definition includes it.
        """
        self._map.acknowledge_wildcards(state_machine)

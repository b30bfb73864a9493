"""A sample of invocation logs that is drawn in an environment: started from here, and followed to its end."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_contract.layout import log_shards
from rft_contract.naming import check_run_id
from rft_runtime.log_sampling import Sampling

RUNNING = "RUNNING"
SUCCEEDED = "SUCCEEDED"


@dataclass(frozen=True, kw_only=True)
class CloudSample:
    """A sample.

    Args:
        name: Of its execution.
        status: Step Functions' own: RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        shards: Where its shards lie, `s3://...`.
    """

    name: str
    status: str
    shards: str


class CloudSampler:
    """Draws samples in an environment.

    Args:
        environment: The environment.

    Raises:
        CliError: When it has no sampler.
    """

    def __init__(self, environment: Environment) -> None:
        if environment.outputs.log_sampler_arn is None:
            raise CliError(
                f"environment {environment.name}: samples no logs; say where they lie, in `invocation_logs` of its "
                "RftConfig in stacks/config.py, and deploy it again"
            )
        self._machine = environment.outputs.log_sampler_arn
        self._environment = environment
        self._states = environment.aws.states

    def start(self, name: str, below: str, sampling: Sampling) -> CloudSample:
        """Start a sample. One of this name that was started in the same way before is that sample.

        Args:
            name: What to call it.
            below: Which logs: their keys continue the environment's prefix in this way.
            sampling: How they are sampled.

        Raises:
            CliError: When the name cannot be one, or stands for another sample.
        """
        given = msgspec.json.encode({"below": below, "sample": sampling}).decode()
        before = self._execution(_checked(name))
        if before is None:
            if self._has_shards(name):
                raise CliError(f"sample {name}: the name is taken by an old one; choose another with --name")
            self._states.start_execution(stateMachineArn=self._machine, name=name, input=given)
            return self._sample(name, RUNNING)
        status, first = before
        if json.loads(first) != json.loads(given):
            raise CliError(f"sample {name}: the name is taken by one that was asked for otherwise; choose another name")
        return self._sample(name, status)

    def wait(self, name: str, tell: Callable[[str], None], *, interval: float = 2.0) -> CloudSample:
        """Return a sample at its end.

        Args:
            name: Its name.
            tell: Told how far it is.
            interval: Seconds between two looks.

        Raises:
            CliError: When it failed, or there were no logs to sample.
        """
        told = ""
        while (found := self._execution(name)) is not None and found[0] == RUNNING:
            words = self._progress(name)
            if words != told:
                tell(words)
                told = words
            time.sleep(interval)
        status = "gone" if found is None else found[0]
        if status != SUCCEEDED:
            raise CliError(f"sample {name}: ended {status}: {self._reason(name)}")
        if not self._has_shards(name):
            raise CliError(f"sample {name}: no log objects there; look at --day or --prefix")
        return self._sample(name, status)

    def _sample(self, name: str, status: str) -> CloudSample:
        return CloudSample(name=name, status=status, shards=self._environment.bucket.address(log_shards(name)))

    def _arn(self, name: str) -> str:
        return f"{self._machine.replace(':stateMachine:', ':execution:')}:{name}"

    def _execution(self, name: str) -> tuple[str, str] | None:
        """Return the status and the input of an execution, or None when there is none."""
        try:
            found = self._states.describe_execution(executionArn=self._arn(name))
        except self._states.exceptions.ExecutionDoesNotExist:
            return None
        return found["status"], found["input"]

    def _has_shards(self, name: str) -> bool:
        bucket = self._environment.bucket
        listed = bucket.client.list_objects_v2(Bucket=bucket.name, Prefix=log_shards(name), MaxKeys=1)
        return listed.get("KeyCount", 0) > 0

    def _map_run(self, name: str) -> str | None:
        """Return the ARN of the map of an execution, or None when it has not begun."""
        runs = self._states.list_map_runs(executionArn=self._arn(name))["mapRuns"]
        return runs[0]["mapRunArn"] if runs else None

    def _progress(self, name: str) -> str:
        run = self._map_run(name)
        if run is None:
            return "listing the logs"
        counts = self._states.describe_map_run(mapRunArn=run)["executionCounts"]
        return f"{counts['succeeded']:,} of {counts['total']:,} shards"

    def _reason(self, name: str) -> str:
        """Return why a sample failed: the word of the first part that did, else that of the whole."""
        run = self._map_run(name)
        failed = (
            self._states.list_executions(mapRunArn=run, statusFilter="FAILED", maxResults=1)["executions"]
            if run
            else []
        )
        arn = failed[0]["executionArn"] if failed else self._arn(name)
        found = self._states.describe_execution(executionArn=arn)
        cause = found.get("cause") or found.get("error") or "no reason given"
        try:
            return str(json.loads(cause)["errorMessage"])  # a Lambda function's
        except (ValueError, KeyError, TypeError):
            return cause


def _checked(name: str) -> str:
    """Return the name of a sample if it can be one: it names the execution and the folder."""
    try:
        return check_run_id(name)
    except ValueError as error:
        raise CliError(str(error).replace("run id", "--name", 1)) from None

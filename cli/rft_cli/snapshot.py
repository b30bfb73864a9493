"""A running run, seen from outside at one moment."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rft_cli import execution
from rft_cli.environment import Environment
from rft_contract.metrics import NAMESPACE, Dimension, MetricName

if TYPE_CHECKING:
    from types_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricDataQueryTypeDef, MetricTypeDef

    from rft_runtime.run_record import RunRecord
    from rft_runtime.training_output import Step

_CLOSING = timedelta(seconds=60)
"""Longest time that the closing handler takes after an execution was aborted."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What a person who waits wants to know.

    Args:
        run_id: The run.
        stage: The workflow state it is in.
        stages: State -> when it was entered.
        started: When the run began.
        running: Whether it goes on.
        outcome: How it ended.
        reason: Why.
        left_undone: What closing could not clean up.
        steps: Training steps so far, in the job's own numbering.
        done: How many those are.
        estimated: Whether the steps are estimated from the number of graded rollouts, for want of the job's own file.
        expected_steps: Training steps in all; None: unknown.
        used: What was used of the recipe's limits at the last look: name, range, limit.
        graded_shards: Shards of Probe or Evaluate that are graded.
        shards: Shards in all; 0: unknown.
    """

    run_id: str
    stage: str
    stages: dict[str, datetime]
    started: datetime
    running: bool
    outcome: str | None = None
    reason: str | None = None
    left_undone: tuple[str, ...] = ()
    steps: tuple["Step", ...] = ()
    done: int = 0
    estimated: bool = False
    expected_steps: int | None = None
    used: tuple[tuple[str, str, str], ...] = ()
    graded_shards: int = 0
    shards: int = 0

    def elapsed(self, now: datetime) -> timedelta:
        """Return how long the run has lasted."""
        return max(now - self.started, timedelta())


def look(environment: Environment, run_id: str) -> Snapshot:
    """Look at a run.

    Args:
        environment: Where it runs.
        run_id: The run.

    Raises:
        CliError: When there is no such run.
    """
    from rft_runtime.run_record import ENDED, RunStore

    record = RunStore(environment.bucket).find(run_id)
    closed = record is not None and record.status == ENDED and bool(record.closed or record.closing_errors)
    running = not closed and _goes_on(execution.find(environment, run_id))
    if record is None:
        started = execution.find(environment, run_id).started
        return Snapshot(run_id=run_id, stage="Plan", stages={}, started=started, running=running)
    steps = _reported_steps(environment, record)
    estimated = not steps and record.stage == "Train"
    if estimated:
        steps = _estimated_steps(environment, record)
    graded, shards = _shards(environment, record) if record.stage in ("Probe", "Evaluate") else (0, 0)
    return Snapshot(
        run_id=run_id,
        stage=record.stage,
        stages=dict(record.stages),
        started=record.started,
        running=running,
        outcome=record.outcome,
        reason=record.reason,
        left_undone=tuple(record.closing_errors),
        steps=steps,
        done=(steps[-1].step if steps else 0) if estimated else len(steps),
        estimated=estimated,
        expected_steps=None if record.estimate is None else int(record.estimate.steps.high),
        used=_used(record),
        graded_shards=graded,
        shards=shards,
    )


def _used(record: "RunRecord") -> tuple[tuple[str, str, str], ...]:
    """Return what was used of each limit that the recipe sets."""
    from rft_runtime.planning.limits import against_limits

    if record.used is None:
        return ()
    return tuple(row for row in against_limits(record.parsed_recipe().limits, record.used) if row[2])


def _goes_on(found: execution.Execution) -> bool:
    """Return whether an execution runs, or ended so lately that the closing handler may still be at work."""
    return found.ended is None or datetime.now(UTC) - found.ended < _CLOSING


def _reported_steps(environment: Environment, record: "RunRecord") -> tuple["Step", ...]:
    """Return what the job's own file says so far."""
    from rft_runtime.training_output import read_training_output

    if record.job_arn is None:
        return ()
    return tuple(read_training_output(environment.bucket, record.keys.job_output, record.job_arn).steps)


def _estimated_steps(environment: Environment, record: "RunRecord") -> tuple["Step", ...]:
    """Estimate the steps from the rollouts that the reward function graded and what they scored."""
    from rft_runtime.training_output import Step

    if record.job_started is None:
        return ()
    hyperparameters = record.parsed_recipe().hyperparameters
    per_step = hyperparameters.batchSize * hyperparameters.trainingSamplePerPrompt
    now = datetime.now(UTC)
    period = max(60, round((now - record.job_started).total_seconds() / 500 / 60 + 1) * 60)
    dimensions: list[DimensionTypeDef] = [{"Name": Dimension.RUN.value, "Value": record.run_id}]

    def query(identifier: str, metric: MetricName, statistic: str) -> "MetricDataQueryTypeDef":
        what: MetricTypeDef = {"Namespace": NAMESPACE, "MetricName": metric.value, "Dimensions": dimensions}
        return {"Id": identifier, "MetricStat": {"Metric": what, "Period": period, "Stat": statistic}}

    answer = environment.aws.cloudwatch.get_metric_data(
        MetricDataQueries=[
            query("graded", MetricName.GRADED, "Sum"),
            query("reward", MetricName.REWARD, "Average"),
        ],
        StartTime=record.job_started - timedelta(minutes=1),
        EndTime=now + timedelta(minutes=1),
        ScanBy="TimestampAscending",
    )
    results = {result["Id"]: result for result in answer["MetricDataResults"]}
    rewards = dict(zip(results["reward"]["Timestamps"], results["reward"]["Values"], strict=True))
    steps, graded = [], 0.0
    for moment, value in zip(results["graded"]["Timestamps"], results["graded"]["Values"], strict=True):
        graded += value
        steps.append(Step(step=int(graded // per_step), reward=rewards.get(moment)))
    return tuple(steps)


def _shards(environment: Environment, record: "RunRecord") -> tuple[int, int]:
    """Return how many shards of Probe or Evaluate are graded, and how many there are."""
    s3, keys, probing = environment.aws.s3, record.keys, record.stage == "Probe"
    manifest = environment.bucket.find(keys.probe_shards if probing else keys.shards)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=environment.outputs.bucket, Prefix=keys.evaluation)
    of_probe = f"{keys.evaluation}probe/"
    graded = sum(item["Key"].startswith(of_probe) is probing for page in pages for item in page.get("Contents", []))
    return graded, manifest[0].count(b"\n") if manifest else 0

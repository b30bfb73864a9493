"""A run's record, `run.json`: the one place that knows what a run made and how it ended."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from rft_contract.layout import OPEN_RUNS, RunKeys
from rft_contract.outcomes import RunFailed, RunStopped
from rft_contract.recipe import Recipe
from rft_contract.settings import PlatformResources, PlatformSettings
from rft_runtime.data_bucket import DataBucket
from rft_runtime.planning.usage import GatePower, Usage, Work
from rft_runtime.preflight.finding import Finding

RUNNING = "RUNNING"
ENDED = "ENDED"


class DatasetUse(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset as the run found it.

    Args:
        address: Where it was read.
        sha256: Hex digest of its bytes.
        rows: Number of rows.
    """

    address: str
    sha256: str
    rows: int


class LiveRelease(msgspec.Struct, frozen=True, kw_only=True):
    """What served a model line when a run began: the candidate must not be worse, and takes no other's place.

    Args:
        release: Number of the release, from 1.
        model_arn: Its custom model.
        deployment_arn: The line's deployment.
        turns: How often another release had gone live on the line by then: a release that was replaced and put back by
            a rollback has another number of them.
    """

    release: int
    model_arn: str
    deployment_arn: str
    turns: int = 0


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one run.

    Args:
        run_id: The run.
        environment: Name of the environment.
        started: When Plan began, UTC.
        execution_arn: The Step Functions execution; empty when a run is closed that never began.
        status: `RUNNING` or `ENDED`.
        stage: The workflow state entered last.
        stages: State -> when it was entered first, UTC.
        outcome: One of `Outcome` once ended.
        reason: One line about the outcome.
        ended: When the outcome was written, UTC.
        closed: When closing had nothing left to do, UTC.
        announced: Whether the message about the outcome was sent.
        closing_errors: What closing could not do, at its last attempt.
        recipe: The recipe as given, JSON.
        settings: `PlatformSettings` as JSON.
        resources: `PlatformResources` as JSON.
        datasets: Split -> what Validate read.
        estimate: What the run is expected to use, as ranges: by Plan, and again once Probe left rows out.
        prices: What units cost when the run was planned, `UnitPrice` as JSON.
        used: What the run has used at the last look, as ranges; its low ends are certain.
        spent: Parts of the run that are over -> what they used.
        gate_power: What the gate can show with the held-out prompts.
        preflight: What Plan's preflight found.
        reward_arn: The reward function's per-run alias.
        reward_version: The version behind it; written before the alias is made.
        live: The line's live release when the run was planned; None: there was none.
        certificates: Split -> verdict of the certificate that the run relies on.
        reward_hash: Of the reward, as Certify found it deployed.
        trains_on: The dataset that the job reads: `train`, or `train.probed` once Probe wrote it.
        job_arn: The customization job.
        job_started: When Bedrock created it, UTC.
        invalid_strikes: Looks in a row, each with new rollouts, at which too many of the job's were invalid.
        invalid_seen: Rollouts of the job that the last of them knew of.
        unwatched: Why the job's metrics could not be read at the last look; None: they could.
        model_arn: The candidate model.
        deployment_arn: The candidate's deployment.
        stand_in: The model that was really trained, when it is not the recipe's.
        shard_error: What went wrong last in a shard of Probe or Evaluate; a retry may have mended it.
        held_out_uses: Earlier runs that were evaluated on the same held-out set.
        release: The release that the candidate became; once set, the promotion is completed and never undone.
        schema: Version of this format.
    """

    run_id: str
    environment: str
    started: datetime
    execution_arn: str = ""
    status: str = RUNNING
    stage: str = "Plan"
    stages: dict[str, datetime] = {}
    outcome: str | None = None
    reason: str | None = None
    ended: datetime | None = None
    closed: datetime | None = None
    announced: bool = False
    closing_errors: list[str] = []
    recipe: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    resources: dict[str, Any] = {}
    datasets: dict[str, DatasetUse] = {}
    estimate: Usage | None = None
    prices: list[dict[str, Any]] = []
    used: Usage | None = None
    spent: dict[str, Work] = {}
    gate_power: GatePower | None = None
    preflight: list[Finding] = []
    reward_arn: str | None = None
    reward_version: str | None = None
    live: LiveRelease | None = None
    certificates: dict[str, str] = {}
    reward_hash: str | None = None
    trains_on: str = "train"
    job_arn: str | None = None
    job_started: datetime | None = None
    invalid_strikes: int = 0
    invalid_seen: float = 0
    unwatched: str | None = None
    model_arn: str | None = None
    deployment_arn: str | None = None
    stand_in: str | None = None
    shard_error: str | None = None
    held_out_uses: int | None = None
    release: int | None = None
    schema: int = 1

    @property
    def keys(self) -> RunKeys:
        """Where the run's objects lie."""
        return RunKeys(self.run_id)

    def parsed_recipe(self) -> Recipe:
        """Return the recipe.

        Raises:
            RunFailed: When it is not a legal recipe.
        """
        try:
            return Recipe.from_json(self.recipe)
        except ValueError as error:
            raise RunFailed(str(error)) from None

    def parsed_settings(self) -> PlatformSettings:
        """Return the platform's settings."""
        return PlatformSettings.from_json(self.settings)

    def parsed_resources(self) -> PlatformResources:
        """Return the platform's resources."""
        return PlatformResources.from_json(self.resources)


class OpenRun(msgspec.Struct, frozen=True, kw_only=True):
    """The mark of a run that is not closed: what the sweeper looks at, however many runs there were before.

    Args:
        run_id: The run.
        execution_arn: Its execution; empty when there was none.
        since: When the run began, UTC.
    """

    run_id: str
    execution_arn: str
    since: datetime


@dataclass(frozen=True)
class RunStore:
    """The records in the data bucket. Every change is a conditional write, repeated when somebody else was faster.

    Args:
        bucket: The data bucket.
    """

    bucket: DataBucket

    def create(self, record: RunRecord) -> RunRecord:
        """Write a new record, or return the one that a former attempt of the same execution wrote.

        The mark of an open run comes first: no run can make anything without being found by the sweeper.

        Raises:
            RunFailed: When the run id belongs to another execution.
        """
        mark = OpenRun(run_id=record.run_id, execution_arn=record.execution_arn, since=record.started)
        self.bucket.create(record.keys.open, msgspec.json.encode(mark))
        if self.bucket.create(record.keys.record, _encode(record)):
            return record
        existing = self.load(record.run_id)
        if existing.execution_arn != record.execution_arn:
            if existing.closed is not None:
                self.mark_closed(record.run_id)
            raise RunFailed(
                f"run {record.run_id}: the name is taken by {existing.execution_arn or 'a run that never began'}; "
                "start again with another run id"
            )
        return existing

    def open_runs(self) -> Iterator[OpenRun]:
        """List the runs that are not closed; their number is that of the runs going on, not of all there ever were."""
        for key in self.bucket.keys(OPEN_RUNS):
            if (found := self.bucket.find(key)) is not None:
                yield msgspec.json.decode(found[0], type=OpenRun)

    def mark_closed(self, run_id: str) -> None:
        """Take the mark of an open run away: nothing that it made is left."""
        self.bucket.delete(RunKeys(run_id).open)

    def find(self, run_id: str) -> RunRecord | None:
        """Return a run's record, or None."""
        found = self.bucket.find(RunKeys(run_id).record)
        return None if found is None else _decode(found[0])

    def load(self, run_id: str) -> RunRecord:
        """Return a run's record.

        Raises:
            RunFailed: When there is none.
        """
        record = self.find(run_id)
        if record is None:
            raise RunFailed(f"run {run_id}: no record at {self.bucket.address(RunKeys(run_id).record)}")
        return record

    def load_running(self, run_id: str) -> RunRecord:
        """Return the record of a run that has not ended.

        Raises:
            RunStopped: When it was closed meanwhile.
        """
        return _require_running(self.load(run_id))

    def update(self, run_id: str, change: Callable[[RunRecord], RunRecord]) -> RunRecord:
        """Apply a change to the newest record and return the result.

        Args:
            run_id: The run.
            change: Pure function; it may be called more than once, and may raise to leave the record as it is.

        Raises:
            Transient: When others kept writing for ten attempts.
        """
        key = RunKeys(run_id).record

        def decode(body: bytes | None) -> RunRecord:
            if body is None:
                raise RunFailed(f"run {run_id}: no record at {self.bucket.address(key)}")
            return _decode(body)

        return self.bucket.update(key, change, decode=decode, encode=_encode)

    def set(self, run_id: str, **values: object) -> RunRecord:
        """Set fields of a running run's record.

        Raises:
            RunStopped: When the run was closed meanwhile.
        """
        return self.update(run_id, lambda record: msgspec.structs.replace(_require_running(record), **values))

    def enter(self, run_id: str, stage: str) -> RunRecord:
        """Note that a running run has come to a stage; a retry keeps the first time.

        Raises:
            RunStopped: When the run was closed meanwhile.
        """
        now = datetime.now(UTC)

        def entered(record: RunRecord) -> RunRecord:
            _require_running(record)
            return msgspec.structs.replace(record, stage=stage, stages={stage: now, **record.stages})

        return self.update(run_id, entered)


def _require_running(record: RunRecord) -> RunRecord:
    if record.status != RUNNING:
        raise RunStopped(f"the run was closed while it was in {record.stage}: {record.outcome}, {record.reason}")
    return record


def _encode(record: RunRecord) -> bytes:
    return msgspec.json.format(msgspec.json.encode(record), indent=2)


def _decode(body: bytes) -> RunRecord:
    return msgspec.json.decode(body, type=RunRecord)

"""Which custom models stay, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from botocore.exceptions import ClientError

from rft_contract.naming import RUN_ID, candidate_deployment_name, custom_model_name
from rft_contract.outcomes import Outcome
from rft_contract.tags import ENVIRONMENT_TAG, LINE_TAG, LIVE_ROLE, ROLE_TAG, RUN_TAG
from rft_runtime.failures import error_code
from rft_runtime.releases.release_store import ReleaseStore
from rft_runtime.run_record import ENDED, RunRecord, RunStore
from rft_runtime.stray import tags_of

if TYPE_CHECKING:
    from types_boto3_bedrock import BedrockClient


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long models stay.

    Args:
        keep_releases: How many of a line's last releases keep their models.
        rejected_days: Days after which a rejected candidate's model goes.
    """

    keep_releases: int
    rejected_days: float


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """A custom model or a deployment of ours, and what becomes of it.

    Args:
        kind: `model` or `deployment`.
        arn: Its ARN.
        name: Its name.
        created: When it was created, UTC.
        run_id: The run that made it; None: no run has a record of it.
        line: Its model line, where that is known.
        release: The release that it became or serves; None: none.
        needed: Whether a release that is kept, a deployment or a run that goes on needs it.
        goes: Whether the sweeper deletes it.
        reason: Why it stays or goes.
    """

    kind: str
    arn: str
    name: str
    created: datetime
    run_id: str | None = None
    line: str | None = None
    release: int | None = None
    needed: bool = False
    goes: bool = False
    reason: str


@dataclass(frozen=True)
class ModelCatalog:
    """The custom models and deployments of an environment: those whose names begin with its name.

    Args:
        bedrock: Bedrock's control plane.
        runs: The records of the runs.
        releases: The releases of the lines.
    """

    bedrock: "BedrockClient"
    runs: RunStore
    releases: ReleaseStore

    def models(self, retention: Retention, now: datetime) -> Iterator[Fate]:
        """Judge every model, oldest first.

        Only what a run promoted or rejected goes by itself. Where the gate passed and the recipe promotes nothing, the
        team wanted the model; where a run failed after its training, the training was paid for: people decide.

        Args:
            retention: How long models stay.
            now: The time, UTC.
        """
        kept = {
            release.model_arn: f"release {release.number} of line {line}"
            for line in self.releases.lines()
            for release in self.releases.releases_kept(line, retention.keep_releases)
        }
        prefix = custom_model_name(self.releases.environment, "")
        pages = self.bedrock.get_paginator("list_custom_models").paginate(
            nameContains=prefix, isOwned=True, sortBy="CreationTime", sortOrder="Ascending"
        )
        for page in pages:
            for found in page["modelSummaries"]:
                if found["modelName"].startswith(prefix):
                    run_id = found["modelName"].removeprefix(prefix)
                    model = Fate(
                        kind="model",
                        arn=found["modelArn"],
                        name=found["modelName"],
                        created=found["creationTime"],
                        reason="",
                    )
                    yield self._judged(model, run_id, self._record(run_id), kept, retention, now)

    def deployments(self) -> Iterator[Fate]:
        """Judge every deployment, oldest first. The sweeper deletes candidates' whose run is over, and never others."""
        prefix, _, suffix = candidate_deployment_name(self.releases.environment, "|").partition("|")
        pages = self.bedrock.get_paginator("list_custom_model_deployments").paginate(
            nameContains=prefix, sortBy="CreationTime", sortOrder="Ascending"
        )
        for page in pages:
            for found in page["modelDeploymentSummaries"]:
                name = found["customModelDeploymentName"]
                if not name.startswith(prefix):
                    continue
                made = Fate(
                    kind="deployment",
                    arn=found["customModelDeploymentArn"],
                    name=name,
                    created=found["createdAt"],
                    reason="no run made it: delete it by hand if nobody needs it",
                )
                tags = tags_of(self.bedrock, made.arn)
                if tags.get(ENVIRONMENT_TAG) != self.releases.environment:
                    yield msgspec.structs.replace(made, reason="it bears the environment's name and not its tags")
                elif tags.get(ROLE_TAG) == LIVE_ROLE:
                    yield self._live(made, tags.get(LINE_TAG, ""))
                elif name == f"{prefix}{tags.get(RUN_TAG)}{suffix}":
                    yield _candidate(made, tags[RUN_TAG], self._record(tags[RUN_TAG]))
                else:
                    yield made

    def _record(self, run_id: str) -> RunRecord | None:
        return self.runs.find(run_id) if RUN_ID.fullmatch(run_id) and len(run_id) <= 40 else None

    def _live(self, deployment: Fate, line: str) -> Fate:
        """Judge the deployment of a line."""
        current = self.releases.current(line)
        if current.deployment_arn == deployment.arn:
            reason = f"release {current.release} of line {line} is live through it"
            return msgspec.structs.replace(deployment, line=line, release=current.release, needed=True, reason=reason)
        reason = f"nothing is live on line {line}; `rft teardown --live` deletes it"
        return msgspec.structs.replace(deployment, line=line, needed=current.change is not None, reason=reason)

    def _judged(
        self,
        model: Fate,
        run_id: str,
        record: RunRecord | None,
        kept: dict[str, str],
        retention: Retention,
        now: datetime,
    ) -> Fate:
        if record is None:
            needed = model.arn in kept
            reason = kept.get(model.arn, "no run has a record of it: delete it by hand if nobody needs it")
            return msgspec.structs.replace(model, needed=needed, reason=reason)
        line = record.recipe.get("line")
        known = msgspec.structs.replace(
            model, run_id=run_id, line=line if isinstance(line, str) else None, release=record.release
        )
        if model.arn in kept:
            return msgspec.structs.replace(known, needed=True, reason=kept[model.arn])
        judged = _by_run(known, record, retention, now)
        if not judged.goes:
            return judged
        if (deployment := self._deployment_of(model.arn)) is not None:
            reason = f"the deployment {deployment} serves it"
            return msgspec.structs.replace(judged, goes=False, needed=True, reason=reason)
        tags = tags_of(self.bedrock, model.arn)
        if (tags.get(ENVIRONMENT_TAG), tags.get(RUN_TAG)) != (self.releases.environment, run_id):
            return msgspec.structs.replace(judged, goes=False, reason="it bears the name of a run and not its tags")
        return judged

    def _deployment_of(self, arn: str) -> str | None:
        """Return the name of a deployment, ours or not, that serves a model."""
        found = self.bedrock.list_custom_model_deployments(modelArnEquals=arn, maxResults=1)
        summaries = found.get("modelDeploymentSummaries", [])
        return summaries[0]["customModelDeploymentName"] if summaries else None


def delete_model(bedrock: "BedrockClient", arn: str) -> bool:
    """Delete a custom model; return whether it was there.

    Bedrock itself refuses, with a conflict, while a deployment serves it.
    """
    try:
        bedrock.delete_custom_model(modelIdentifier=arn)
    except ClientError as error:
        if error_code(error) != "ResourceNotFoundException":
            raise
        return False
    return True


def _candidate(deployment: Fate, run_id: str, record: RunRecord | None) -> Fate:
    """Judge the deployment of a run's candidate."""
    line = record.recipe.get("line") if record is not None else None
    known = msgspec.structs.replace(deployment, run_id=run_id, line=line if isinstance(line, str) else None)
    if record is not None and record.status != ENDED:
        return msgspec.structs.replace(known, needed=True, reason=f"run {run_id} goes on")
    return msgspec.structs.replace(known, goes=True, reason=f"run {run_id} is over")


def _by_run(model: Fate, record: RunRecord, retention: Retention, now: datetime) -> Fate:
    """Judge a model by how its run ended."""
    if record.status != ENDED or record.ended is None:
        return msgspec.structs.replace(model, needed=True, reason=f"run {record.run_id} goes on")
    if record.release is not None:
        reason = f"release {record.release} of line {model.line}, which keeps the last {retention.keep_releases}"
        return msgspec.structs.replace(model, goes=True, reason=reason)
    if record.outcome == Outcome.REJECTED:
        goes_at = record.ended + timedelta(days=retention.rejected_days)
        reason = f"rejected; goes after {goes_at:%Y-%m-%d %H:%M} UTC"
        return msgspec.structs.replace(model, goes=goes_at <= now, reason=reason)
    if record.outcome == Outcome.PASSED:
        return msgspec.structs.replace(model, reason="it passed the gate and its recipe promotes nothing")
    return msgspec.structs.replace(
        model, reason=f"its run ended {record.outcome} after training: delete it by hand if nobody needs it"
    )

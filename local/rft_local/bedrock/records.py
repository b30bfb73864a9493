"""What the endpoint remembers: jobs, custom models, deployments. Records are immutable; a change is a new record."""

import msgspec

from rft_contract.statuses import DeploymentStatus, JobStatus, UpdateStatus
from rft_local.bedrock.requests import CreateDeployment, CreateJob

PHASES = ("validationDetails", "dataProcessingDetails", "trainingDetails")
"""The parts of a job, in order (user guide, "Monitor your model customization job")."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What every record has.

    Args:
        id: The 12 characters at the end of the ARN.
        arn: The ARN.
        created: Seconds since the epoch.
        tags: The resource's tags.
    """

    id: str
    arn: str
    created: float
    tags: dict[str, str] = {}


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """Where one part of a job stands; its statuses are the job's own."""

    status: JobStatus
    created: float
    modified: float


class Job(Record, frozen=True, kw_only=True):
    """A model customization job.

    Args:
        base_model: Customization id of the base model.
        base_model_arn: Its ARN.
        request: What was asked for.
        status: Where it stands.
        phases: Where its parts stand; those that have not begun are missing.
        modified: Last change, seconds since the epoch.
        ended: When it became terminal.
        failure: Why it failed.
        model_arn: The custom model, once there is one.
    """

    base_model: str
    base_model_arn: str
    request: CreateJob
    modified: float
    status: JobStatus = JobStatus.IN_PROGRESS
    phases: dict[str, Phase] = {}
    ended: float | None = None
    failure: str | None = None
    model_arn: str | None = None

    @property
    def name(self) -> str:
        """The job's name."""
        return self.request.job_name

    def begun(self, part: str, now: float) -> "Job":
        """Return the job with one part InProgress and those before it Completed."""
        closed = _closed(self.phases, JobStatus.COMPLETED, now)
        phase = Phase(status=JobStatus.IN_PROGRESS, created=now, modified=now)
        return msgspec.structs.replace(self, phases={**closed, part: phase}, modified=now)

    def completed(self, model_arn: str, now: float) -> "Job":
        """Return the job with its custom model."""
        return msgspec.structs.replace(self._ended(JobStatus.COMPLETED, now), model_arn=model_arn)

    def failed(self, message: str, now: float) -> "Job":
        """Return the job with the reason why it failed."""
        return msgspec.structs.replace(self._ended(JobStatus.FAILED, now), failure=message)

    def stopped(self, now: float) -> "Job":
        """Return the job at the end that somebody asked for."""
        return self._ended(JobStatus.STOPPED, now)

    def _ended(self, status: JobStatus, now: float) -> "Job":
        phases = _closed(self.phases, status, now)
        return msgspec.structs.replace(self, status=status, phases=phases, modified=now, ended=now)


def _closed(phases: dict[str, Phase], status: JobStatus, now: float) -> dict[str, Phase]:
    """Return the parts of a job with the open one ended."""
    return {
        name: msgspec.structs.replace(phase, status=status, modified=now)
        if phase.status is JobStatus.IN_PROGRESS
        else phase
        for name, phase in phases.items()
    }


class CustomModel(Record, frozen=True, kw_only=True):
    """A custom model; its weights lie beside its record.

    Args:
        name: Its name.
        job_arn: The job that made it.
        base_model: Customization id of its base model.
        base_model_arn: ARN of its base model.
        request: What the job was asked for.
    """

    name: str
    job_arn: str
    base_model: str
    base_model_arn: str
    request: CreateJob


class Deployment(Record, frozen=True, kw_only=True):
    """An on-demand deployment.

    Args:
        request: What was asked for.
        model_arn: The model that answers now, or that answered before the last update.
        ready: When it becomes Active, seconds since the epoch.
        next_model_arn: The model of the last update.
        switched: When the last update takes effect, seconds since the epoch.
        modified: Last change.
        failure: Why it failed, or its last update.
        stays: The status at which it was ordered to stay; None: it goes well.
        update_stays: The status at which its last update was ordered to stay; None: it goes well.
    """

    request: CreateDeployment
    model_arn: str
    ready: float
    modified: float
    next_model_arn: str | None = None
    switched: float = 0.0
    failure: str | None = None
    stays: DeploymentStatus | None = None
    update_stays: UpdateStatus | None = None

    @property
    def name(self) -> str:
        """The deployment's name."""
        return self.request.model_deployment_name

    def status(self, now: float) -> DeploymentStatus:
        """Return where it stands at a time, seconds since the epoch."""
        return (self.stays or DeploymentStatus.ACTIVE) if now >= self.ready else DeploymentStatus.CREATING

    def update(self, now: float) -> UpdateStatus:
        """Return where its last update stands at a time, seconds since the epoch."""
        return (self.update_stays or UpdateStatus.COMPLETED) if now >= self.switched else UpdateStatus.UPDATING

    def serving(self, now: float) -> str:
        """Return the ARN of the model that answers at a time, seconds since the epoch."""
        updated = self.next_model_arn and self.update(now) is UpdateStatus.COMPLETED
        return self.next_model_arn if updated and self.next_model_arn else self.model_arn

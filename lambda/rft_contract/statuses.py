"""Statuses of the Bedrock resources that a run waits for.

Source: service model of `bedrock` (ModelCustomizationJobStatus, CustomModelDeploymentStatus).
"""

from enum import StrEnum


class JobStatus(StrEnum):
    """Status of a model customization job. The service has no `Queued` or `Creating`."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"

    @property
    def is_terminal(self) -> bool:
        """Whether the job will never change again."""
        return self in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED)


class DeploymentStatus(StrEnum):
    """Status of an on-demand custom model deployment."""

    CREATING = "Creating"
    ACTIVE = "Active"
    FAILED = "Failed"


class UpdateStatus(StrEnum):
    """Status of the last update of a deployment (CustomModelDeploymentUpdateStatus)."""

    UPDATING = "Updating"
    COMPLETED = "UpdateCompleted"
    FAILED = "UpdateFailed"


class Progress(StrEnum):
    """What a poll tells the workflow."""

    WAITING = "WAITING"
    DONE = "DONE"

"""What AWS does not document about its jobs, and this endpoint does in one way or the other.

The first value of each choice is what the platform relies on; the others are what it has to live with should AWS turn
out to do so. `docs/assumptions.md` says what follows from each.
"""

import argparse
from dataclasses import dataclass
from enum import StrEnum

from rft_local.bedrock.requests import CreateJob
from rft_local.bedrock.service_error import invalid


class Qualifier(StrEnum):
    """The qualifier of a reward function's ARN: called, left out of the call, or a reason to refuse the job."""

    HONOURED = "honoured"
    DROPPED = "dropped"
    REFUSED = "refused"


class ValidationData(StrEnum):
    """Validation data: graded, accepted without effect, or a reason to refuse the job."""

    USED = "used"
    IGNORED = "ignored"
    REFUSED = "refused"


class Artifacts(StrEnum):
    """The CSV files below a job's output prefix."""

    WRITTEN = "written"
    ABSENT = "absent"


class Deploying(StrEnum):
    """On-demand deployments of custom models."""

    SERVED = "served"
    REFUSED = "refused"


class StoppedModel(StrEnum):
    """The model of a job that was stopped while it trained: AWS has a page for either."""

    NONE = "none"
    KEPT = "kept"


class JobEvents(StrEnum):
    """EventBridge's events about jobs, whose delivery is best effort."""

    TOLD = "told"
    LOST = "lost"


@dataclass(frozen=True, kw_only=True)
class Undocumented:
    """How the endpoint behaves where AWS does not say; each is an option `--<name>` of the endpoint's command line."""

    qualifier: Qualifier = Qualifier.HONOURED
    validation: ValidationData = ValidationData.USED
    artifacts: Artifacts = Artifacts.WRITTEN
    deploying: Deploying = Deploying.SERVED
    stopped_model: StoppedModel = StoppedModel.NONE
    job_events: JobEvents = JobEvents.TOLD

    @classmethod
    def from_options(cls, asked: argparse.Namespace) -> "Undocumented":
        """Read what `add_options` let somebody choose."""
        return cls(
            qualifier=Qualifier(asked.qualifier),
            validation=ValidationData(asked.validation),
            artifacts=Artifacts(asked.artifacts),
            deploying=Deploying(asked.deploying),
            stopped_model=StoppedModel(asked.stopped_model),
            job_events=JobEvents(asked.job_events),
        )

    def check(self, job: CreateJob) -> None:
        """Refuse a job for something that AWS may turn out not to take.

        Raises:
            ServiceError: ValidationException.
        """
        config = job.rft.grader_config
        grader = config.lambda_grader.lambda_arn if config else ""
        qualified = unqualified(grader) != grader
        if qualified and self.qualifier is Qualifier.REFUSED:
            raise invalid("graderConfig.lambdaGrader.lambdaArn: a qualified function ARN is not supported")
        if job.validation_uris and self.validation is ValidationData.REFUSED:
            raise invalid("validationDataConfig: validation datasets are not supported for this model")

    def called(self, lambda_arn: str) -> str:
        """Return the ARN that is called for a reward function's ARN."""
        return unqualified(lambda_arn) if self.qualifier is Qualifier.DROPPED else lambda_arn


def unqualified(lambda_arn: str) -> str:
    """Return a function's ARN without version or alias."""
    return ":".join(lambda_arn.split(":")[:7])


def add_options(parser: argparse.ArgumentParser) -> None:
    """Let somebody choose each behaviour on a command line."""
    for name, kind in (
        ("qualifier", Qualifier),
        ("validation", ValidationData),
        ("artifacts", Artifacts),
        ("deploying", Deploying),
        ("stopped-model", StoppedModel),
        ("job-events", JobEvents),
    ):
        values = [item.value for item in kind]
        words = (kind.__doc__ or "").rstrip(".")
        parser.add_argument(f"--{name}", choices=values, default=values[0], help=f"{words} (default {values[0]})")

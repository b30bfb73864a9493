"""What AWS does not document about Bedrock, and this endpoint does in one way or the other.

The first value of each choice is what the platform relies on; the others are what it has to live with should AWS turn
out to do so. `docs/assumptions.md` says what follows from each.
"""

from dataclasses import dataclass
from enum import StrEnum

from rft_local.bedrock.requests import Converse, CreateJob, InferenceParameters
from rft_local.bedrock.service_error import invalid
from rft_local.choices import Choices


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


class HighEffort(StrEnum):
    """A Converse request at reasoning effort `high`: without limit and sampling parameters only, or with them too."""

    BARE = "bare"
    LIMITED = "limited"


@dataclass(frozen=True, kw_only=True)
class Undocumented(Choices):
    """How the endpoint behaves where AWS does not say; each is an option of the endpoint's command line."""

    qualifier: Qualifier = Qualifier.HONOURED
    validation: ValidationData = ValidationData.USED
    artifacts: Artifacts = Artifacts.WRITTEN
    deploying: Deploying = Deploying.SERVED
    stopped_model: StoppedModel = StoppedModel.NONE
    job_events: JobEvents = JobEvents.TOLD
    high_effort: HighEffort = HighEffort.BARE

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

    def conversable(self, asked: Converse) -> Converse:
        """Return a request of Converse that may turn out to be taken.

        Raises:
            ServiceError: ValidationException.
        """
        reasoning = (asked.additional_model_request_fields or {}).get("reasoningConfig")
        high = isinstance(reasoning, dict) and reasoning.get("maxReasoningEffort") == "high"
        if high and asked.inference_config != InferenceParameters() and self.high_effort is HighEffort.BARE:
            raise invalid("inferenceConfig: not supported at maxReasoningEffort high")
        return asked

    def called(self, lambda_arn: str) -> str:
        """Return the ARN that is called for a reward function's ARN."""
        return unqualified(lambda_arn) if self.qualifier is Qualifier.DROPPED else lambda_arn


def unqualified(lambda_arn: str) -> str:
    """Return a function's ARN without version or alias."""
    return ":".join(lambda_arn.split(":")[:7])

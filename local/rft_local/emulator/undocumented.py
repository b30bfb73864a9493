"""What AWS does not document about its other services, and the emulator does in one way or the other.

The first value of each choice is what the platform relies on, with one exception: the emulator does not list quotas
unless it is told to. The other values are what the platform has to live with should AWS turn out to do so;
`docs/assumptions.md` says what follows from each. What is undocumented about Bedrock itself is chosen at its endpoint.
"""

from dataclasses import dataclass
from enum import StrEnum

from rft_local.choices import Choices


class StopTags(StrEnum):
    """A job's tags, which IAM is told when somebody stops the job, or is not."""

    TOLD = "told"
    UNTOLD = "untold"


class ModelTags(StrEnum):
    """Tags of models and deployments, which IAM is told when somebody uses, changes or deletes them, or is not."""

    TOLD = "told"
    UNTOLD = "untold"


class VersionDeletion(StrEnum):
    """What the right to delete one version of a function is looked up for."""

    FUNCTION = "function"
    VERSION = "version"


class BatchInput(StrEnum):
    """What a path in the BatchInput of a Distributed Map is taken for."""

    PATH = "path"
    TEXT = "text"


class SystemCalls(StrEnum):
    """The system calls that functions need to isolate programs: memfd_create and two options of prctl."""

    ALLOWED = "allowed"
    REFUSED = "refused"


class NewRole(StrEnum):
    """A role made within the last minute: passed to Bedrock at once, or only at the second try."""

    KNOWN = "known"
    LATE = "late"


class DeploymentMetrics(StrEnum):
    """What the metrics in CloudWatch call a deployment of a custom model."""

    ARN = "arn"
    ID = "id"


class DeploymentQuota(StrEnum):
    """Service Quotas: not served, or it lists a quota of deployments under the expected or under another name."""

    UNSERVED = "unserved"
    NAMED = "named"
    MISNAMED = "misnamed"


@dataclass(frozen=True, kw_only=True)
class Undocumented(Choices):
    """How the emulator behaves where AWS does not say; each is an option of its command line."""

    stop_tags: StopTags = StopTags.TOLD
    model_tags: ModelTags = ModelTags.TOLD
    version_deletion: VersionDeletion = VersionDeletion.FUNCTION
    batch_input: BatchInput = BatchInput.PATH
    system_calls: SystemCalls = SystemCalls.ALLOWED
    new_role: NewRole = NewRole.KNOWN
    deployment_metrics: DeploymentMetrics = DeploymentMetrics.ARN
    deployment_quota: DeploymentQuota = DeploymentQuota.UNSERVED

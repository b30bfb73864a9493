"""The one account and Region of the endpoint: its records, and the names of things in it."""

import time
from collections.abc import Callable
from pathlib import Path

from rft_contract.statuses import JobStatus
from rft_local.bedrock.endpoint_settings import ACCOUNT, REGION
from rft_local.bedrock.record_store import RecordStore
from rft_local.bedrock.records import CustomModel, Deployment, Job
from rft_runtime.base_models import BASE_MODELS, BaseModel


class Account:
    """Everything the endpoint remembers.

    Args:
        state: Folder of the records and adapters.
        clock: Seconds since the epoch.
    """

    def __init__(self, state: Path, clock: Callable[[], float] = time.time) -> None:
        self.now = clock
        self.jobs = RecordStore(state / "jobs", Job)
        self.models = RecordStore(state / "models", CustomModel)
        self.deployments = RecordStore(state / "deployments", Deployment)
        self._adapters = state / "adapters"
        self._adapters.mkdir(parents=True, exist_ok=True)

    def adapter(self, model_id: str) -> Path:
        """Return where the weights of a custom model lie."""
        return self._adapters / f"{model_id}.npz"

    def model(self, arn: str) -> CustomModel | None:
        """Return the custom model of an ARN."""
        return self.models.find(lambda record: record.arn == arn)

    def running_jobs(self) -> list[Job]:
        """Return the jobs that are not at their end, oldest first."""
        return [job for job in self.jobs.all() if not JobStatus(job.status).is_terminal]


def arn(kind: str, tail: str) -> str:
    """Return the ARN of something in this account, such as `arn("custom-model", "<base>/<id>")`."""
    return f"arn:aws:bedrock:{REGION}:{ACCOUNT}:{kind}/{tail}"


def customizable(identifier: str) -> BaseModel | None:
    """Return the base model that a customization id or foundation-model ARN of this Region names."""
    known = (model for model in BASE_MODELS if identifier in (model.customization_id, model.arn(REGION)))
    return next((model for model in known if not model.regions or REGION in model.regions), None)

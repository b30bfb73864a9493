"""The thread that runs jobs, one at a time, and tells the event bus how they stand."""

import logging
import queue
import threading

from rft_contract.statuses import JobStatus
from rft_local.bedrock.accidents import Accidents
from rft_local.bedrock.account import Account
from rft_local.bedrock.emulator_client import EmulatorClient
from rft_local.bedrock.endpoint_settings import EndpointSettings
from rft_local.bedrock.engine import Engine
from rft_local.bedrock.job_event import DETAIL_TYPE, detail
from rft_local.bedrock.job_run import JobRun
from rft_local.bedrock.records import Job
from rft_local.bedrock.role_check import RoleCheck
from rft_local.bedrock.undocumented import JobEvents

_RESTARTED = "The embedded Bedrock endpoint was stopped while the job ran; start the job again"

logger = logging.getLogger(__name__)


class JobWorker:
    """Runs submitted jobs in their order.

    Args:
        account: Where their records lie.
        engine: What trains.
        emulator: The rest of AWS.
        roles: Tries out passed roles.
        settings: How the endpoint behaves.
        accidents: What is ordered to go wrong.
    """

    def __init__(
        self,
        account: Account,
        engine: Engine,
        emulator: EmulatorClient,
        roles: RoleCheck,
        settings: EndpointSettings,
        accidents: Accidents,
    ) -> None:
        self._account = account
        self._engine = engine
        self._emulator = emulator
        self._roles = roles
        self._settings = settings
        self._accidents = accidents
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)

    def start(self) -> None:
        """End the jobs that an earlier process left behind, and begin to take new ones."""
        self._abandon()
        self._thread.start()

    def submit(self, job_id: str) -> None:
        """Queue a job; until its turn it is InProgress with no part begun (the service has no `Queued`)."""
        self._waiting.put(job_id)

    def stop(self) -> None:
        """Fail what runs, at once; the thread may still compute, but nothing it does is recorded any more."""
        self._ending.set()
        self._abandon()
        self._waiting.put(None)

    def _work(self) -> None:
        while (job_id := self._waiting.get()) is not None and not self._ending.is_set():
            job = self._account.jobs.get(job_id)
            if job is not None and not job.status.is_terminal:
                self._tell(job)
                accident = self._accidents.take("job", job.name)
                if accident is not None and accident.ends == JobStatus.IN_PROGRESS:
                    continue
                JobRun(
                    self._account, job, self._engine, self._roles, self._settings, self._ending.is_set, accident
                ).run()
                job = self._account.jobs.get(job_id)
            if job is not None and not self._ending.is_set():
                logger.info("%s: %s%s", job.name, job.status.value, f" ({job.failure})" if job.failure else "")
                self._tell(job)

    def _abandon(self) -> None:
        for job in self._account.running_jobs():
            self._account.jobs.change(job.id, self._abandoned)

    def _abandoned(self, job: Job) -> Job:
        now = self._account.now()
        return job.stopped(now) if job.status is JobStatus.STOPPING else job.failed(_RESTARTED, now)

    def _tell(self, job: Job) -> None:
        """Publish the job's status; delivery is best effort, here as in AWS."""
        if self._settings.undocumented.job_events is JobEvents.LOST:
            return
        try:
            self._emulator.publish(DETAIL_TYPE, job.arn, detail(job))
        except Exception as error:
            logger.warning("%s: no event about %s: %s", job.name, job.status.value, error)

"""One customization job from validation to its custom model."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from rft_contract.hyperparameters import Hyperparameters
from rft_contract.json_value import JsonObject
from rft_contract.statuses import JobStatus
from rft_local.bedrock.accidents import Accident, JobAccident
from rft_local.bedrock.account import Account, arn
from rft_local.bedrock.dataset import DatasetUnfit, check_size, read_rows
from rft_local.bedrock.emulator_client import RoleSession
from rft_local.bedrock.endpoint_settings import EndpointSettings
from rft_local.bedrock.engine import AskedUsed, Engine, TrainingHooks, TrainingRow, TrainingStep, TrainingTask
from rft_local.bedrock.grader import Grader, GraderFailed
from rft_local.bedrock.job_output import JobOutput
from rft_local.bedrock.record_store import new_id
from rft_local.bedrock.records import PHASES, CustomModel, Job
from rft_local.bedrock.requests import to_json
from rft_local.bedrock.role_check import RoleCheck, RoleUnfit
from rft_local.bedrock.s3_uri import S3Uri
from rft_local.bedrock.tags import as_mapping
from rft_local.bedrock.undocumented import Artifacts, StoppedModel, ValidationData

_UNEXPECTED = "Encountered an unexpected error when processing the request, please try again"
_LONGEST_FAILURE = 2048

logger = logging.getLogger(__name__)


class _Stopped(Exception):
    """The job is no longer wanted."""


class JobRun:
    """Runs one job and keeps its record up to date.

    Args:
        account: Where the record lies.
        job: The job, InProgress.
        engine: What trains.
        roles: Tries out the passed role.
        settings: How the endpoint behaves.
        shutting_down: Whether the endpoint is about to end.
        accident: What goes wrong with it, if anything was ordered.
    """

    def __init__(
        self,
        account: Account,
        job: Job,
        engine: Engine,
        roles: RoleCheck,
        settings: EndpointSettings,
        shutting_down: Callable[[], bool],
        accident: Accident | None = None,
    ) -> None:
        self._account = account
        self._job = job
        self._engine = engine
        self._roles = roles
        self._settings = settings
        self._shutting_down = shutting_down
        self._accident = accident
        self._model_id = new_id()
        self._plan: tuple[int, Sequence[AskedUsed]] = (0, ())

    def run(self) -> None:
        """Run the job to one of its ends; raises nothing."""
        try:
            validation, processing, training = PHASES
            self._begin(validation)
            session = self._check_role()
            self._begin(processing)
            rows, held_back = self._read(session)
            self._begin(training)
            if self._accident is not None and self._accident.ends != JobStatus.COMPLETED:
                raise JobAccident(self._accident)
            self._train(session, rows, held_back)
            self._complete()
        except Exception as error:
            self._end(error)
            self._account.adapter(self._model_id).unlink(missing_ok=True)

    def _check_role(self) -> RoleSession:
        request = self._job.request
        session = self._roles.session(request.role_arn, self._job.arn)
        self._roles.storage(session, request)
        self._roles.grader(session, self._grader_arn)
        if request.custom_model_kms_key_id:
            self._roles.key(request.role_arn, request.custom_model_kms_key_id)
        return session

    def _read(self, session: RoleSession) -> tuple[list[TrainingRow], list[TrainingRow]]:
        request = self._job.request
        rows = read_rows(session, S3Uri.parse(request.training_data_config.s3_uri or ""))
        check_size(len(rows))
        held_back = [row for uri in request.validation_uris for row in read_rows(session, S3Uri.parse(uri))]
        ignored = self._settings.undocumented.validation is ValidationData.IGNORED
        return rows, [] if ignored else held_back

    def _train(self, session: RoleSession, rows: Sequence[TrainingRow], held_back: Sequence[TrainingRow]) -> None:
        request, settings = self._job.request, self._settings
        output = JobOutput(
            session,
            S3Uri.parse(request.output_data_config.s3_uri),
            self._job.id,
            lost=self._accident is not None or settings.undocumented.artifacts is Artifacts.ABSENT,
        )
        grader = Grader(session, self._grader_arn, settings.grader, settings.seed, self._should_stop)
        steps: list[TrainingStep] = []

        def planned(steps: int, asked_used: Sequence[AskedUsed]) -> None:
            self._plan = (steps, [self._with_request(item) for item in asked_used])
            output.write_run(self._engine.name, *self._plan)

        def stepped(step: TrainingStep) -> None:
            steps.append(step)
            output.write_training(steps)
            logger.info("%s: step %d of %d, reward %.3f", self._job.name, step.step + 1, step.steps, step.reward)

        task = TrainingTask(
            rows=rows,
            validation=held_back,
            hyperparameters=Hyperparameters.from_json({**request.rft.hyper_parameters}),
            seed=settings.seed,
            adapter=self._account.adapter(self._model_id),
        )
        self._engine.train(task, TrainingHooks(planned, grader.rewards, stepped, self._should_stop))
        if held_back:
            output.write_validation(steps)
        output.write_run(self._engine.name, *self._plan)

    def _complete(self) -> None:
        """Make the custom model and end the job in one go, unless it was stopped meanwhile."""
        model = self._model()

        def completed(job: Job) -> Job:
            if job.status is not JobStatus.IN_PROGRESS:
                raise _Stopped
            self._account.models.create(model, lambda _: None)
            return job.completed(model.arn, model.created)

        self._account.jobs.change(self._job.id, completed)

    def _model(self) -> CustomModel:
        """Return the custom model that the job leaves, made now."""
        now, request = self._account.now(), self._job.request
        return CustomModel(
            id=self._model_id,
            arn=arn("custom-model", f"{self._job.base_model}/{self._model_id}"),
            created=now,
            tags=as_mapping(request.custom_model_tags),
            name=request.custom_model_name,
            job_arn=self._job.arn,
            base_model=self._job.base_model,
            base_model_arn=self._job.base_model_arn,
            request=request,
        )

    def _end(self, error: Exception) -> None:
        failure = self._failure(error)

        def ended(job: Job) -> Job:
            if job.status.is_terminal:
                return job
            now = self._account.now()
            stopped = isinstance(error, JobAccident) and error.accident.ends == JobStatus.STOPPED
            if stopped or job.status is JobStatus.STOPPING:
                ending = msgspec.structs.replace(job.stopped(now), failure=str(error) if stopped else None)
                return self._leave_model(ending)
            return job.failed(failure, now)

        self._account.jobs.change(self._job.id, ended)

    def _leave_model(self, job: Job) -> Job:
        """Leave the model of a job that was stopped, where the endpoint is one that does."""
        if self._settings.undocumented.stopped_model is StoppedModel.NONE:
            return job
        model = self._model()
        self._account.models.create(model, lambda _: None)
        return msgspec.structs.replace(job, model_arn=model.arn)

    def _failure(self, error: Exception) -> str:
        if isinstance(error, (RoleUnfit, DatasetUnfit, GraderFailed, JobAccident, ValueError)):
            return str(error)[:_LONGEST_FAILURE]
        if not isinstance(error, _Stopped) and not self._should_stop():
            logger.error("%s failed", self._job.name, exc_info=error)
        return f"{_UNEXPECTED} ({type(error).__name__}: {error})"[:_LONGEST_FAILURE]

    def _begin(self, part: str) -> None:
        """Begin one part of the job, unless the job is no longer wanted."""

        def begun(job: Job) -> Job:
            if job.status is not JobStatus.IN_PROGRESS:
                raise _Stopped
            return job.begun(part, self._account.now())

        self._account.jobs.change(self._job.id, begun)

    def _with_request(self, item: AskedUsed) -> AskedUsed:
        """Return a line of the table with what the request asked outside of its hyperparameters."""
        request = self._job.request
        elsewhere: JsonObject = {
            "customModelKmsKeyId": request.custom_model_kms_key_id,
            "vpcConfig": to_json(request.vpc_config),
        }
        return replace(item, asked=elsewhere[item.name]) if item.name in elsewhere else item

    @property
    def _grader_arn(self) -> str:
        config = self._job.request.rft.grader_config
        if config is None:
            raise ValueError("the job has no reward function")
        return self._settings.undocumented.called(config.lambda_grader.lambda_arn)

    def _should_stop(self) -> bool:
        job = self._account.jobs.get(self._job.id)
        return self._shutting_down() or job is None or job.status is not JobStatus.IN_PROGRESS

"""Operations on model customization jobs."""

from collections.abc import Callable

import msgspec

from rft_contract.hyperparameters import Hyperparameters
from rft_contract.json_value import JsonObject, JsonValue
from rft_contract.statuses import JobStatus
from rft_local.bedrock.account import Account, arn, customizable
from rft_local.bedrock.endpoint_settings import REGION
from rft_local.bedrock.listing import between, named, page
from rft_local.bedrock.record_store import new_id
from rft_local.bedrock.records import PHASES, Job
from rft_local.bedrock.requests import CreateJob, JobIdentifier, ListJobs, to_json
from rft_local.bedrock.role_check import RoleCheck, RoleUnfit
from rft_local.bedrock.service_error import conflict, invalid, not_found
from rft_local.bedrock.tags import as_mapping
from rft_local.bedrock.undocumented import Undocumented

_RFT = "REINFORCEMENT_FINE_TUNING"


class _Repeated(Exception):
    """The request made a job before."""

    def __init__(self, job: Job) -> None:
        super().__init__(job.arn)
        self.job = job


class Jobs:
    """Create, Get, Stop and ListModelCustomizationJobs.

    Args:
        account: The account.
        roles: Tries out the passed role.
        submit: Called with the id of every new job.
        undocumented: What is taken where AWS does not say.
    """

    def __init__(
        self, account: Account, roles: RoleCheck, submit: Callable[[str], None], undocumented: Undocumented
    ) -> None:
        self._account = account
        self._roles = roles
        self._submit = submit
        self._undocumented = undocumented

    def create(self, asked: CreateJob, caller: str) -> JsonObject:
        """Start a job; the same token with the same parameters answers with the same job.

        Args:
            asked: The request.
            caller: ARN of who asks.

        Raises:
            ServiceError: ValidationException for what RFT needs besides the service model, and for a role that cannot
                be assumed, cannot read the datasets or cannot write the output; AccessDeniedException without
                iam:PassRole; ConflictException for a job or model name that is taken, and for a token that was used
                with other parameters.
        """
        check_served(asked)
        self._undocumented.check(asked)
        base = customizable(asked.base_model_identifier)
        if base is None:
            raise invalid(f"The provided model identifier is invalid: {asked.base_model_identifier}")
        self._roles.pass_role(caller, asked.role_arn)
        job_id, now = new_id(), self._account.now()
        job = Job(
            id=job_id,
            arn=arn("model-customization-job", f"{base.customization_id}/{job_id}"),
            created=now,
            modified=now,
            tags=as_mapping(asked.job_tags),
            base_model=base.customization_id,
            base_model_arn=base.arn(REGION),
            request=asked,
        )
        try:
            self._refuse_taken(self._account.jobs.all(), asked)
            self._roles.storage(self._roles.session(asked.role_arn, job.arn), asked)
            self._account.jobs.create(job, lambda present: self._refuse_taken(present, asked))
        except RoleUnfit as unfit:
            raise invalid(str(unfit)) from None
        except _Repeated as repeated:
            return {"jobArn": repeated.job.arn}
        self._submit(job.id)
        return {"jobArn": job.arn}

    def get(self, asked: JobIdentifier) -> JsonObject:
        """Describe a job.

        Raises:
            ServiceError: ResourceNotFoundException.
        """
        job = self._found(asked.job_identifier)
        request = job.request
        return {
            "jobArn": job.arn,
            "jobName": job.name,
            "outputModelName": request.custom_model_name,
            "outputModelArn": job.model_arn,
            "clientRequestToken": request.client_request_token,
            "roleArn": request.role_arn,
            "status": job.status.value,
            "statusDetails": status_details(job),
            "failureMessage": job.failure,
            "creationTime": job.created,
            "lastModifiedTime": job.modified,
            "endTime": job.ended,
            "baseModelArn": job.base_model_arn,
            "hyperParameters": dict(request.hyper_parameters) if request.hyper_parameters else None,
            "trainingDataConfig": to_json(request.training_data_config),
            "validationDataConfig": to_json(request.validation_data_config) or {"validators": []},
            "outputDataConfig": to_json(request.output_data_config),
            "customizationType": request.customization_type,
            "vpcConfig": to_json(request.vpc_config),
            "customizationConfig": to_json(request.customization_config),
        }

    def stop(self, asked: JobIdentifier) -> JsonObject:
        """Stop a job; it becomes Stopping, then Stopped (at once while it waits for its turn), and leaves no model.

        Raises:
            ServiceError: ResourceNotFoundException; ConflictException when the job has completed or failed.
        """
        job = self._found(asked.job_identifier)
        now = self._account.now()

        def stopping(current: Job) -> Job:
            if current.status in (JobStatus.COMPLETED, JobStatus.FAILED):
                raise conflict(f"The job {current.arn} is {current.status.value} and cannot be stopped")
            if current.status is not JobStatus.IN_PROGRESS:
                return current
            if not current.phases:
                return current.stopped(now)
            return msgspec.structs.replace(current, status=JobStatus.STOPPING, modified=now)

        self._account.jobs.change(job.id, stopping)
        return {}

    def list_page(self, asked: ListJobs) -> JsonObject:
        """List jobs, newest first unless asked otherwise."""
        records = [
            job
            for job in self._account.jobs.all()
            if between(job, asked.creation_time_after, asked.creation_time_before)
            and named(job.name, asked.name_contains)
            and asked.status_equals in (None, job.status.value)
        ]
        found = page(records, asked)
        summaries: list[JsonValue] = [_summary(job) for job in found.records]
        return {"modelCustomizationJobSummaries": summaries, "nextToken": found.next_token}

    def _found(self, identifier: str) -> Job:
        job = self._account.jobs.find(lambda record: identifier in (record.arn, record.name))
        if job is None:
            raise not_found(f"The model customization job {identifier} does not exist")
        return job

    def _refuse_taken(self, present: list[Job], asked: CreateJob) -> None:
        """Refuse names that are taken; that model names are unique too is our reading of the errors listed."""
        for job in present:
            _refuse_token(job, asked)
        if any(job.name == asked.job_name for job in present):
            raise conflict(f"A model customization job named {asked.job_name} already exists")
        models = {model.name for model in self._account.models.all()}
        models |= {job.request.custom_model_name for job in self._account.running_jobs()}
        if asked.custom_model_name in models:
            raise conflict(f"A custom model named {asked.custom_model_name} already exists")


def check_served(asked: CreateJob) -> None:
    """Check what reinforcement fine-tuning needs beyond the service model.

    Raises:
        ServiceError: ValidationException; also for the kinds of job that only the real service runs.
    """
    if asked.customization_type != _RFT:
        raise invalid(f"customizationType: got {asked.customization_type}, the embedded AWS serves {_RFT} alone")
    if asked.rft.grader_config is None:
        raise invalid("customizationConfig.rftConfig.graderConfig is required for reinforcement fine-tuning")
    if asked.training_data_config.s3_uri is None:
        raise invalid("trainingDataConfig.s3Uri is required: the embedded AWS does not train on invocation logs")
    try:
        Hyperparameters.from_json({**asked.rft.hyper_parameters})
    except ValueError as error:
        raise invalid(str(error)) from None


def status_details(job: Job) -> JsonObject:
    """Return where the parts of a job stand; those that have not begun are NotStarted."""
    details: JsonObject = {}
    for name in PHASES:
        phase = job.phases.get(name)
        details[name] = (
            {"status": phase.status.value, "creationTime": phase.created, "lastModifiedTime": phase.modified}
            if phase
            else {"status": "NotStarted"}
        )
    return details


def _refuse_token(job: Job, asked: CreateJob) -> None:
    """Refuse a token that made a job already: with that job when nothing else differs."""
    token = asked.client_request_token
    if token is None or job.request.client_request_token != token:
        return
    if job.request != asked:
        raise conflict("The clientRequestToken was used before with other parameters")
    raise _Repeated(job)


def _summary(job: Job) -> JsonValue:
    return {
        "jobArn": job.arn,
        "baseModelArn": job.base_model_arn,
        "jobName": job.name,
        "status": job.status.value,
        "statusDetails": status_details(job),
        "lastModifiedTime": job.modified,
        "creationTime": job.created,
        "endTime": job.ended,
        "customModelArn": job.model_arn,
        "customModelName": job.request.custom_model_name if job.model_arn else None,
        "customizationType": job.request.customization_type,
    }

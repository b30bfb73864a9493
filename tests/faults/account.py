"""An AWS account in memory in which time passes: jobs and deployments come to an end by the clock."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from tests.faults.clock import CLOCK
from tests.unit.certified import accept
from tests.unit.fakes.aws import FakeAws
from tests.unit.fakes.functions import FakeLambda
from tests.unit.fakes.listed_bedrock import ListedBedrock
from tests.unit.fakes.recipe import upload
from tests.unit.fakes.states import FakeStates
from tests.unit.test_runtime_workflow import label_grade, tuned_answer

METRICS = "step_number,epoch_number,training_loss,perplexity,reward\n0,0,0.9,2.1,0.4\n1,0,0.7,1.9,0.6\n"
JOB_SECONDS = 20 * 60.0
DEPLOYMENT_SECONDS = 300.0
NEVER = float("inf")

FunctionAnswer = dict[str, Any]
Misbehaviour = Callable[[list[dict[str, Any]]], FunctionAnswer | None]


@dataclass
class Course:
    """What becomes of something that takes its time.

    Args:
        seconds: How long it takes.
        status: In which status it ends.
        message: The service's words about that.
    """

    seconds: float
    status: str
    message: str = ""


@dataclass
class LivingBedrock(ListedBedrock):
    """Bedrock, whose jobs and deployments take their course."""

    job_course: Course = field(default_factory=lambda: Course(JOB_SECONDS, "Completed"))
    deployment_course: Course = field(default_factory=lambda: Course(DEPLOYMENT_SECONDS, "Active"))
    update_courses: list[Course] = field(default_factory=list)
    """Of the next updates of deployments; those after them go well."""
    leaves_model: bool = True

    def list_model_customization_jobs(self, **request: Any) -> dict[str, Any]:
        self._called("ListModelCustomizationJobs", request)
        found = [
            {"jobName": name, "jobArn": job["jobArn"]}
            for name, job in self.jobs.items()
            if request.get("nameContains", "") in name
            and job["status"] == request["statusEquals"]
            and job["creationTime"] < request.get("creationTimeBefore", CLOCK.now())
        ]
        return {"modelCustomizationJobSummaries": found}

    def list_custom_models(self, **request: Any) -> dict[str, Any]:
        self._called("ListCustomModels", request)
        found = [model for name, model in self.made.items() if request.get("nameContains", "") in name]
        return {"modelSummaries": found}

    def create_model_customization_job(self, **request: Any) -> dict[str, str]:
        known = request["jobName"] in self.jobs
        answer = super().create_model_customization_job(**request)
        if known:
            return answer
        job = self.jobs[request["jobName"]]
        arn = f"{answer['jobArn'].rsplit('/', 1)[0]}/job{len(self.jobs):09d}"
        job.update(jobArn=arn, output=request["outputDataConfig"]["s3Uri"], modelName=request["customModelName"])
        self.tags[arn] = request["jobTags"]
        return {"jobArn": arn}

    def stop_model_customization_job(self, *, jobIdentifier: str) -> None:
        super().stop_model_customization_job(jobIdentifier=jobIdentifier)
        self.get_model_customization_job(jobIdentifier=jobIdentifier)["stopped"] = CLOCK.now()

    def create_custom_model_deployment(self, **request: Any) -> dict[str, str]:
        answer = super().create_custom_model_deployment(**request)
        self.deployments[request["modelDeploymentName"]]["createdAt"] = CLOCK.now()
        return answer

    def update_custom_model_deployment(self, **request: Any) -> dict[str, str]:
        answer = super().update_custom_model_deployment(**request)
        deployment = self.get_custom_model_deployment(
            customModelDeploymentIdentifier=request["customModelDeploymentIdentifier"]
        )
        usual = Course(DEPLOYMENT_SECONDS, "UpdateCompleted")
        deployment["updatedAt"] = CLOCK.now()
        deployment["updateCourse"] = self.update_courses.pop(0) if self.update_courses else usual
        return answer

    def take_course(self, write: Callable[[str, str], None]) -> None:
        """Let what is due happen.

        Args:
            write: Writes a text under an `s3://` address.
        """
        for job in self.jobs.values():
            if job["status"] == "Stopping":
                job["status"] = "Stopped"
            course = job.get("course", self.job_course)
            if job["status"] == "InProgress" and self._is_due(job["creationTime"], course):
                job.update(status=course.status, failureMessage=course.message)
                write(f"{job['output']}/model-customization-job-{job['jobArn'].rsplit('/', 1)[1]}", METRICS)
                if job["status"] == "Completed" and self.leaves_model:
                    job["outputModelArn"] = self.add_model(job["modelName"], len(self.made), None)
                    self.tags[job["outputModelArn"]] = self.tags[job["jobArn"]]
        for deployment in self.deployments.values():
            course = self.deployment_course
            if deployment["status"] == "Creating" and self._is_due(deployment["createdAt"], course):
                deployment.update(status=course.status, failureMessage=course.message)
            update = deployment.get("updateDetails", {})
            course = deployment.get("updateCourse", course)
            if update.get("updateStatus") == "Updating" and self._is_due(deployment["updatedAt"], course):
                update["updateStatus"] = course.status
                deployment["failureMessage"] = course.message
                if course.status == "UpdateCompleted":
                    deployment["modelArn"] = update["modelArn"]

    @staticmethod
    def _is_due(since: Any, course: Course) -> bool:
        return bool((CLOCK.now() - since).total_seconds() >= course.seconds)


@dataclass
class LivingLambda(FakeLambda):
    """Lambda, whose reward function may misbehave, and which takes asynchronous calls."""

    misbehaves: Misbehaviour = lambda event: None
    queued: list[dict[str, Any]] = field(default_factory=list)
    called: set[str] = field(default_factory=set)
    """Versions of the reward function that graded."""
    faulty_versions: set[str] = field(default_factory=set)
    """Versions that raise."""

    def invoke(self, *, FunctionName: str, Payload: bytes, InvocationType: str = "RequestResponse") -> dict[str, Any]:
        event = json.loads(Payload)
        if InvocationType == "Event":
            self.queued.append(event)
            return {"StatusCode": 202}
        name, _, qualifier = FunctionName.rpartition(":")
        version = self.aliases[name.rsplit(":", 1)[-1], qualifier]["FunctionVersion"]
        self.called.add(version)
        answer = raised("NameError") if version in self.faulty_versions else self.misbehaves(event)
        return super().invoke(FunctionName=FunctionName, Payload=Payload) if answer is None else answer


def raised(error: str, message: str = "") -> FunctionAnswer:
    """Return how Lambda answers for a function that raised."""
    body = json.dumps({"errorType": error, "errorMessage": message})
    return {"FunctionError": "Unhandled", "Payload": io.BytesIO(body.encode())}


def answered(value: object) -> FunctionAnswer:
    """Return how Lambda answers for a function that returned a value."""
    return {"Payload": io.BytesIO(json.dumps(value).encode())}


def bedrock_of(aws: FakeAws) -> LivingBedrock:
    return cast(LivingBedrock, aws.bedrock)


def lambda_of(aws: FakeAws) -> LivingLambda:
    return cast(LivingLambda, aws.functions)


def new_account() -> FakeAws:
    """Return an account with the datasets of the recipe and certificates of its reward on them."""
    aws = FakeAws(bedrock=LivingBedrock(since=CLOCK.now()), functions=LivingLambda(), states=FakeStates())
    aws.bedrock_runtime.answer = tuned_answer
    aws.functions.grade = label_grade
    upload(aws)
    for body in list(aws.s3.objects.values()):
        accept(aws, body)
    return aws

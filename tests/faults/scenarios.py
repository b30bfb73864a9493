"""What goes wrong without an error of an AWS operation: each function arranges one thing for a run."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from rft_contract.layout import CERTIFICATES, RunKeys
from rft_contract.naming import candidate_deployment_name, job_name
from tests.faults.account import (
    DEPLOYMENT_SECONDS,
    JOB_SECONDS,
    NEVER,
    Course,
    FunctionAnswer,
    answered,
    bedrock_of,
    lambda_of,
    raised,
)
from tests.faults.bases import stop_before
from tests.faults.clock import CLOCK
from tests.faults.live import LIVE, live_of
from tests.faults.simulation import FunctionLost, Simulation, Stopped
from tests.unit.fakes.account import BASE_MODEL, REWARD_FUNCTION
from tests.unit.test_runtime_workflow import tuned_answer

RIVAL = "rival-1"
MISBEHAVIOURS: dict[str, Callable[[list[dict[str, Any]]], FunctionAnswer]] = {
    "raises": lambda event: raised("KeyError", "'reference_answer'"),
    "times_out": lambda event: raised("Sandbox.Timedout", "Task timed out after 900.00 seconds"),
    "out_of_memory": lambda event: raised("Runtime.ExitError", "Runtime exited with error: signal: killed"),
    "wrong_shape": lambda event: answered({"scores": [1.0] * len(event)}),
    "empty": lambda event: answered([]),
    "no_numbers": lambda event: answered([{"id": item["id"], "aggregate_reward_score": "good"} for item in event]),
    "says_transient": lambda event: raised("TransientFailure", "the judge is throttled"),
    "not_json": lambda event: {"Payload": io.BytesIO(b"<html>")},
}
"""What a reward function may do, and how Lambda answers for it."""


def job_ends(run: Simulation, *, status: str, message: str = "", model: bool = True) -> None:
    """The job comes to an end of its own."""
    bedrock_of(run.aws).job_course = Course(JOB_SECONDS, status, message)
    bedrock_of(run.aws).leaves_model = model


def job_stuck(run: Simulation) -> None:
    """The job goes on for ever."""
    bedrock_of(run.aws).job_course = Course(NEVER, "Completed")


def job_gone(run: Simulation) -> None:
    """Somebody deleted the job: Bedrock does not know it any more."""

    def forget(simulation: Simulation, state: str) -> None:
        if state == "PollTraining":
            simulation.aws.bedrock.jobs.pop(job_name("dev", simulation.run_id), None)

    run.before.append(forget)


def job_output(run: Simulation, *, form: str) -> None:
    """What the job writes is not what is documented."""
    texts = {
        "missing": None,
        "partial": b"step_number,epoch_number,training_loss,perplexity,reward\n0,0,0.9,2.1,0.4\n1,0,",
        "cut_character": "step_number,reward\n0,0.4\n1,é".encode()[:-1],
        "binary": bytes(range(256)),
        "nul": b"step_number,reward\n0,\x00\n",
        "empty": b"",
    }

    def spoil(simulation: Simulation, state: str) -> None:
        if state != "DeployCandidate":
            return
        prefix = RunKeys(simulation.run_id).job_output
        for key in [key for key in simulation.aws.s3.objects if key.startswith(prefix)]:
            body = texts[form]
            if body is None:
                del simulation.aws.s3.objects[key]
            else:
                simulation.aws.s3.put(key, body)
                simulation.aws.s3.put(key.replace("step_wise_training_metrics.csv", "embedded_run.json"), body)

    run.before.append(spoil)


def job_name_taken(run: Simulation) -> None:
    """A job of the run's name is there, and is somebody else's."""
    bedrock_of(run.aws).jobs[job_name("dev", run.run_id)] = {
        "jobArn": f"arn:aws:bedrock:us-east-1:123456789012:model-customization-job/{BASE_MODEL}/job000000098",
        "status": "Completed",
        "creationTime": CLOCK.now(),
        "clientRequestToken": "somebody-elses",
    }


def invalid_rewards(run: Simulation) -> None:
    """Half of what the job sends to the reward function cannot be graded."""
    begin = CLOCK.now().replace(second=0, microsecond=0)
    run.aws.cloudwatch.minutes = {begin + timedelta(minutes=minute): (100.0, 100.0) for minute in range(120)}


def deployment_fails(run: Simulation, *, message: str) -> None:
    """The candidate's deployment ends Failed."""
    bedrock_of(run.aws).deployment_course = Course(DEPLOYMENT_SECONDS, "Failed", message)


def deployment_stuck(run: Simulation) -> None:
    """A deployment is being created for ever."""
    bedrock_of(run.aws).deployment_course = Course(NEVER, "Active")


def deployment_gone(run: Simulation, *, before: str) -> None:
    """Somebody deleted the candidate's deployment."""

    def delete(simulation: Simulation, state: str) -> None:
        if state == before:
            simulation.aws.bedrock.deployments.pop(candidate_deployment_name("dev", simulation.run_id), None)

    run.before.append(delete)


def deployment_name_taken(run: Simulation) -> None:
    """A deployment of the candidate's name is there, and serves another model."""
    bedrock_of(run.aws).deployments[candidate_deployment_name("dev", run.run_id)] = {
        "customModelDeploymentArn": "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/elseaaaaaaaa",
        "modelArn": "arn:aws:bedrock:us-east-1:123456789012:custom-model/somebodys",
        "status": "Active",
        "createdAt": CLOCK.now(),
    }


def update_fails(run: Simulation, *, message: str) -> None:
    """The next update of the live deployment ends UpdateFailed."""
    bedrock_of(run.aws).update_courses.append(Course(DEPLOYMENT_SECONDS, "UpdateFailed", message))


def update_stuck(run: Simulation, *, seconds: float) -> None:
    """The next update of the live deployment takes so long."""
    bedrock_of(run.aws).update_courses.append(Course(seconds, "UpdateCompleted"))


def creation_of_live_fails(run: Simulation, *, message: str) -> None:
    """The line's first deployment ends Failed."""
    bedrock_of(run.aws).deployment_course = Course(DEPLOYMENT_SECONDS, "Failed", message)


def reward(run: Simulation, *, phase: str, does: str, times: int | None = None) -> None:
    """The reward function misbehaves for the callers of a phase, always or so many times."""
    left = [times]

    def misbehave(event: list[dict[str, Any]]) -> FunctionAnswer | None:
        if event[0]["metadata"].get("rft", {}).get("phase") != phase or left[0] == 0:
            return None
        if left[0] is not None:
            left[0] -= 1
        return MISBEHAVIOURS[does](event)

    lambda_of(run.aws).misbehaves = misbehave
    if phase == "certify":
        for key in [key for key in run.aws.s3.objects if key.startswith(CERTIFICATES)]:
            del run.aws.s3.objects[key]
        lambda_of(run.aws).runs_its_code = True


def worse_than_live(run: Simulation) -> None:
    """The candidate is better than the base model, and not as good as what is live."""
    live = run.aws.bedrock.deployments[LIVE]["customModelDeploymentArn"]

    def answer(request: dict[str, Any]) -> str:
        number = int(request["messages"][-1]["content"][0]["text"].split("number ")[1].split(":")[0])
        weak = "deployment" in request["modelId"] and request["modelId"] != live and number % 4 == 0
        return "billing" if weak else tuned_answer(request)

    run.aws.bedrock_runtime.answer = answer


def no_better(run: Simulation) -> None:
    """The candidate answers as the base model does."""
    run.aws.bedrock_runtime.answer = lambda request: "billing"


def base_knows_everything(run: Simulation) -> None:
    """The base model answers every prompt right, and all are probed."""
    run.recipe = {"probe": {"prompts": 100}}
    run.aws.bedrock_runtime.answer = lambda request: tuned_answer({**request, "modelId": "deployment"})


def two_runs(run: Simulation, *, rival: str) -> None:
    """Another run of the line, begun at the same time, comes to its promotion first: `promoted`, or it `fails`."""
    other = Simulation(run.machine, run.aws, run_id=RIVAL)

    def overtake(simulation: Simulation, state: str) -> None:
        if state != "PromoteCandidate" or other.status:
            return
        if rival == "fails":
            update_fails(simulation, message="no capacity")
        other.start()
        simulation.overtaken = live_of(simulation.aws)

    run.before.append(overtake)
    run.rivals.append(other)


def execution_ends(run: Simulation, *, status: str, state: str, moment: str, closes: str) -> None:
    """The execution is stopped or times out before a state or while its function works; who then closes the run."""

    def stop(simulation: Simulation, name: str) -> None:
        if name == state:
            raise Stopped(status)

    if moment == "before":
        run.before.append(stop_before(state, status))
    else:
        run.after.append(stop)
    run.events_delivered = 1 if closes == "event" else 0


def event_doubled(run: Simulation) -> None:
    """The status event arrives three times."""
    run.events_delivered = 3


def called_again(run: Simulation, *, state: str, times: int) -> None:
    """A function did its work, and its answer never came, so often."""
    left = [times]

    def lose(simulation: Simulation, name: str) -> None:
        if name == state and left[0]:
            left[0] -= 1
            raise FunctionLost("the answer never came")

    run.after.append(lose)


def function_error(run: Simulation, *, state: str, error: str, times: int | None) -> None:
    """Lambda fails before a function did anything, always or so many times."""
    left = [times]
    kind = type(error, (Exception,), {})

    def fail(simulation: Simulation, name: str) -> None:
        if name != state or left[0] == 0:
            return
        if left[0] is not None:
            left[0] -= 1
        raise kind("said Lambda")

    run.first.append(fail)


def stack_updated(run: Simulation, *, before: str) -> None:
    """The stack is deployed with another reward function, which calls everything wrong, in front of a state."""

    def deploy(simulation: Simulation, state: str) -> None:
        if state == before:
            lambda_of(simulation.aws).live[REWARD_FUNCTION] = "8"

    lambda_of(run.aws).faulty_versions = {"8"}
    run.before.append(deploy)


def dataset_changed(run: Simulation, *, split: str) -> None:
    """Somebody uploads another dataset under the same name after it was validated."""
    key = f"datasets/{split}/{split}.jsonl"
    run.aws.s3.put(key, run.aws.s3.objects[key].replace(b"billing", b"Billing"))


def recipe(run: Simulation, *, changes: dict[str, Any]) -> None:
    """The recipe asks for something that cannot be had."""
    run.recipe = changes

"""What goes wrong in the fault suite without an error of an AWS operation, as it is ordered on the embedded AWS.

Each function arranges for one run what the function of the same name in `tests/faults/scenarios.py` arranges in memory.
"""

from collections.abc import Callable
from typing import Any

from benchmarks.fault_checks import ENVIRONMENT
from benchmarks.fault_run import BASE_MODEL, CALLERS, RUN_SECONDS, FaultRun
from rft_contract.layout import RunKeys
from rft_contract.metrics import NAMESPACE, Dimension, MetricName
from rft_contract.naming import candidate_deployment_name, job_name, live_deployment_name
from rft_local.emulator.faults import DELIVERY, EXECUTION, Effect, Fault
from tests.faults.case import Case


class NotHere(Exception):
    """A case that cannot be had on the embedded AWS; the message says why."""


def _job_ends(run: FaultRun, case: Case, *, status: str, message: str = "", model: bool = True) -> None:
    """The job comes to an end of its own."""
    if not model:
        raise NotHere("a completed job without a model is against the service's own model")
    run.accident("job", status, message)


def _job_stuck(run: FaultRun, case: Case) -> None:
    """The job never begins to train; the recipe allows it half a minute."""
    run.accident("job", "InProgress")
    run.changes = {**run.changes, "limits": {"hours": 0.01}}


def _job_output(run: FaultRun, case: Case, *, form: str) -> None:
    """What the job wrote is spoilt before anybody reads it."""
    texts = {
        "partial": b"step_number,epoch_number,training_loss,perplexity,reward\n0,0,0.9,2.1,0.4\n1,0,",
        "cut_character": "step_number,reward\n0,0.4\n1,\u00e9".encode()[:-1],
        "binary": bytes(range(256)),
        "nul": b"step_number,reward\n0,\x00\n",
        "empty": b"",
        "missing": None,
    }
    if form not in texts:
        raise NotHere(f"nobody writes {form} output here")
    bucket, s3 = run.stack.outputs.bucket, run.stack.client("s3")

    def spoil() -> None:
        found = s3.list_objects_v2(Bucket=bucket, Prefix=RunKeys(run.run_id).job_output)
        body = texts[form]
        for item in found.get("Contents", []):
            if body is None:
                s3.delete_object(Bucket=bucket, Key=item["Key"])
            else:
                s3.put_object(Bucket=bucket, Key=item["Key"], Body=body)

    run.hold("DeployCandidate", spoil)


def _job_name_taken(run: FaultRun, case: Case) -> None:
    """Somebody else's job of the run's name is there before it starts its own."""
    bedrock = run.stack.client("bedrock")
    name = job_name(ENVIRONMENT, run.run_id)

    def take() -> None:
        run.accident("job", "Failed", "somebody else's")
        record = run.record()
        assert record is not None
        bucket = f"s3://{run.stack.outputs.bucket}/"
        bedrock.create_model_customization_job(
            jobName=name,
            customModelName=f"{name}-elses",
            roleArn=record.parsed_resources().customization_role_arn,
            baseModelIdentifier=BASE_MODEL,
            customizationType="REINFORCEMENT_FINE_TUNING",
            trainingDataConfig={"s3Uri": bucket + record.keys.data(record.trains_on)},
            outputDataConfig={"s3Uri": bucket + record.keys.job_output},
            customizationConfig={
                "rftConfig": {"graderConfig": {"lambdaGrader": {"lambdaArn": record.reward_arn or ""}}}
            },
        )

    run.hold("StartTraining", take)


def _invalid_rewards(run: FaultRun, case: Case) -> None:
    """The reward function counts half of the rollouts as invalid, again and again, while the job goes on."""
    run.accident("job", "InProgress")
    values = {MetricName.GRADED: 1000.0, MetricName.INVALID: 1000.0}
    dimensions = [{"Name": Dimension.RUN, "Value": run.run_id}]

    def trains() -> bool:
        record = run.record()
        return record is not None and record.job_arn is not None

    def is_over_once_counted() -> bool:
        data = [{"MetricName": name, "Dimensions": dimensions, "Value": value} for name, value in values.items()]
        run.stack.client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=data)
        return run.is_over()

    def count() -> None:
        run.wait(lambda: trains() or run.is_over(), RUN_SECONDS, "no job was started")
        run.wait(is_over_once_counted, RUN_SECONDS, "its job was not stopped")

    run.meanwhile.append(count)


def _deployment_fails(run: FaultRun, case: Case, *, message: str) -> None:
    """The candidate's deployment ends Failed."""
    run.accident("deployment", "Failed", message)


def _deployment_gone(run: FaultRun, case: Case, *, before: str) -> None:
    """Somebody deletes the candidate's deployment."""
    name = candidate_deployment_name(ENVIRONMENT, run.run_id)
    bedrock = run.stack.client("bedrock")
    held = {"Evaluate": "Rollout"}.get(before, before)
    run.hold(held, lambda: bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=name))


def _deployment_name_taken(run: FaultRun, case: Case) -> None:
    """A deployment of the candidate's name serves another model."""
    bedrock = run.stack.client("bedrock")
    name = candidate_deployment_name(ENVIRONMENT, run.run_id)
    other = bedrock.list_custom_models(sortBy="CreationTime", sortOrder="Ascending")["modelSummaries"][0]["modelArn"]
    bedrock.create_custom_model_deployment(modelDeploymentName=name, modelArn=other)


def _update_fails(run: FaultRun, case: Case, *, message: str) -> None:
    """The first update of the live deployment ends UpdateFailed."""
    run.accident("update", "UpdateFailed", message)


def _creation_of_live_fails(run: FaultRun, case: Case, *, message: str) -> None:
    """The line's first deployment ends Failed."""
    run.accident("deployment", "Failed", message, name=live_deployment_name(ENVIRONMENT, run.line))


_REWARD_EFFECTS: dict[str, dict[str, Any]] = {
    "raises": {"error": "KeyError", "message": "'reference_answer'"},
    "times_out": {"error": "Sandbox.Timedout", "message": "Task timed out after 900.00 seconds"},
    "out_of_memory": {"effect": Effect.KILL},
    "wrong_shape": {"effect": Effect.REPLACE, "answer": {"scores": [1.0]}},
    "empty": {"effect": Effect.REPLACE, "answer": []},
    "no_numbers": {"effect": Effect.REPLACE, "answer": [{"id": "0", "aggregate_reward_score": "good"}]},
    "says_transient": {"error": "TransientFailure", "message": "the judge is throttled"},
}


def _reward(run: FaultRun, case: Case, *, phase: str | None, does: str, times: int | None = None) -> None:
    """The reward function misbehaves for the callers of a phase, always or so many times."""
    if does not in _REWARD_EFFECTS:
        raise NotHere(f"Lambda's answers are always JSON: {does}")
    phases = (rf'"phase": "{phase}"',) if phase not in (None, "train") else ()
    order = Fault(
        operation=EXECUTION,
        caller=run.stack.outputs.rewards["routing"],
        about=phases,
        without=() if phases else ('"phase":',),
        times=times,
        **_REWARD_EFFECTS[does],
    )
    if phase == "certify":
        run.held_out = f"held-out-{run.run_id}"  # one without a certificate
    run.order(order)


def _worse_than_live(run: FaultRun, case: Case) -> None:
    """The candidate is better than the base model, and not as good as what is live."""
    run.skill = 0.6


def _no_better(run: FaultRun, case: Case) -> None:
    """The candidate answers as the base model does."""
    run.skill = 0.0


def _two_runs(run: FaultRun, case: Case, *, rival: str = "promoted") -> None:
    """Another run of the line begins and ends while this one is in front of its promotion."""
    other = FaultRun(run.stack, f"{run.run_id}-rival", run.line, held_out=run.held_out)

    def overtake() -> None:
        if rival == "fails":
            other.accident("update", "UpdateFailed", "no capacity")
        record = other.go()
        other.check(record, ["PROMOTED" if rival == "promoted" else "FAILED"], None)
        run.before = run.live()

    run.hold("PromoteCandidate", overtake)


def _execution_ends(run: FaultRun, case: Case, *, status: str, state: str, moment: str, closes: str) -> None:
    """The execution is stopped while the function of a state is held up; who then closes the run."""
    if status != "ABORTED":
        raise NotHere("the state machine's time limit is hours away")
    if state not in CALLERS:
        raise NotHere(f"{state} calls no function that could be held up")
    if closes == "sweeper":
        run.order(Fault(operation=DELIVERY, caller="ExecutionEnded", times=None))
    states = run.stack.client("stepfunctions")
    arn = run.stack.outputs.state_machine_arn.replace(":stateMachine:", ":execution:") + f":{run.run_id}"
    run.hold(state, lambda: states.stop_execution(executionArn=arn), refuse=moment == "before")


def _event_doubled(run: FaultRun, case: Case) -> None:
    """The status event arrives twice."""
    run.order(Fault(operation=DELIVERY, caller="ExecutionEnded", effect=Effect.REPEAT))


def _called_again(run: FaultRun, case: Case, *, state: str, times: int) -> None:
    """The function of a state does its work, and its answer never comes, so often."""
    lost = Fault(operation="lambda:Invoke", effect=Effect.LOSE, error="ServiceException", times=times)
    run.order_of_call(state, lost)


def _function_error(run: FaultRun, case: Case, *, state: str, error: str, times: int | None) -> None:
    """Lambda fails in a state, always or so many times."""
    service, _, code = error.partition(".")
    if service == "States":
        raise NotHere("the state's own time limit is minutes away")
    if service == "Lambda" and code not in ("Unknown", "SdkClientException"):
        run.order_of_call(state, Fault(operation="lambda:Invoke", error=code, times=times))
    else:
        run.order_in(state, Fault(operation=EXECUTION, error=error, message="said Lambda", times=times))


def _killed_half_way(run: FaultRun, case: Case, **_: Any) -> None:
    """The function of a state is killed after its third call."""
    run.order_in(case.state, Fault(operation="*:*", effect=Effect.KILL_AFTER, after=2))


def _dataset_changed(run: FaultRun, case: Case, *, split: str) -> None:
    """Somebody uploads another dataset under the same name after it was validated."""
    s3 = run.stack.client("s3")

    def change() -> None:
        record = run.record()
        assert record is not None
        bucket, _, key = record.datasets[split].address.removeprefix("s3://").partition("/")
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        s3.put_object(Bucket=bucket, Key=key, Body=body.replace(b"billing", b"Billing"))

    run.skill = 0.99  # a training set of its own
    run.held_out = f"held-out-{run.run_id}"
    run.hold("Freeze", change)


def _recipe(run: FaultRun, case: Case, *, changes: dict[str, Any]) -> None:
    """The recipe asks for something that cannot be had."""
    if "datasets" in changes:
        raise NotHere("names datasets of the account in memory")
    run.changes = {**run.changes, **changes}


SCENARIOS: dict[str, Callable[..., None]] = {
    "job_ends": _job_ends,
    "job_stuck": _job_stuck,
    "job_output": _job_output,
    "job_name_taken": _job_name_taken,
    "invalid_rewards": _invalid_rewards,
    "deployment_fails": _deployment_fails,
    "deployment_gone": _deployment_gone,
    "deployment_name_taken": _deployment_name_taken,
    "update_fails": _update_fails,
    "creation_of_live_fails": _creation_of_live_fails,
    "reward": _reward,
    "worse_than_live": _worse_than_live,
    "no_better": _no_better,
    "two_runs": _two_runs,
    "execution_ends": _execution_ends,
    "event_doubled": _event_doubled,
    "called_again": _called_again,
    "function_error": _function_error,
    "killed_half_way": _killed_half_way,
    "dataset_changed": _dataset_changed,
    "recipe": _recipe,
}
"""By the names that cases give them."""

ABSENT = {
    "job_gone": "no operation of Bedrock deletes a job",
    "deployment_stuck": "takes two hours",
    "update_stuck": "takes two hours",
    "base_knows_everything": "the probe ends no run where a stand-in answers for the base model",
    "stack_updated": "a real `cdk deploy` between two states: tests/embedded/test_faults.py",
    "stopped_at_work": "strikes between two calls of a function, which nobody can do from outside its process",
}
"""Scenarios that cannot be had -> why."""

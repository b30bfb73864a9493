"""A run's execution in Step Functions: started, listed and stopped from here."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_contract.naming import check_run_id
from rft_contract.outcomes import Outcome
from rft_contract.recipe import Recipe


@dataclass(frozen=True)
class Execution:
    """One execution of an environment's workflow.

    Args:
        run_id: Its name.
        status: Step Functions' own: RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        started: When it was started.
        ended: When it ended; None while it runs.
    """

    run_id: str
    status: str
    started: datetime
    ended: datetime | None

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.status == "RUNNING"


def new_run_id(line: str, now: datetime | None = None) -> str:
    """Return a run id that says which model line started when (UTC), to the second."""
    return check_run_id(f"{line}-{(now or datetime.now(UTC)):%Y%m%d-%H%M%S}")


def execution_arn(environment: Environment, run_id: str) -> str:
    """Return the ARN of a run's execution."""
    return environment.outputs.state_machine_arn.replace(":stateMachine:", ":execution:") + f":{check_run_id(run_id)}"


def start(environment: Environment, run_id: str, recipe: Recipe) -> None:
    """Start a run.

    Args:
        environment: Where.
        run_id: Its id.
        recipe: What to do; its datasets lie in S3.

    Raises:
        CliError: When the name is taken.
    """
    states = environment.aws.states
    try:
        states.start_execution(
            stateMachineArn=environment.outputs.state_machine_arn,
            name=check_run_id(run_id),
            input=json.dumps({"run_id": run_id, "recipe": recipe.to_json()}),
        )
    except states.exceptions.ExecutionAlreadyExists:
        raise CliError(
            f"run {run_id}: the name is taken; choose another with --run-id (Step Functions keeps names for 90 days)"
        ) from None


def find(environment: Environment, run_id: str) -> Execution:
    """Return a run's execution.

    Raises:
        CliError: When there is none.
    """
    states = environment.aws.states
    try:
        found = states.describe_execution(executionArn=execution_arn(environment, run_id))
    except (states.exceptions.ExecutionDoesNotExist, states.exceptions.InvalidArn):
        raise CliError(
            f"run {run_id}: unknown in environment {environment.name}; `rft runs {environment.option}` lists them"
        ) from None
    return Execution(run_id, found["status"], found["startDate"], found.get("stopDate"))


def is_known(environment: Environment, run_id: str) -> bool:
    """Return whether a run of this name was started; Step Functions knows it for 90 days after its end.

    Without its encrypted part, the answer needs no right on the environment's key.
    """
    states = environment.aws.states
    try:
        states.describe_execution(executionArn=execution_arn(environment, run_id), includedData="METADATA_ONLY")
    except (states.exceptions.ExecutionDoesNotExist, states.exceptions.InvalidArn):
        return False
    return True


def executions(environment: Environment, *, only_running: bool = False, limit: int = 1000) -> Iterator[Execution]:
    """List the workflow's executions, newest first."""
    arn = environment.outputs.state_machine_arn
    paginator = environment.aws.states.get_paginator("list_executions")
    pages = (
        paginator.paginate(stateMachineArn=arn, statusFilter="RUNNING", PaginationConfig={"MaxItems": limit})
        if only_running
        else paginator.paginate(stateMachineArn=arn, PaginationConfig={"MaxItems": limit})
    )
    for page in pages:
        for found in page["executions"]:
            yield Execution(found["name"], found["status"], found["startDate"], found.get("stopDate"))


def stop(environment: Environment, run_id: str, reason: str) -> Outcome:
    """Stop a run: the closing handler ends it, stops its job and writes its report; then its execution is ended.

    The handler comes first, because the first closing decides the outcome and its reason, and ending the execution
    calls for a closing of its own. Whatever the execution begins in between finds the run closed.

    Args:
        environment: Where it runs.
        run_id: The run.
        reason: Why, for the report.

    Returns:
        How the run ended; a run that had ended before keeps its outcome.

    Raises:
        CliError: When the closing handler failed; the execution is stopped all the same.
    """
    execution = find(environment, run_id)
    try:
        return close(environment, run_id, reason)
    finally:
        if execution.is_running:
            environment.aws.states.stop_execution(
                executionArn=execution_arn(environment, run_id), error=Outcome.STOPPED, cause=reason
            )


def close(environment: Environment, run_id: str, reason: str) -> Outcome:
    """Close a run whose execution is over or is about to be.

    Args:
        environment: Where it ran.
        run_id: The run.
        reason: Why it ended, should nobody have said so yet.

    Returns:
        How the run ended.

    Raises:
        CliError: When the closing handler failed.
    """
    answer = environment.aws.functions.invoke(
        FunctionName=environment.outputs.close_function,
        Payload=json.dumps({"run_id": check_run_id(run_id), "stop": reason}).encode(),
    )
    result = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise CliError(
            f"run {run_id}: it has ended but closing failed: {result.get('errorMessage', result)}; "
            f"`rft stop {run_id} {environment.option}` tries again"
        )
    return Outcome(result["outcome"])

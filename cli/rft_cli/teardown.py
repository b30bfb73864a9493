"""Ending what runs made outside their stack, before the stack is destroyed."""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from time import sleep

from rft_cli import execution
from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_contract.json_value import JsonObject
from rft_runtime.run_record import RunStore

_ATTEMPTS = 5
_REASON = "rft teardown"


@dataclass(frozen=True)
class Closed:
    """What became of the runs.

    Args:
        outcomes: Run id -> how it ended.
        failures: What could not be ended, each in one line.
    """

    outcomes: dict[str, str]
    failures: list[str]


def unfinished_runs(environment: Environment) -> dict[str, bool]:
    """Return the runs that go on or are not closed: run id -> whether its execution goes on."""
    marks = {mark.run_id: False for mark in RunStore(environment.bucket).open_runs()}
    running = {found.run_id: True for found in execution.executions(environment, only_running=True)}
    return marks | running


def close_runs(environment: Environment, runs: dict[str, bool], tell: Callable[[str], None]) -> Closed:
    """Stop and close runs. What Bedrock refuses for now, such as deleting a deployment that it just makes, is repeated.

    Args:
        environment: Where.
        runs: Run id -> whether its execution goes on.
        tell: Is told how far it is.
    """
    outcomes: dict[str, str] = {}
    failures: dict[str, str] = {}
    for attempt in range(_ATTEMPTS):
        left = [run_id for run_id in runs if run_id not in outcomes]
        if not left:
            break
        if attempt:
            tell(f"{len(left)} cannot be closed yet, trying again")
            sleep(1.0 if environment.is_local else 15.0)
        for run_id in left:
            tell(f"run {run_id}")
            end = execution.stop if runs[run_id] and not attempt else execution.close
            try:
                outcomes[run_id] = str(end(environment, run_id, _REASON))
                failures.pop(run_id, None)
            except CliError as error:
                failures[run_id] = str(error)
    return Closed(outcomes, list(failures.values()))


def sweep_now(environment: Environment) -> list[str]:
    """Sweep at once, and let nothing be too young.

    Returns:
        What was removed.

    Raises:
        CliError: When something could not be removed.
    """
    outputs = environment.outputs
    asked: JsonObject = {
        "rewards": list(outputs.rewards.values()),
        "close_function": outputs.close_function,
        "keep_releases": outputs.keep_releases,
        "rejected_model_days": outputs.rejected_model_days,
        "stray_minutes": 0,
    }
    answer = environment.aws.grading.invoke(FunctionName=outputs.sweep_function, Payload=json.dumps(asked).encode())
    result = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise CliError(f"sweeping: {result.get('errorMessage', result)}")
    return [*result["removed"], *(f"model {arn}" for arn in result["models"])]


def question(environment: Environment, runs: Collection[str], live: Collection[str]) -> str:
    """Return what a person is asked before anything is ended."""
    ending = [f"stop and close {len(runs)} runs ({', '.join(sorted(runs))})"] if runs else []
    ending.append("end what runs left behind")
    ending += [f"take out of service {', '.join(live)}"] if live else []
    return f"In {environment.name}: {', and '.join(ending)}?"

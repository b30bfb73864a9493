"""Rolling a model line back, through the one function that may."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep

from rft_cli.cli_error import CliError
from rft_cli.environment import Environment
from rft_contract.json_value import JsonObject
from rft_contract.naming import check_line
from rft_contract.statuses import Progress


@dataclass(frozen=True)
class Rollback:
    """A rollback that was begun.

    Args:
        release: The release that shall serve.
        done: Whether it does.
    """

    release: int
    done: bool


def roll_back(
    environment: Environment,
    line: str,
    *,
    to: int | None,
    reason: str,
    tell: Callable[[str], None] = lambda words: None,
) -> Rollback:
    """Roll a line back and wait until it serves.

    Calls with one token are one rollback; should this process end, the environment finishes it by itself.

    Args:
        environment: Where.
        line: The model line.
        to: Number of the release. None: the one before the live one.
        reason: Why, for the line's history.
        tell: Is told how far it is.

    Raises:
        CliError: When it was refused or failed.
    """
    event: JsonObject = {"line": check_line(line), "token": uuid.uuid4().hex, "to": to, "reason": reason}
    started = monotonic()
    while True:
        found = _call(environment, event)
        if found.done:
            return found
        tell(f"release {found.release}, {monotonic() - started:.0f} s")
        sleep(0.5 if environment.is_local else 10.0)


def _call(environment: Environment, event: JsonObject) -> Rollback:
    answer = environment.aws.functions.invoke(
        FunctionName=environment.outputs.rollback_function, Payload=json.dumps(event).encode()
    )
    result = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise CliError(str(result.get("errorMessage", result)))
    return Rollback(release=int(result["release"]), done=result["progress"] == Progress.DONE)

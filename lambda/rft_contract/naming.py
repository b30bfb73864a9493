"""Names that Bedrock, Lambda and Step Functions accept.

Sources: service model of `bedrock`: `jobName` has no underscore, `customModelName` and deployment names have no dot
and no double separator, `clientRequestToken` has no colon and no underscore, all at most 63 characters (the token 256).
"""

import hashlib
import re

RUN_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_RUN_ID_LIMIT = 40
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9]{0,11}")


def check_run_id(run_id: str) -> str:
    """Return a legal run id. It becomes part of the alias, job, model, deployment and execution names.

    Raises:
        ValueError: When it is not `[a-z0-9]+(-[a-z0-9]+)*` of at most 40 characters.
    """
    if not isinstance(run_id, str) or not RUN_ID.fullmatch(run_id) or len(run_id) > _RUN_ID_LIMIT:
        raise ValueError(
            f"run id: got {run_id!r}, wanted lower-case letters and digits in groups joined by single dashes, "
            f"at most {_RUN_ID_LIMIT} characters"
        )
    return run_id


def check_line(line: str) -> str:
    """Return a legal model line; the same form as a run id, at most 24 characters.

    Raises:
        ValueError: When it is not.
    """
    if not isinstance(line, str) or not RUN_ID.fullmatch(line) or len(line) > 24:
        raise ValueError(
            f"line: got {line!r}, wanted lower-case letters and digits joined by single dashes, at most 24 characters"
        )
    return line


def check_environment(environment: str) -> str:
    """Return a legal environment name.

    Raises:
        ValueError: When it is not a lower-case letter followed by at most 11 letters and digits.
    """
    if not _ENVIRONMENT.fullmatch(environment):
        raise ValueError(f"environment: got {environment!r}, wanted [a-z][a-z0-9]* of at most 12 characters")
    return environment


def stack_name(environment: str) -> str:
    """Return the CloudFormation stack's name in an environment."""
    return f"{environment}-Rft"


def pipeline_role_name(stack: str) -> str:
    """Return the name of the role with which a pipeline of another account acts in an environment.

    Args:
        stack: Name of the environment's stack.
    """
    return f"{stack}-pipeline"


def job_name(environment: str, run_id: str) -> str:
    """Return the customization job's name."""
    return f"{environment}-{run_id}"


def custom_model_name(environment: str, run_id: str) -> str:
    """Return the candidate model's name."""
    return f"{environment}-{run_id}"


def candidate_deployment_name(environment: str, run_id: str) -> str:
    """Return the name of the deployment that Evaluate talks to."""
    return f"{environment}-{run_id}-candidate"


def live_deployment_name(environment: str, line: str) -> str:
    """Return the name of the one deployment through which applications use a model line."""
    return f"{environment}-{line}-live"


def release_parameter(environment: str, line: str, name: str) -> str:
    """Return the name of an SSM parameter about a line's live release.

    Args:
        environment: Name of the environment.
        line: The model line.
        name: `model`, `deployment` or `release`.
    """
    return f"/{stack_name(environment)}/{line}/{name}"


def live_alarm_name(environment: str, line: str) -> str:
    """Return the name of the alarm on a line's deployment."""
    return f"{stack_name(environment)}-live-{line}"


def reward_alias(run_id: str) -> str:
    """Return the reward function's per-run alias."""
    return f"run-{run_id}"


def request_token(run_id: str, state: str) -> str:
    """Return the idempotency token of a state's call: the same for every retry of that state in that run.

    Args:
        run_id: The run.
        state: Name of the state that calls.
    """
    return hashlib.sha256(f"{run_id}/{state}".encode()).hexdigest()[:32]
